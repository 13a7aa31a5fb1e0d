package interleave_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/export"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

var manifestName = ledger.ManifestName(day.RunID())

// check returns what is wrong with a run when nothing is in flight any more,
// nil if nothing is: it must have ended, once, with a manifest that is what the
// ledger says at its epoch, and every scored job's file must be what an
// undisturbed run under the same model and settings writes.
func (w *world) check() error {
	ctx := w.t.Context()
	run, err := w.db.Run(ctx, day.RunID())
	if err != nil {
		return err
	}
	if run.State.Open() {
		return fmt.Errorf("the run is %s still", run.State)
	}
	jobs, err := w.db.JobsPage(ctx, run.ID, "", fleet.ID{}, 100)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if err := w.checkJob(run, j); err != nil {
			return fmt.Errorf("job %s: %w", j.ID, err)
		}
	}
	if err := w.checkReadings(run, jobs); err != nil {
		return err
	}
	for end, n := range w.log.ends {
		if n > 1 {
			return fmt.Errorf("%d summaries of run %s", n, end)
		}
	}
	return cmp.Or(w.checkManifest(run, jobs), w.checkSums(run), w.checkParquet(run, jobs))
}

// checkReadings reports a reading of the window whose sensor has no job. That
// the others are in their files is for checkJob to see.
func (w *world) checkReadings(run fleet.Run, jobs []fleet.Job) error {
	known := map[fleet.ID]bool{}
	for _, j := range jobs {
		known[j.ID] = true
	}
	for r, err := range w.db.Readings(w.t.Context(), append([]fleet.ID{orphaned, newcomer}, good...), run.Window) {
		if err != nil {
			return err
		}
		if !known[r.ID] {
			return fmt.Errorf("%s has a reading at %s and no job", r.ID, r.Time)
		}
	}
	return nil
}

func (w *world) checkJob(run fleet.Run, j fleet.Job) error {
	if want := map[fleet.ID]fleet.JobState{silent: fleet.NoData}[j.ID]; want != "" && j.State == fleet.Scored {
		return fmt.Errorf("is %s, want %s", j.State, want)
	}
	found, err := w.db.Anomalies(w.t.Context(), run.ID, []fleet.ID{j.ID})
	if err != nil {
		return err
	}
	if j.State != fleet.Scored {
		if len(found) > 0 {
			return fmt.Errorf("is %s, and the ledger has anomalies of it", j.State)
		}
		return nil
	}
	version, err := strconv.Atoi(j.ModelSHA256)
	if err != nil {
		return err
	}
	got, info, err := w.blobs.Read(w.t.Context(), blob.Preds, ledger.CSVName(run.ID, j.ID), "", 1<<20)
	if err != nil {
		return err
	}
	if info.SHA256 != j.CSVSHA256 {
		return fmt.Errorf("its file differs from what the ledger says")
	}
	if want := w.undisturbed(run, j.ID, threshold(version)); string(got) != want {
		return fmt.Errorf("its file is\n%s\nwant\n%s", got, want)
	}
	return sameAnomalies(string(got), found)
}

// sameAnomalies reports that what the ledger keeps of a job's anomalies is not what
// stands in its file.
func sameAnomalies(file string, found []fleet.AnomalousJob) error {
	var want []string
	for line := range strings.Lines(file) {
		if f := strings.Split(strings.TrimSpace(line), ","); f[4] == "1" {
			want = append(want, f[0]+" "+f[5])
		}
	}
	var got []string
	for _, j := range found {
		rows, err := j.Kept.List()
		if err != nil {
			return err
		}
		for _, r := range rows {
			got = append(got, fmt.Sprint(r.Time, " ", r.Score))
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the ledger has the anomalies %v, the file %v", got, want)
	}
	return nil
}

// exported is a row of a Parquet file.
type exported struct {
	TS         int64   `parquet:"ts,timestamp(millisecond)"`
	Name       string  `parquet:"name"`
	Value      float64 `parquet:"value,optional"`
	Prediction float64 `parquet:"prediction,optional"`
	Score      float64 `parquet:"score,optional"`
	Run        string  `parquet:"run"`
}

// checkParquet reports a device whose Parquet file does not have the rows of the
// CSVs that the ledger names. Where a CSV is another, whoever wrote it has yet to find
// out, and will re-open its job: there is nothing to compare with until then.
func (w *world) checkParquet(run fleet.Run, jobs []fleet.Job) error {
	if !w.parquet {
		return nil
	}
	want := map[string][]string{}
	unknown := map[string]bool{}
	for _, j := range jobs {
		lines := want[j.Device]
		if j.State == fleet.Scored {
			content, info, err := w.blobs.Read(w.t.Context(), blob.Preds, ledger.CSVName(run.ID, j.ID), "", 1<<20)
			if err != nil {
				return err
			}
			unknown[j.Device] = unknown[j.Device] || info.SHA256 != j.CSVSHA256
			for line := range strings.Lines(string(content)) {
				if f := strings.Split(strings.TrimSpace(line), ","); f[0] != "TS" {
					lines = append(lines, fmt.Sprintln(f[0], j.Name(), f[3], f[4], f[5], run.ID))
				}
			}
		}
		want[j.Device] = lines
	}
	for device, lines := range want {
		if unknown[device] {
			continue
		}
		content, _, err := w.blobs.Read(w.t.Context(), blob.Preds, export.FileName(run, device), "", 1<<20)
		if errors.Is(err, blob.ErrNotFound) {
			content, err = nil, nil
		}
		var rows []exported
		if content != nil {
			rows, err = parquet.Read[exported](bytes.NewReader(content), int64(len(content)))
		}
		if err != nil {
			return err
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintln(time.UnixMilli(r.TS).UTC().Format("2006-01-02T15:04:05.000Z"), r.Name, r.Value, r.Prediction, r.Score, r.Run))
		}
		if !slices.Equal(got, lines) {
			return fmt.Errorf("the Parquet file of %s has %q, the CSVs %q", device, got, lines)
		}
	}
	return nil
}

