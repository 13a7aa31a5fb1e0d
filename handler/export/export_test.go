package export_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/export"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/store/storetest"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hour  = fleet.Window{From: noon.Add(-time.Hour), To: noon}
	clock = func() time.Time { return noon.Add(time.Minute) }
)

// bench is a run over an hour of three devices, whose jobs are scored.
type bench struct {
	*testing.T
	db    *store.DB
	files *blob.Memory
	ender *ledger.Ender
	out   *export.Exporter
}

const odd = "über/pump=7"

var ids = []fleet.ID{{Device: "a", Sensor: "s"}, {Device: "a", Sensor: "t"}, {Device: odd, Sensor: "s"}, {Device: "z", Sensor: "s"}}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, db: storetest.Open(t, storetest.SQLite), files: &blob.Memory{}}
	for _, id := range ids {
		if _, err := b.db.InsertReadings(t.Context(), []fleet.Reading{{ID: id, Time: fleet.MillisOf(hour.From), Value: 1}}); err != nil {
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

func (b *bench) schedule(w fleet.Window) {
	b.Helper()
	if _, err := b.db.OpenScheduled(b.Context(), w, fleet.Settings{}, clock(), 24); err != nil {
		b.Fatal(err)
	}
}

func csvOf(id fleet.ID, score float64) string {
	text := "TS,Device,Sensor,Val,Prediction,Score\n"
	for i := range 3 {
		text += fmt.Sprintf("%s,%s,%s,%g,%d,%g\n", (fleet.MillisOf(hour.From) + fleet.Millis(i*1000)).String(), id.Device, id.Sensor, float64(i)+.5, i%2, score)
	}
	return text
}

// close scores the job of a sensor: it writes the CSV, and closes the job.
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

func (b *bench) put(name, content string) {
	b.Helper()
	if _, err := b.files.Write(b.Context(), blob.Preds, name, "", "", func(w io.Writer) error { _, err := io.WriteString(w, content); return err }); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) closeAll(w fleet.Window) {
	b.Helper()
	for _, id := range ids {
		b.close(w, id, csvOf(id, -.25))
	}
}

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

// read returns a blob, "" if there is none.
func (b *bench) read(name string) string {
	b.Helper()
	data, _, err := b.files.Read(b.Context(), blob.Preds, name, "", 1<<20)
	if err != nil && !errors.Is(err, blob.ErrNotFound) {
		b.Fatal(err)
	}
	return string(data)
}

// written returns the Parquet files, by their names.
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

// record is a row as a reader has it.
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

func TestExport(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closeAll(hour)
	b.end(hour)
	if s := b.state(hour); s != fleet.RunSucceeded {
		t.Fatalf("the run is %s", s)
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
				t.Errorf("%s: row %d is %+v", device, i, r)
			}
		}
		if !slices.Equal(names, sensors) {
			t.Errorf("%s has rows of %q, want %q", device, names, sensors)
		}
	}
	if len(files) != 3 {
		t.Errorf("%d files", len(files))
	}
	var latest export.Latest
	if err := json.Unmarshal([]byte(b.read("latest.json")), &latest); err != nil || latest.Run != hour.RunID() || latest.State != fleet.RunSucceeded || latest.Parquet != day+"*/"+hour.RunID()+".parquet" {
		t.Errorf("latest %+v, %v", latest, err)
	}
}

// TestExportFollowsTheRun: a run that is scored again replaces what it wrote, also by nothing.
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
		t.Error("a file that had nothing new was written anew")
	}
	if rows := records(t, after[b.name(fleet.EncodeName(odd))]); len(rows) != 3 || *rows[0].Score != 7 {
		t.Errorf("rows %+v", rows)
	}
	if rows := records(t, after[b.name("z")]); len(rows) != 0 {
		t.Errorf("rows of a device without any: %+v", rows)
	}
}

// TestForeignFile: a job whose CSV is not the one that the ledger names is scored
// again before the run ends.
func TestForeignFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closeAll(hour)
	b.put(ledger.CSVName(hour.RunID(), ids[1]), csvOf(ids[1], 99))
	b.end(hour)
	jobs, err := b.db.Jobs(t.Context(), hour.RunID(), ids[1:2])
	if err != nil || jobs[0].State != fleet.Queued || jobs[0].Revision != 1 || b.state(hour) != fleet.RunRunning {
		t.Fatalf("%+v, %v, the run is %s", jobs, err, b.state(hour))
	}
	b.close(hour, ids[1], csvOf(ids[1], 1))
	b.end(hour)
	if rows := records(t, b.written()[b.name("a")]); b.state(hour) != fleet.RunSucceeded || len(rows) != 6 || *rows[3].Score != 1 {
		t.Errorf("the run is %s, rows %+v", b.state(hour), rows)
	}
}

