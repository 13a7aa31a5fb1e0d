package interleave_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/features/featurestest"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/offline"
	"github.com/fleetscore/fleetscore/handler/series"
)

var windows = flag.Uint64("windows", 20, "rounds of random features files, readings and windows; 5 with -short")

// The rules of rows that look back.
const (
	reachOff    rule = "readings are read from as far back as rows look"
	lookbackOff rule = "late readings re-open each job whose rows reach back to them"
	bindOff     rule = "a job carries the lookback under which it is scored"
)

// TestWindowsDoNotShow plays rounds with device models by random features files.
// Readings come in pieces, some late; windows are opened and scored meanwhile, models
// and attributes replaced, flows killed. When all is quiet, each file must have, to
// the byte, what one continuous computation from the first reading on has for its
// window.
func TestWindowsDoNotShow(t *testing.T) {
	if *seed != 0 {
		if _, err := playWindows(t, *seed, all); err != nil {
			t.Fatal(err)
		}
		return
	}
	n := *windows
	if testing.Short() {
		n = min(n, 5)
	}
	first := firstSeed()
	t.Logf("%d seeds from %d on", n, first)
	var next, rows atomic.Uint64
	t.Run("rounds", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprintf("worker %d", worker), func(t *testing.T) {
				t.Parallel()
				for i := next.Add(1); i <= n; i = next.Add(1) {
					compared, err := playWindows(t, first+i-1, all)
					if err != nil {
						next.Store(n) // the others stop
						t.Fatalf("%v\nplay it again with -seed=%d", err, first+i-1)
					}
					rows.Add(uint64(compared))
				}
			})
		}
	})
	if !t.Failed() && rows.Load() < 50*n {
		t.Errorf("%d rows were compared in %d rounds, want %d or more", rows.Load(), n, 50*n)
	}
}

// TestRulesOfWindowsMatter leaves out one rule after the other, as [TestRulesMatter]
// does.
func TestRulesOfWindowsMatter(t *testing.T) {
	for off, known := range map[rule]uint64{reachOff: 3, lookbackOff: 2, bindOff: 25} {
		t.Run(string(off), func(t *testing.T) {
			t.Parallel()
			if _, err := playWindows(t, known, off); err != nil {
				return
			}
			if testing.Short() {
				return // a search takes minutes
			}
			for i := range uint64(500) {
				if _, err := playWindows(t, i, off); err != nil {
					t.Logf("seed %d goes well now: write %d, which gives: %.200s", known, i, err)
					return
				}
			}
			t.Error("500 rounds go well without this rule, want one that fails")
		})
	}
}

// playWindows plays one round, and returns how many rows it has compared.
func playWindows(t *testing.T, seed uint64, off rule) (rows int, err error) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := newMachines(t, rng, seed%2 == 0, off)
		for range 3 {
			m.disturb()
			if err = cmp.Or(m.quiet(), m.wrong, m.compare(&rows)); err != nil {
				err = fmt.Errorf("%w\n%s", err, m.summary())
				return
			}
		}
	})
	return rows, err
}

// compare compares all jobs with the continuous computation.
func (m *machines) compare(rows *int) error {
	c := m.continuous()
	defer c.set.Close()
	all, err := m.allRuns()
	if err != nil {
		return err
	}
	for _, run := range all {
		jobs, err := m.jobs(run)
		if err != nil {
			return err
		}
		known := map[fleet.ID]bool{}
		for _, j := range jobs {
			known[j.ID] = true
			if err := c.checkJob(run, j); err != nil {
				return fmt.Errorf("run %s, job %v: %w", run.ID, j.ID, err)
			}
			*rows += j.Rows
		}
		if err := c.checkMissing(run, known); err != nil {
			return fmt.Errorf("run %s: %w", run.ID, err)
		}
	}
	return nil
}

// continuous is the computation of everything from the first reading on.
type continuous struct {
	*machines
	set   *series.Set
	out   string
	known map[computation]map[fleet.ID]computed
}

