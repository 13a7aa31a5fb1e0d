package export_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/export"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour  = fleet.Window{From: noon.Add(-time.Hour), To: noon}
	clock = func() time.Time { return noon.Add(time.Minute) }
)

// bench is a run over an hour of three devices, and what is needed to end it.
type bench struct {
	*testing.T
	db    *store.DB
	files *blob.Memory
	ender *ledger.Ender
	out   *export.Exporter
}

// odd is a device whose name is encoded in file names.
const odd = "über/pump=7"

var ids = []fleet.ID{{Device: "a", Sensor: "s"}, {Device: "a", Sensor: "t"}, {Device: odd, Sensor: "s"}, {Device: "z", Sensor: "s"}}

// newBench opens the run. Its jobs are queued.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, db: storetest.Open(t, storetest.SQLite), files: &blob.Memory{}}
	for _, id := range ids {
		if _, err := b.db.InsertReadings(t.Context(), []fleet.Reading{{ID: id, Time: fleet.MillisOf(hour.From), Value: 1}}, fleet.Delivery{}); err != nil {
			t.Fatal(err)
		}
	}
	b.out = &export.Exporter{Ledger: b.db, Files: b.files, Parquet: true, Now: clock}
	b.ender = &ledger.Ender{Ledger: b.db, Files: b.files, Export: b.out, Now: clock}
	if err := b.db.InitWatermark(t.Context(), hour.From); err != nil {
		t.Fatal(err)
	}
	b.schedule(hour)
	return b
}

// schedule opens the scheduled run over a window.
func (b *bench) schedule(w fleet.Window) {
	b.Helper()
	if _, err := b.db.OpenScheduled(b.Context(), w, fleet.Settings{}, clock(), 24); err != nil {
		b.Fatal(err)
	}
}

// csvOf returns the CSV of a sensor: three rows with the same score.
func csvOf(id fleet.ID, score float64) string {
	text := "TS,Device,Sensor,Val,Prediction,Score\n"
	for i := range 3 {
		text += fmt.Sprintf("%s,%s,%s,%g,%d,%g\n", (fleet.MillisOf(hour.From) + fleet.Millis(i*1000)).String(), id.Device, id.Sensor, float64(i)+.5, i%2, score)
	}
	return text
}

// close writes the CSV of a sensor's job and closes the job as scored. If content is
// empty, it closes the job as no_data.
func (b *bench) close(w fleet.Window, id fleet.ID, content string) {
	b.Helper()
	jobs, err := b.db.Jobs(b.Context(), w.RunID(), []fleet.ID{id})
	if err != nil || len(jobs) != 1 {
		b.Fatal(jobs, err)
	}
	b.put(ledger.CSVName(w.RunID(), id), content)
	sum := sha256.Sum256([]byte(content))
	o := fleet.Outcome{Result: fleet.Scored, Rows: 3, CSVSHA256: hex.EncodeToString(sum[:])}
	if content == "" {
		o = fleet.Outcome{Result: fleet.NoData}
	}
	if _, changed, err := b.db.CloseJob(b.Context(), w.RunID(), jobs[0].JobKey, o, noon); err != nil || !changed {
		b.Fatal(changed, err)
	}
}

// put writes a blob of the container preds.
func (b *bench) put(name, content string) {
	b.Helper()
	blobtest.Put(b, b.files, blob.Preds, name, content)
}

// closeAll closes the jobs of all sensors as scored.
func (b *bench) closeAll(w fleet.Window) {
	b.Helper()
	for _, id := range ids {
		b.close(w, id, csvOf(id, -.25))
	}
}

// end ends the run over a window, as the tick does.
func (b *bench) end(w fleet.Window) {
	b.Helper()
	if err := b.ender.End(b.Context(), slog.New(slog.DiscardHandler), w.RunID()); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) state(w fleet.Window) fleet.RunState {
	b.Helper()
	run, err := b.db.Run(b.Context(), w.RunID())
	if err != nil {
		b.Fatal(err)
	}
	return run.State
}

// read returns a blob of the container preds, or "" if there is none.
func (b *bench) read(name string) string {
	b.Helper()
	data, _, err := b.files.Read(b.Context(), blob.Preds, name, "", 1<<20)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		b.Fatal(err)
	}
	return string(data)
}

// written returns the Parquet files by name.
func (b *bench) written() map[string]string {
	b.Helper()
	all := map[string]string{}
	for info, err := range b.files.List(b.Context(), blob.Preds, "date=") {
		if err != nil {
			b.Fatal(err)
		}
		all[info.Name] = b.read(info.Name)
	}
	return all
}

