package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/store"
)

// outcome is all that is left when an hour of readings has been scored.
type outcome struct {
	readings []string          // as stored
	letters  []string          // the bodies of dead letters, in order
	runs     map[string]string // state by id
	jobs     map[string]string // state by run and sensor
	files    map[string]string // predictions and manifests
	// pieces is the traffic of each part, by proxy.
	pieces []map[string]int
}

// differ says what of o is not as in want.
func (o outcome) differ(want outcome) (problems []string) {
	add := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if !slices.Equal(o.readings, want.readings) {
		add("%d readings are stored, not the %d that should be", len(o.readings), len(want.readings))
	}
	if !slices.Equal(o.letters, want.letters) {
		add("dead letters: %q, want %q", o.letters, want.letters)
	}
	for what, pair := range map[string][2]map[string]string{"run": {o.runs, want.runs}, "job": {o.jobs, want.jobs}, "file": {o.files, want.files}} {
		for name, w := range pair[1] {
			if g, ok := pair[0][name]; !ok {
				add("%s %s is missing", what, name)
			} else if g != w {
				add("%s %s is %.300q, not %.300q", what, name, g, w)
			}
		}
		for name := range pair[0] {
			if _, ok := pair[1][name]; !ok {
				add("%s %s should not be there", what, name)
			}
		}
	}
	return problems
}

// shape is a way of bringing an hour of readings to predictions.
type shape struct {
	layout func(*testing.T) layout
	// run does it, and disturbs each part, which usually takes so long. One in
	// late readings comes only when the last window opens, or none if that is 0.
	run func(s *stack, late int, disturb func(usual time.Duration) []func(context.Context))
}

// shapes are a run that is asked for, by the handler as it is deployed, and the
// four runs of a schedule by a clock that goes back as well as forth.
var shapes = [2]shape{
	{func(*testing.T) layout { return layout{root: dist} }, runRequested},
	{func(t *testing.T) layout { return clockLayout(t, "0 */15 * * * *") }, runScheduled},
}

// clockLayout has a clock that stands at the beginning of the hour until the test sets it,
// windows by a schedule, and a tick each second.
func clockLayout(t *testing.T, schedule string) layout {
	t.Helper()
	clock := filepath.Join(t.TempDir(), "clock")
	setClock(t, clock, hour.From)
	return layout{root: clockDist, settings: []string{"E2E_CLOCK", clock, "SCORE_SCHEDULE", schedule, "SCORE_TICK", "* * * * * *"}}
}

// awaitWatermark waits until the windows before at have been opened.
func (s *stack) awaitWatermark(at time.Time) {
	s.Helper()
	db := s.open()
	defer db.Close()
	s.attempt("windows are opened up to "+at.Format(time.RFC3339), func() error {
		upto, set, err := db.Watermark(s.Context())
		if err == nil && !(set && upto.Equal(at)) {
			err = fmt.Errorf("the watermark stands at %v, set: %v", upto, set)
		}
		return err
	})
}