// computation is one under a version of a model and one of the attributes, up to a
// time.
type computation struct {
	model               string
	version, attributes int
	to                  time.Time
}

// computed is what it came to for a subject: the lines of its file, the first of
// which is the header.
type computed struct {
	state fleet.JobState
	lines []string
}

func (m *machines) continuous() *continuous {
	c := &continuous{machines: m, set: series.New(series.Options{}), out: m.t.TempDir(), known: map[computation]map[fleet.ID]computed{}}
	var ids []fleet.ID
	for _, device := range m.devices {
		for _, sensor := range featurestest.Sensors {
			ids = append(ids, fleet.ID{Device: device, Sensor: sensor})
		}
	}
	year := fleet.Window{From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	for r, err := range m.db.Readings(m.t.Context(), ids, year) {
		if err == nil {
			err = c.set.Add(r)
		}
		if err != nil {
			m.t.Fatal(err)
		}
	}
	if err := c.set.Sort(); err != nil {
		m.t.Fatal(err)
	}
	return c
}

// compute scores everything that lies before a time, as files are scored.
func (c *continuous) compute(what computation) (map[fleet.ID]computed, error) {
	if known := c.known[what]; known != nil {
		return known, nil
	}
	of := map[fleet.ID]computed{}
	c.known[what] = of
	first, _ := c.set.Span()
	from := first.Time().Truncate(24 * time.Hour)
	if !from.Before(what.to) {
		return of, nil
	}
	attributes, err := features.ParseAttributes(c.files[features.AttributesFile][what.attributes].text)
	if err != nil {
		return nil, err
	}
	place, _ := model.PlaceOf(what.model)
	text := c.files[what.model][what.version].text
	s := offline.Scoring{
		Readings: c.set, Attributes: attributes, Window: fleet.Window{From: from, To: what.to}, Out: c.out,
		File: func(id fleet.ID) string { return id.Path() + ".csv" },
		Models: []offline.Candidate{{Name: what.model, Place: place, Load: func() (model.Loaded, string, error) {
			m, err := readModel(text)
			return m, "", err
		}}},
	}
	result, err := s.Score(c.t.Context())
	if err != nil {
		return nil, err
	}
	for _, j := range result.Jobs {
		one := computed{state: j.State}
		if j.State == fleet.Scored {
			content, err := os.ReadFile(filepath.Join(c.out, s.File(j.ID)))
			if err != nil {
				return nil, err
			}
			one.lines = strings.SplitAfter(string(content), "\n")
		}
		of[j.ID] = one
	}
	return of, nil
}

// window returns the lines of a window: those of the computation up to its end that
// the one up to its beginning has not.
func (c *continuous) window(w fleet.Window, id fleet.ID, what computation) (computed, error) {
	what.to = w.To
	whole, err := c.compute(what)
	if err != nil {
		return computed{}, err
	}
	what.to = w.From
	before, err := c.compute(what)
	if err != nil {
		return computed{}, err
	}
	got, left := whole[id], before[id].lines
	if len(left) == 0 || got.state != fleet.Scored {
		return got, nil
	}
	if len(left) > len(got.lines) || !slices.Equal(left[:len(left)-1], got.lines[:len(left)-1]) { // the last is empty
		return computed{}, fmt.Errorf("what comes later changes rows of %v before", id)
	}
	got.lines = append(got.lines[:1:1], got.lines[len(left)-1:]...)
	if len(got.lines) == 2 {
		got.state = fleet.NoData
	}
	return got, nil
}

// versions returns the versions that a job says it was scored with.
func (c *continuous) versions(j fleet.Job) (what computation, err error) {
	what.model = j.Model
	what.version = slices.IndexFunc(c.files[j.Model], func(v version) bool {
		sum := sha256.Sum256(v.text)
		return hex.EncodeToString(sum[:]) == j.ModelSHA256
	})
	if what.version < 0 {
		return what, fmt.Errorf("nobody has published the model %q with sha256 %q", j.Model, j.ModelSHA256)
	}
	m, err := readModel(c.files[j.Model][what.version].text)
	if err != nil || m.Spec() == nil {
		return what, err
	}
	what.attributes = slices.IndexFunc(c.files[features.AttributesFile], func(v version) bool {
		all, err := features.ParseAttributes(v.text)
		return err == nil && m.Spec().AttributesSHA256(all[j.Device]) == j.AttributesSHA256
	})
	if what.attributes < 0 {
		err = fmt.Errorf("nobody has published attributes with sha256 %q", j.AttributesSHA256)
	}
	return what, err
}

func (c *continuous) checkJob(run fleet.Run, j fleet.Job) error {
	switch j.State {
	case fleet.NoModel:
		if c.files[defaultModel] != nil || j.DeviceModel != "" {
			return fmt.Errorf("has no model, though there is one")
		}
		return nil
	case fleet.BadModel:
		return c.checkLack(run, j)
	case fleet.Scored, fleet.NoData:
	default:
		return fmt.Errorf("is %s: %s", j.State, j.Error)
	}
	what, err := c.versions(j)
	if err != nil {
		return err
	}
	want, err := c.window(run.Window, j.ID, what)
	if err != nil {
		return err
	}
	if want.state != j.State {
		return fmt.Errorf("is %s %s, want %s", j.State, j.Error, want.state)
	}
	if j.State == fleet.NoData {
		return nil
	}
	got, info, err := c.blobs.Read(c.t.Context(), blob.Preds, ledger.CSVName(run.ID, j.ID), "", 1<<24)
	if err != nil {
		return err
	}
	if info.SHA256 != j.CSVSHA256 {
		return fmt.Errorf("its file differs from what the ledger says")
	}
	if text := strings.Join(want.lines, ""); string(got) != text {
		return fmt.Errorf("looks back %v and has\n%s\nwant\n%s", j.Lookback, got, text)
	}
	if rows := bytes.Count(got, []byte("\n")) - 1; j.Rows != rows {
		return fmt.Errorf("says %d rows and has %d", j.Rows, rows)
	}
	return nil
}

// checkLack: a device model may only be bad because a sensor had not been heard of.
func (c *continuous) checkLack(run fleet.Run, j fleet.Job) error {
	for _, v := range c.files[j.Model] {
		m, err := readModel(v.text)
		if err != nil {
			return err
		}
		plan, err := m.Spec().Plan(features.Model{}, features.Device{Attributes: map[string]string{"age": "1"}}, 0)
		if err != nil {
			return err
		}
		heard := fleet.Window{From: run.Window.From.Add(-plan.Lookback()), To: run.Window.To}
		for _, sensor := range plan.Sensors() {
			any := false
			for range c.db.Readings(c.t.Context(), []fleet.ID{{Device: j.Device, Sensor: sensor}}, heard) {
				any = true
			}
			if !any {
				return nil
			}
		}
	}
	return fmt.Errorf("is %s, though its sensors have readings: %s", j.State, j.Error)
}

// checkMissing reports a subject that has rows in a run's window and no job. Which
// version would have served it nobody can say: it must have rows under each.
func (c *continuous) checkMissing(run fleet.Run, known map[fleet.ID]bool) error {
	for name, versions := range c.files {
		if name == features.AttributesFile || name == defaultModel {
			continue
		}
		counts := map[fleet.ID]int{}
		for i := range versions {
			what := computation{model: name, version: i, to: run.Window.To}
			of, err := c.compute(what)
			if err != nil {
				return err
			}
			for id := range of {
				w, err := c.window(run.Window, id, what)
				if err != nil {
					return err
				}
				if w.state == fleet.Scored {
					counts[id]++
				}
			}
		}
		for id, n := range counts {
			if n == len(versions) && !known[id] {
				return fmt.Errorf("%v has rows and no job", id)
			}
		}
	}
	return nil
}