// record is a row of a Parquet file, as a reader sees it.
type record struct {
	TS         int64    `parquet:"ts,timestamp(millisecond)"`
	Name       string   `parquet:"name"`
	Kind       string   `parquet:"kind"`
	Value      *float64 `parquet:"value,optional"`
	Prediction *float64 `parquet:"prediction,optional"`
	Label      *string  `parquet:"label,optional"`
	Score      *float64 `parquet:"score,optional"`
	Features   []struct {
		Name  string  `parquet:"name"`
		Value float64 `parquet:"value"`
	} `parquet:"features,list"`
	Run string `parquet:"run"`
}

// records returns the rows of a Parquet file.
func records(t testing.TB, content string) []record {
	t.Helper()
	rows, err := parquet.Read[record](strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

const day = "date=2026-03-01/device="

func (b *bench) name(device string) string { return day + device + "/" + hour.RunID() + ".parquet" }

// TestExport checks the Parquet files and latest.json of a run.
func TestExport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closeAll(hour)
	b.end(hour)
	if s := b.state(hour); s != fleet.RunSucceeded {
		t.Fatalf("the run is %s, want succeeded", s)
	}
	files := b.written()
	for device, sensors := range map[string][]string{"a": {"s", "t"}, fleet.EncodeName(odd): {"s"}, "z": {"s"}} {
		var names []string
		for i, r := range records(t, files[b.name(device)]) {
			if i%3 == 0 {
				names = append(names, r.Name)
			}
			k := i % 3
			if r.TS != hour.From.UnixMilli()+int64(k)*1000 || r.Kind != "sensor" || *r.Value != float64(k)+.5 || *r.Prediction != float64(k%2) || *r.Score != -.25 || r.Label != nil || r.Run != hour.RunID() {
				t.Errorf("device %s: row %d is %+v", device, i, r)
			}
		}
		if !slices.Equal(names, sensors) {
			t.Errorf("device %s: rows of %q, want %q", device, names, sensors)
		}
	}
	if len(files) != 3 {
		t.Errorf("%d files, want 3", len(files))
	}
	var latest export.Latest
	if err := json.Unmarshal([]byte(b.read("latest.json")), &latest); err != nil || latest.Run != hour.RunID() || latest.State != fleet.RunSucceeded || latest.Parquet != day+"*/"+hour.RunID()+".parquet" {
		t.Errorf("latest.json is %+v, %v", latest, err)
	}
}

// TestExportFollowsTheRun checks that a run which is scored again replaces its files. The
// file of a device without rows becomes empty.
func TestExportFollowsTheRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closeAll(hour)
	b.end(hour)
	before := b.written()
	if _, _, err := b.db.Rescore(t.Context(), hour.RunID(), func(id fleet.ID) bool { return id.Device != "a" }, nil, nil, clock()); err != nil {
		t.Fatal(err)
	}
	b.close(hour, ids[2], csvOf(ids[2], 7))
	b.close(hour, ids[3], "")
	b.end(hour)
	after := b.written()
	if after[b.name("a")] != before[b.name("a")] {
		t.Error("the file of a device whose jobs did not change was replaced")
	}
	if rows := records(t, after[b.name(fleet.EncodeName(odd))]); len(rows) != 3 || *rows[0].Score != 7 {
		t.Errorf("rows of the rescored device are %+v, want three with score 7", rows)
	}
	if rows := records(t, after[b.name("z")]); len(rows) != 0 {
		t.Errorf("rows of the device without predictions are %+v, want none", rows)
	}
}

// TestForeignFile checks that a job whose CSV is not the one that the ledger names is
// re-opened, and that the run ends only after it is scored again.
func TestForeignFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closeAll(hour)
	b.put(ledger.CSVName(hour.RunID(), ids[1]), csvOf(ids[1], 99))
	b.end(hour)
	jobs, err := b.db.Jobs(t.Context(), hour.RunID(), ids[1:2])
	if err != nil || jobs[0].State != fleet.Queued || jobs[0].Revision != 1 || b.state(hour) != fleet.RunRunning {
		t.Fatalf("got jobs %+v, %v and a run that is %s; want a queued job and a running run", jobs, err, b.state(hour))
	}
	if content := b.read(b.name("a")); content != "" {
		t.Errorf("a file of %d bytes was written before the job was scored again", len(content))
	}
	b.close(hour, ids[1], csvOf(ids[1], 1))
	b.end(hour)
	if rows := records(t, b.written()[b.name("a")]); b.state(hour) != fleet.RunSucceeded || len(rows) != 6 || *rows[3].Score != 1 {
		t.Errorf("the run is %s, rows %+v", b.state(hour), rows)
	}
}

