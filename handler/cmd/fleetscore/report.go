package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// report is the output of run --json.
type report struct {
	runs.Run
	Jobs    []runs.Job `json:"jobs"`
	Refused int        `json:"refused"`         // lines in the dead letter
	Known   []known    `json:"known,omitempty"` // per job; nil if the anomalies are not known
	Out     string     `json:"out"`             // folder of the predictions
	Seconds float64    `json:"seconds"`
}

// known counts the known anomalies of a sensor or device model.
type known struct {
	Name  string `json:"name"`  // device/name
	Known int    `json:"known"` // known anomalies
	Found int    `json:"found"` // those that the model found
}

// collect copies the predictions of the run's manifest to the folder r.Out.
func (r *report) collect(ctx context.Context, blobs blob.Store, in input) error {
	truth := in.known()
	if truth != nil {
		r.Known = make([]known, len(r.Jobs))
	}
	group, reading := spawn.WithContext(ctx)
	group.SetLimit(8)
	for i, j := range r.Jobs {
		group.Start(func() error {
			predictions, err := r.copy(reading, blobs, j)
			if err != nil || truth == nil {
				return err
			}
			hit, err := hits(predictions, truth[j.ID])
			if err != nil {
				return fmt.Errorf("predictions of %v: %w", j.ID, err)
			}
			r.Known[i] = known{j.ID.String(), len(truth[j.ID]), hit}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	manifest, _, err := blobs.Read(ctx, blob.Preds, r.Manifest, "", 1<<40)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(r.Out, "manifest.json"), manifest)
}

// copy copies the predictions of a job to the folder r.Out, and returns them. It returns nil
// if there are none.
func (r *report) copy(ctx context.Context, blobs blob.Store, j runs.Job) ([]byte, error) {
	if j.File == "" {
		return nil, nil
	}
	predictions, _, err := blobs.Read(ctx, blob.Preds, j.File, "", 1<<40)
	if err != nil {
		return nil, err
	}
	return predictions, writeFile(filepath.Join(r.Out, predictionsFile(j.ID)), predictions)
}

// hits counts the anomalies that predictions, a CSV, found.
func hits(predictions []byte, truth map[fleet.Millis]bool) (n int, err error) {
	lines := csv.NewReader(bytes.NewReader(predictions))
	lines.ReuseRecord = true
	column := 0
	for first := true; ; first = false {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		if first {
			column = slices.Index(fields, "Prediction")
			continue
		}
		at, err := fleet.ParseMillis(fields[0])
		if err != nil {
			return 0, err
		}
		if fields[column] == "1" && truth[at] {
			n++
		}
	}
}

func writeFile(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}

// unscored returns the end of a line: how many jobs were not scored, by their state. A
// run can succeed although no sensor has a model.
func unscored(jobs []runs.Job) string {
	why := map[fleet.JobState]string{fleet.NoModel: "without a model", fleet.NoData: "without readings"}
	counts := fleet.Counts{}
	for _, j := range jobs {
		counts[j.State]++
	}
	var text strings.Builder
	for _, state := range fleet.JobStates {
		if n := counts[state]; n > 0 && state != fleet.Scored {
			fmt.Fprintf(&text, ", %d %s", n, cmp.Or(why[state], string(state)))
		}
	}
	return text.String()
}

func (r report) write(to io.Writer) error {
	w := bufio.NewWriter(to)
	const head = "sensor or model"
	width := len(head)
	for _, j := range r.Jobs {
		width = max(width, len(j.ID.String()))
	}
	columns := fmt.Sprintf("%%-%ds  %%8v  %%9v  %%5v  %%5v  %%9v\n", width)
	if r.Known == nil {
		columns = strings.ReplaceAll(columns, "%5v  ", "%.0v") // leave out both columns
	}
	fmt.Fprintf(w, "\n"+columns, head, "rows", "anomalies", "known", "found", "time")
	var rows, anomalies int
	var all known
	for i, j := range r.Jobs {
		if j.State != fleet.Scored {
			reason := strings.TrimPrefix(j.Error, strings.ReplaceAll(string(j.State), "_", " ")+": ") // the state says it
			fmt.Fprintf(w, "%-*v  %s: %s\n", width, j.ID, j.State, reason)
			continue
		}
		var k known
		if r.Known != nil {
			k = r.Known[i]
		}
		fmt.Fprintf(w, columns, j.ID, j.Rows, j.Anomalies, k.Known, k.Found, fmt.Sprintf("%.1f ms", j.DurationMS))
		rows, anomalies, all.Known, all.Found = rows+j.Rows, anomalies+j.Anomalies, all.Known+k.Known, all.Found+k.Found
	}
	fmt.Fprintf(w, "\n%s, %d anomalies%s", totals(r.Jobs, rows), anomalies, unscored(r.Jobs))
	if r.Known != nil {
		fmt.Fprintf(w, "; %d of %d known anomalies found, %d false alarms", all.Found, all.Known, anomalies-all.Found)
	}
	fmt.Fprintf(w, "\npredictions: %s (%.1f s in total)\n", filepath.Join(r.Out, "{device}", "{name}.csv"), r.Seconds)
	return w.Flush()
}

// totals returns the number of sensors, device models and rows, as text.
func totals(jobs []runs.Job, rows int) string {
	models := 0
	for _, j := range jobs {
		if j.DeviceModel != "" {
			models++
		}
	}
	if models == 0 {
		return many(len(jobs), "sensor") + ", " + many(rows, "reading")
	}
	return many(len(jobs)-models, "sensor") + " and " + many(models, "device model") + ", " + many(rows, "row")
}

// many writes a number of things, of which one has the name thing.
func many(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// err returns an error unless the run succeeded. It has the first errors of its jobs.
func (r report) err() error {
	if r.State == fleet.RunSucceeded {
		return nil
	}
	var reasons []string
	for _, j := range r.Jobs {
		if j.Error != "" {
			reasons = append(reasons, fmt.Sprintf("%v: %s", j.ID, j.Error))
		}
	}
	return errors.New(strings.Join(append([]string{"the run is " + string(r.State)}, firstFew(reasons)...), "\n  "))
}

// refused returns the reason and the bytes of each line in the dead letter.
func (s *stack) refused(ctx context.Context) (reasons []string, err error) {
	blobs := s.account.Blobs()
	for info, err := range blobs.List(ctx, blob.DeadLetter, "") {
		if err != nil {
			return nil, err
		}
		data, _, err := blobs.Read(ctx, blob.DeadLetter, info.Name, "", 1<<30)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(data) {
			var letter ingest.Letter
			if err := json.Unmarshal(line, &letter); err != nil {
				return nil, fmt.Errorf("dead letter %s: %w", info.Name, err)
			}
			reasons = append(reasons, fmt.Sprintf("%s: %.200q", letter.Reason, letter.Raw))
		}
	}
	return reasons, nil
}

// firstFew returns the first five lines, and a line with the number of the others.
func firstFew(lines []string) []string {
	const few = 5
	if len(lines) <= few {
		return lines
	}
	return append(lines[:few:few], fmt.Sprintf("and %d more", len(lines)-few))
}