func setClock(t *testing.T, file string, at time.Time) {
	t.Helper()
	// Renamed: a handler never reads half a time.
	if err := os.WriteFile(file+"~", []byte(at.Format(time.RFC3339)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+"~", file); err != nil {
		t.Fatal(err)
	}
}

func undisturbedOutcome(t *testing.T, shape shape) outcome {
	t.Helper()
	proxies := map[string]*proxy{}
	l := shape.layout(t)
	l.through = func(name, address string) string {
		proxies[name] = newProxy(t, address)
		return proxies[name].Addr().String()
	}
	s := l.start(t)
	s.publishFleet(faultFleet)
	var begins []map[string]int
	note := func() {
		now := map[string]int{}
		for name, p := range proxies {
			now[name] = p.pieces()
		}
		begins = append(begins, now)
	}
	shape.run(s, 0, func(time.Duration) []func(context.Context) { note(); return nil })
	note()
	o := s.lookWhole()
	for i, begin := range begins[:len(begins)-1] {
		part := map[string]int{}
		for name := range begin {
			part[name] = begins[i+1][name] - begin[name]
		}
		o.pieces = append(o.pieces, part)
	}
	return o
}

// lookWhole waits until all of an undisturbed hour is there: a busy machine may spill
// readings, and score them with a later tick.
func (s *stack) lookWhole() (o outcome) {
	s.Helper()
	want := 0
	for range readings(faultFleet, hour) {
		want++
	}
	s.attempt("undisturbed, all is stored and scored", func() error {
		o = s.look()
		rows := 0
		for name, content := range o.files {
			if strings.HasSuffix(name, ".csv") {
				rows += len(s.records([]byte(content))) - 1
			}
		}
		failed := slices.ContainsFunc(slices.Collect(maps.Values(o.runs)), func(s string) bool { return s != string(fleet.RunSucceeded) })
		if len(o.readings) != want || rows != want || len(o.letters) != faultLetters || len(o.jobs) != len(o.runs)*len(faultFleet.Sensors()) || len(o.files) != len(o.jobs)+len(o.runs) || failed {
			return fmt.Errorf("%d readings and %d rows of %d, %d letters of %d, runs %v, %d jobs, %d files", len(o.readings), rows, want, len(o.letters), faultLetters, o.runs, len(o.jobs), len(o.files))
		}
		return nil
	})
	return o
}

// faultLetters is how many events of an hour are no reading.
const faultLetters = 20

// sendHour sends the hour's readings and some events that are none, and waits
// until all are dealt with.
func (s *stack) sendHour(keep func(n int, id fleet.ID) bool) {
	s.Helper()
	for i := range faultLetters {
		s.attempt("an event is sent", func() error {
			return s.hub.SendBatch(s.Context(), fmt.Sprint(i), []string{fmt.Sprintf("no reading %02d", i)})
		})
	}
	s.send(some(readings(faultFleet, hour), keep))
	s.caughtUp()
}

func runRequested(s *stack, _ int, disturb func(time.Duration) []func(context.Context)) {
	s.Helper()
	s.during(func() { s.sendHour(func(int, fleet.ID) bool { return true }) }, disturb(time.Second)...)
	s.during(func() { s.ended(s.request(hour).ID) }, disturb(time.Second)...)
}

// runScheduled has the clock stand still before the windows while readings
// come; then it goes on, and is set back after each step.
func runScheduled(s *stack, late int, disturb func(time.Duration) []func(context.Context)) {
	s.Helper()
	s.awaitWatermark(hour.From)
	isLate := func(n int, id fleet.ID) bool { return late > 0 && n%late == 0 }
	s.during(func() {
		s.sendHour(func(n int, id fleet.ID) bool { return !isLate(n, id) })
	}, disturb(time.Second)...)
	quarters := []string{}
	for at := hour.From; at.Before(hour.To); at = at.Add(15 * time.Minute) {
		quarters = append(quarters, fleet.Window{From: at, To: at.Add(15 * time.Minute)}.RunID())
	}
	clock := s.host.setting("E2E_CLOCK")
	for _, step := range []struct {
		minutes int // after the hour's beginning
		back    int // minutes before it, once that is reached
		ended   int // runs
	}{{17, -60, 1}, {47, 3, 3}, {62, -1440, 4}} {
		s.during(func() {
			setClock(s.T, clock, hour.From.Add(time.Duration(step.minutes)*time.Minute))
			s.awaitWatermark(hour.From.Add(time.Duration(step.ended) * 15 * time.Minute))
			setClock(s.T, clock, hour.From.Add(time.Duration(step.back)*time.Minute))
			if step.ended == len(quarters) && late > 0 {
				s.send(some(readings(faultFleet, hour), isLate))
				s.caughtUp()
			}
			for _, id := range quarters[:step.ended] {
				s.ended(id)
			}
		}, disturb(time.Second)...)
	}
}

func (s *stack) open() *store.DB {
	s.Helper()
	db, err := store.Open(s.sql, store.Options{})
	if err != nil {
		s.Fatal(err)
	}
	return db
}

// look reads all that there is.
func (s *stack) look() (o outcome) {
	s.Helper()
	db := s.open()
	defer db.Close()
	o.runs, o.jobs, o.files = map[string]string{}, map[string]string{}, map[string]string{}
	all, err := db.Runs(s.Context(), "", 100)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range all {
		o.runs[r.ID] = string(r.State)
		jobs, err := db.JobsPage(s.Context(), r.ID, "", fleet.ID{}, 1000)
		if err != nil {
			s.Fatal(err)
		}
		for _, j := range jobs {
			o.jobs[r.ID+" "+j.ID.String()] = string(j.State)
		}
		for name, content := range s.predictions(r.ID) {
			o.files[r.ID+"/"+name] = content
		}
	}
	var ids []fleet.ID
	rows, err := db.Subjects(s.Context(), fleet.ID{}, 1000)
	if err != nil {
		s.Fatal(err)
	}
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	for r, err := range db.Readings(s.Context(), ids, hour) {
		if err != nil {
			s.Fatal(err)
		}
		o.readings = append(o.readings, fmt.Sprint(r))
	}
	for info, err := range s.blobs.List(s.Context(), blob.DeadLetter, "") {
		if err != nil {
			s.Fatal(err)
		}
		content, _, err := s.blobs.Read(s.Context(), blob.DeadLetter, info.Name, "", 1<<20)
		if err != nil {
			s.Fatal(err)
		}
		for line := range bytes.Lines(content) {
			var letter struct{ Raw []byte }
			if err := json.Unmarshal(line, &letter); err != nil {
				s.Fatal(err)
			}
			o.letters = append(o.letters, string(letter.Raw))
		}
	}
	slices.Sort(o.letters)
	o.letters = slices.Compact(o.letters) // an event sent twice is buried twice
	return o
}

// TestFaultsAreFound damages what an undisturbed run has left, one thing after
// the other: the check of TestFaults finds each.
func TestFaultsAreFound(t *testing.T) {
	t.Parallel()
	l := shapes[0].layout(t)
	s := l.start(t)
	s.publishFleet(faultFleet)
	runRequested(s, 0, func(time.Duration) []func(context.Context) { return nil })
	want := s.lookWhole()
	if problems := s.look().differ(want); problems != nil {
		t.Fatalf("without damage: %q", problems)
	}
	db, err := driver.Open(s.sql + "?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(text string) func() {
		return func() {
			if _, err := db.ExecContext(t.Context(), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	id := hour.RunID()
	csv := id + "/" + faultFleet.Sensors()[0].ID.String() + ".csv"
	write := func(container, name string, content string) func() {
		return func() {
			if _, err := s.blobs.Write(t.Context(), container, name, "", "", func(w io.Writer) error {
				_, err := io.WriteString(w, content)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		damage func()
		says   string
	}{
		{"a reading lost", exec(`DELETE FROM readings WHERE ts = (SELECT MIN(ts) FROM readings)`), "readings are stored"},
		{"a job failed", exec(`UPDATE jobs SET state = 'failed' WHERE subject_id = (SELECT MIN(subject_id) FROM jobs)`), "job "},
		{"a run degraded", exec(`UPDATE runs SET state = 'degraded'`), "run " + id},
		{"a byte of a CSV", write(blob.Preds, csv, strings.Replace(want.files[csv], ",0,", ",1,", 1)), "file " + csv + " is"},
		{"a surplus CSV", write(blob.Preds, id+"/x/y.csv", "TS"), "should not be there"},
		{"a letter", write(blob.DeadLetter, "x.json", `{"raw":"eA=="}`), "dead letters"},
		{"a CSV lost", func() {
			if err := s.blobs.Delete(t.Context(), blob.Preds, csv); err != nil {
				t.Fatal(err)
			}
		}, "file " + csv + " is missing"},
	} {
		c.damage()
		if problems := strings.Join(s.look().differ(want), "\n"); !strings.Contains(problems, c.says) {
			t.Errorf("%s: the problems found do not say %q: %s", c.name, c.says, problems)
		}
	}
	s.findHang()
}

// findHang locks the database, so that the next tick hangs: it is in flight for two
// seconds on end, which is seen. Then nothing is in flight any more.
func (s *stack) findHang() {
	s.Helper()
	unlock, err := s.lock()
	if err != nil {
		s.Fatal(err)
	}
	since := time.Now()
	s.eventually("an invocation hangs", func() bool {
		if s.busy() == 0 {
			since = time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
	unlock()
	s.idle()
}