// mortal are files whose n-th operation never happens: so it is for a process that
// is killed there. before is called ahead of each write of a Parquet file.
type mortal struct {
	*blob.Memory
	left   int
	before func()
}

var errKilled = errors.New("killed")

func (m *mortal) spend() error {
	if m.left--; m.left < 0 {
		return errKilled
	}
	return nil
}

func (m *mortal) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	if err := m.spend(); err != nil {
		return blob.Info{}, err
	}
	info, err := m.Memory.Stat(ctx, container, name)
	if m.before != nil && strings.HasSuffix(name, ".parquet") {
		m.before()
	}
	return info, err
}

func (m *mortal) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	if err := m.spend(); err != nil {
		return nil, blob.Info{}, err
	}
	return m.Memory.Read(ctx, container, name, etag, limit)
}

func (m *mortal) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	if err := m.spend(); err != nil {
		return blob.Info{}, err
	}
	return m.Memory.Write(ctx, container, name, cond, contentType, fill)
}

// TestKilled ends a run that is killed at each operation once, and holds that what
// it leaves is what an undisturbed one does.
func TestKilled(t *testing.T) {
	t.Parallel()
	whole := newBench(t)
	whole.closeAll(hour)
	whole.end(hour)
	want := whole.written()
	for n := 0; ; n++ {
		b := newBench(t)
		b.closeAll(hour)
		m := &mortal{Memory: b.files, left: n}
		out := &export.Exporter{Ledger: b.db, Files: serial{m}, Parquet: true, Now: clock}
		ender := &ledger.Ender{Ledger: b.db, Files: serial{m}, Export: out, Now: clock}
		err := ender.End(t.Context(), slog.New(slog.DiscardHandler), hour.RunID())
		if err == nil {
			if n < 10 {
				t.Errorf("an end takes %d operations", n)
			}
			return
		}
		if !errors.Is(err, errKilled) || b.state(hour) != fleet.RunRunning {
			t.Fatalf("killed at %d: %v, the run is %s", n, err, b.state(hour))
		}
		b.end(hour)
		if got := b.written(); b.state(hour) != fleet.RunSucceeded || !sameFiles(got, want) || b.read("latest.json") == "" || b.read(ledger.ManifestName(hour.RunID())) == "" {
			t.Errorf("killed at %d: the run is %s, %d files", n, b.state(hour), len(got))
		}
	}
}

// lock makes the operations of serial files come one after another.
var lock = make(chan struct{}, 1)

type serial struct{ *mortal }

func (s serial) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	lock <- struct{}{}
	defer func() { <-lock }()
	return s.mortal.Stat(ctx, container, name)
}

func (s serial) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	lock <- struct{}{}
	defer func() { <-lock }()
	return s.mortal.Read(ctx, container, name, etag, limit)
}

func (s serial) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	lock <- struct{}{}
	defer func() { <-lock }()
	return s.mortal.Write(ctx, container, name, cond, contentType, fill)
}

func sameFiles(a, b map[string]string) bool {
	for name, content := range a {
		if b[name] != content {
			return false
		}
	}
	return len(a) == len(b)
}

// TestLateWriter: one that made its file of older jobs replaces nothing that was
// made after the run was scored again, wherever it sleeps.
func TestLateWriter(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closeAll(hour)
	asleep := true
	m := &mortal{Memory: b.files, left: math.MaxInt}
	m.before = func() {
		if !asleep {
			return
		}
		asleep = false
		if _, _, err := b.db.Rescore(t.Context(), hour.RunID(), func(fleet.ID) bool { return true }, nil, nil, clock()); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			b.close(hour, id, csvOf(id, 5))
		}
		b.end(hour)
	}
	late := &ledger.Ender{Ledger: b.db, Files: serial{m}, Now: clock, Export: &export.Exporter{Ledger: b.db, Files: serial{m}, Parquet: true, Now: clock}}
	if err := late.End(t.Context(), slog.New(slog.DiscardHandler), hour.RunID()); err != nil {
		t.Fatal(err)
	}
	for name, content := range b.written() {
		for _, r := range records(t, content) {
			if *r.Score != 5 {
				t.Errorf("%s has an older score: %+v", name, r)
			}
		}
	}
	if b.state(hour) != fleet.RunSucceeded || asleep {
		t.Errorf("the run is %s", b.state(hour))
	}
}

// TestLatest: an older run that ends later is not the latest.
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
		t.Errorf("latest.json was %s and is %s", latest, now)
	}
}