// TestLatest checks that latest.json stays if an older run ends later.
func TestLatest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	next := fleet.Window{From: hour.To, To: hour.To.Add(time.Hour)}
	b.schedule(next)
	b.closeAll(next)
	b.end(next)
	latest := b.read("latest.json")
	b.closeAll(hour)
	b.end(hour)
	if now := b.read("latest.json"); now != latest || !strings.Contains(now, next.RunID()) {
		t.Errorf("latest.json is %s, want %s", now, latest)
	}
}

// TestLatestReplaces checks which calls of Latest replace latest.json.
func TestLatestReplaces(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	next := fleet.Window{From: hour.To, To: hour.To.Add(time.Hour)}
	for _, c := range []struct {
		name   string
		window fleet.Window
		kind   fleet.RunKind
		epoch  int
		state  fleet.RunState
		want   bool
	}{
		{"a requested run", hour, fleet.Requested, 1, fleet.RunSucceeded, false},
		{"the first run", hour, fleet.Scheduled, 2, fleet.RunFailed, true},
		{"the same run in the same epoch", hour, fleet.Scheduled, 2, fleet.RunDegraded, true},
		{"the same run in a later epoch", hour, fleet.Scheduled, 3, fleet.RunSucceeded, true},
		{"the same run in an earlier epoch", hour, fleet.Scheduled, 2, fleet.RunFailed, false},
		{"a later run in an earlier epoch", next, fleet.Scheduled, 1, fleet.RunSucceeded, true},
		{"an earlier run in a later epoch", hour, fleet.Scheduled, 9, fleet.RunSucceeded, false},
	} {
		before := b.read("latest.json")
		if err := b.out.Latest(t.Context(), fleet.Run{ID: c.window.RunID(), Window: c.window, Kind: c.kind, Epoch: c.epoch}, c.state); err != nil {
			t.Fatal(c.name, err)
		}
		if after := b.read("latest.json"); (after != before) != c.want {
			t.Errorf("%s: latest.json was %s and is %s, want a change %v", c.name, before, after, c.want)
		}
	}
}

// noReopen is a ledger that cannot re-open jobs.
type noReopen struct{ export.Ledger }

func (noReopen) ReopenJob(context.Context, string, fleet.JobKey, string, time.Time) (bool, error) {
	return false, fleet.ErrUnavailable
}

// TestExportErrors checks which error Export returns when it cannot write the files of all
// jobs.
func TestExportErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	run, err := b.db.Run(t.Context(), hour.RunID())
	if err != nil {
		t.Fatal(err)
	}
	exported := func(err error, jobs ...fleet.Job) error {
		return b.out.Export(t.Context(), run, func(yield func(fleet.Job, error) bool) {
			for _, j := range jobs {
				if !yield(j, nil) {
					return
				}
			}
			if err != nil {
				yield(fleet.Job{}, err)
			}
		})
	}
	scored := fleet.Job{Run: run.ID, JobKey: fleet.JobKey{ID: ids[0]}, State: fleet.Scored, Outcome: fleet.Outcome{Result: fleet.Scored, CSVSHA256: "other"}}
	if err := exported(nil); err != nil {
		t.Errorf("no jobs: %v", err)
	}
	if err := exported(nil, fleet.Job{Run: run.ID, JobKey: fleet.JobKey{ID: ids[0]}, State: fleet.Queued}); !errors.Is(err, ledger.ErrPending) {
		t.Errorf("a queued job: got %v, want ledger.ErrPending", err)
	}
	if err := exported(fleet.ErrUnavailable); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("a ledger that fails: got %v", err)
	}
	if err := exported(nil, scored); !errors.Is(err, ledger.ErrPending) {
		t.Errorf("a job without its CSV: got %v, want ledger.ErrPending", err)
	}
	b.out.Ledger = noReopen{b.db}
	if err := exported(nil, scored); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("a job that cannot be re-opened: got %v, want fleet.ErrUnavailable", err)
	}
	if files := b.written(); len(files) != 0 {
		t.Errorf("%d files were written, want none", len(files))
	}
}