func (w *world) checkManifest(run fleet.Run, jobs []fleet.Job) error {
	content, _, err := w.blobs.Read(w.t.Context(), blob.Preds, ledger.ManifestName(run.ID), "", 1<<20)
	if err != nil {
		return err
	}
	var m ledger.Manifest
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return fmt.Errorf("manifest: %w\n%s", err, content)
	}
	if m.Epoch != run.Epoch || m.State != run.State || m.Settings != run.Settings || m.Kind != run.Kind || m.Reason != run.Reason {
		return fmt.Errorf("the manifest is of epoch %d, %s, %s, %v; the run of epoch %d, %s, %s, %v",
			m.Epoch, m.State, m.Kind, m.Settings, run.Epoch, run.State, run.Kind, run.Settings)
	}
	counts := fleet.Counts{}
	var want []ledger.Entry
	for _, j := range jobs {
		counts[j.State]++
		e := ledger.Entry{JobKey: j.JobKey, State: j.State, SHA256: j.CSVSHA256, Rows: j.Rows, Anomalies: j.Anomalies,
			EmptyBuckets: j.EmptyBuckets, Model: j.Model, ModelSHA256: j.ModelSHA256, AttributesSHA256: j.AttributesSHA256}
		if j.State == fleet.Scored {
			e.File = fmt.Sprintf("%s/%s/%s.csv", run.ID, j.Device, j.Name())
		}
		want = append(want, e)
	}
	if !slices.Equal(m.Jobs, want) {
		return fmt.Errorf("the manifest lists\n%+v\nthe ledger\n%+v", m.Jobs, want)
	}
	if state := fleet.EndState(run.State, counts, run.Settings); state != run.State {
		return fmt.Errorf("the run ended as %s, its jobs %v say %s", run.State, counts, state)
	}
	return nil
}

// checkSums reports sums by device that are not of the jobs as they are.
func (w *world) checkSums(run fleet.Run) error {
	stored, err := w.db.RunSums(w.t.Context(), []string{run.ID})
	if err != nil {
		return err
	}
	counted, err := w.db.DeviceSums(w.t.Context(), run.ID)
	if err != nil {
		return err
	}
	if want := fleet.PackSums(counted); !bytes.Equal(stored[run.ID], want) {
		return fmt.Errorf("the sums by device are %q, the jobs come to %q", stored[run.ID], want)
	}
	return nil
}

// undisturbed is the CSV that one scoring of one sensor writes, written down
// here once more, from the definition.
func (w *world) undisturbed(run fleet.Run, id fleet.ID, m threshold) string {
	a, err := fleet.ParseAggregation(run.Settings.Aggregate)
	if err != nil {
		w.t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("TS,Device,Sensor,Val,Prediction,Score\n")
	row := func(ts time.Time, v float64) {
		var r predict.Result
		if err := m.Predict(&r, []float64{v}); err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s,%s,%s,%v,%d,%v\n", ts.UTC().Format("2006-01-02T15:04:05.000Z"), id.Device, id.Sensor, v, int(r.Predictions[0]), r.Scores[0])
	}
	buckets := map[time.Time][]float64{}
	for r, err := range w.db.Readings(w.t.Context(), []fleet.ID{id}, run.Window) {
		if err != nil {
			w.t.Fatal(err)
		}
		if a.Raw() {
			row(r.Time.Time(), r.Value)
			continue
		}
		every := a.Every.Milliseconds()
		start := fleet.Millis(int64(r.Time) / every * every).Time()
		if start.Before(run.Window.From) {
			start = run.Window.From
		}
		buckets[start] = append(buckets[start], r.Value)
	}
	for ts := run.Window.From; ts.Before(run.Window.To); ts = ts.Add(time.Hour) {
		if values := buckets[ts]; values != nil {
			row(ts, slices.Max(values)) // no bucket of 1h:mean has more than one
		}
	}
	return out.String()
}