func TestLayouts(t *testing.T) {
	t.Parallel()
	const ts = "2026-03-01T11:00:00.000Z"
	for name, c := range map[string]struct {
		id         fleet.ID
		csv        string
		value      string
		prediction string
		label      string
		features   string
	}{
		"aggregates": {fleet.ID{Device: "d", Sensor: "s"}, "TS,Device,Sensor,Val,Prediction,Score,mean,max\n" + ts + ",d,s,1.5,1,-2,1.5,9\n", "1.5", "1", "-", "mean=1.5 max=9 "},
		"detector":   {fleet.ID{Device: "d", DeviceModel: "m"}, "TS,Device,Model,Prediction,Score,flow mean,empty\n" + ts + ",d,m,0,-2,3,\n", "-", "0", "-", "flow mean=3 "},
		"classifier": {fleet.ID{Device: "d", DeviceModel: "m"}, "TS,Device,Model,Prediction,Score,P(1),P(2)\n" + ts + ",d,m,2,,.25,.75\n", "-", "-", "2", "P(1)=0.25 P(2)=0.75 "},
		"regressor":  {fleet.ID{Device: "d", DeviceModel: "m"}, "TS,Device,Model,Prediction,Score,Actual,Residual,x\n" + ts + ",d,m,2.5,,3,0.5,1\n", "-", "2.5", "-", "Actual=3 Residual=0.5 x=1 "},
	} {
		content, err := export.Parquet(hour.RunID(), c.id, []byte(c.csv))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := records(t, string(content))[0]
		text := func(v *float64) string {
			if v == nil {
				return "-"
			}
			return fmt.Sprint(*v)
		}
		label, features := "-", ""
		if r.Label != nil {
			label = *r.Label
		}
		for _, f := range r.Features {
			features += fmt.Sprintf("%s=%g ", f.Name, f.Value)
		}
		if text(r.Value) != c.value || text(r.Prediction) != c.prediction || label != c.label || features != c.features {
			t.Errorf("%s: %+v, label %s, features %s", name, r, label, features)
		}
	}
	for _, bad := range []string{"a,b\n1,2\n", "TS,Device,Sensor,Val,Prediction,Score\nyesterday,d,s,1,1,1\n", "\"", "TS,Device,Model,Prediction,Score\n\"x\n"} {
		if _, err := export.Parquet("r", ids[0], []byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
	if content, err := export.Parquet("r", ids[0], nil); err != nil || len(records(t, string(content))) != 0 {
		t.Errorf("an empty CSV: %v", err)
	}
}

// TestReaders runs the lines of docs/results.md for DuckDB and pandas on what a run wrote.
func TestReaders(t *testing.T) {
	t.Parallel()
	python := needs.Python(t, "duckdb==1.4.2", "pandas==3.1.1", "pyarrow==26.0.1")
	b := newBench(t)
	b.closeAll(hour)
	b.end(hour)
	dir := t.TempDir()
	for name, content := range b.written() {
		writeFile(t, filepath.Join(dir, "preds", filepath.FromSlash(name)), content)
	}
	content, err := export.Parquet("r", fleet.ID{Device: "m", DeviceModel: "whole"}, []byte("TS,Device,Model,Prediction,Score,flow_mean\n2026-03-01T11:00:00.000Z,m,whole,0,-2,3.5\n"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "preds", "date=2026-03-01", "device=m", "r.parquet"), string(content))
	page, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, n int) string {
		_, rest, _ := strings.Cut(string(page), "```"+kind+"\n")
		for range n {
			_, rest, _ = strings.Cut(rest, "```"+kind+"\n")
		}
		text, _, found := strings.Cut(rest, "```")
		if !found {
			t.Fatalf("docs/results.md has no block %d of %s", n, kind)
		}
		return text
	}
	script := fmt.Sprintf(`import duckdb
print(duckdb.sql("""%s""").fetchall())
print(duckdb.sql("""SELECT score, flow_mean FROM (%s)""").fetchall())
%s
print(sorted(df.groupby(["device", "name"], observed=True).prediction.sum().items()), df.ts.dtype)
`, block("sql", 0), strings.TrimRight(block("sql", 1), ";\n"), strings.Replace(block("python", 0), "print(", "str(", 1))
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	want := "[('a', 's', 3, 1.0), ('a', 't', 3, 1.0), ('m', 'whole', 1, 0.0), ('z', 's', 3, 1.0), ('" + odd + "', 's', 3, 1.0)]\n[(-2.0, 3.5)]\n" +
		"[(('a', 's'), 1.0), (('a', 't'), 1.0), (('m', 'whole'), 0.0), (('z', 's'), 1.0), (('" + odd + "', 's'), 1.0)] datetime64[ms, UTC]\n"
	if err != nil || string(out) != want {
		t.Errorf("%v:\n%s, want\n%s", err, out, want)
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
