package interleave_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/features/featurestest"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/score"
)

// machines is a world of a few machines, with device models by random features
// files, whose readings come little by little, some of them late. Models and
// attributes are files in a container, which the real registry and cache read.
type machines struct {
	*director
	devices  []string
	readings []fleet.Reading // in the order of time; the first are sent
	late     []fleet.Reading // that were held back
	files    map[string][]version
}

// version is the content of a file in the container models.
type version struct {
	text []byte
	at   string // its ETag
}

const defaultModel = "default.pkl"

func newMachines(t *testing.T, rng *rand.Rand, even bool, off rule) *machines {
	w := openWorld(t, off)
	w.perMessage = 1 + rng.IntN(8)
	w.schedule = []string{"0 */20 * * * *", "0 */7 * * * *", "13 */10 * * * *", "0 0,1,17,40 * * * *"}[rng.IntN(4)]
	m := &machines{director: newDirector(w, rng, even), files: map[string][]version{}}
	m.assemble, m.atEnd = m.functions, m.manifests
	for i := range 1 + rng.IntN(2) {
		m.devices = append(m.devices, fmt.Sprint("d", i))
	}
	for i := range 1 + rng.IntN(2) {
		m.publish(fmt.Sprintf("_fleet/m%d.zip", i))
	}
	if rng.IntN(4) == 0 {
		m.publish("_fleet/a.pkl")
	}
	if rng.IntN(4) == 0 {
		m.publish(defaultModel)
	}
	m.publish(features.AttributesFile)
	for _, device := range m.devices {
		for _, r := range featurestest.Readings(rng, len(featurestest.Sensors)) {
			m.readings = append(m.readings, fleet.Reading{ID: fleet.ID{Device: device, Sensor: featurestest.Sensors[r.Sensor]}, Time: fleet.Millis(r.Time), Value: r.Value})
		}
	}
	slices.SortStableFunc(m.readings, func(a, b fleet.Reading) int { return int(a.Time - b.Time) })
	w.now = time.Date(2026, 3, 29, 0, 40, 0, 0, time.UTC) // as the readings begin
	if len(m.readings) > 0 {
		w.now = m.readings[0].Time.Time()
	}
	if err := w.db.InitWatermark(t.Context(), w.now.Truncate(time.Hour)); err != nil {
		t.Fatal(err)
	}
	// A model that comes later, or whose listing fails, has no job in the runs before.
	models := &registry.Registry{Blobs: &w.blobs, Ledger: w.db, Models: model.NewCache(&w.blobs, readModel, 1<<20, 1<<20), Columns: 1, Now: w.clock}
	if err := models.List(t.Context(), slog.New(w.log)); err != nil {
		t.Fatal(err)
	}
	return m
}

// publish writes the next version of a file in the container models.
func (m *machines) publish(name string) {
	var text []byte
	switch name {
	case features.AttributesFile:
		text = []byte("device,age\n")
		for _, d := range m.devices {
			text = fmt.Appendf(text, "%s,%v\n", d, m.rng.IntN(100))
		}
	case defaultModel, "_fleet/a.pkl":
		text, _ = json.Marshal(weighted{Weight: m.rng.NormFloat64()})
	default:
		text, _ = json.Marshal(weighted{Weight: m.rng.NormFloat64(), File: featurestest.File(m.rng)})
	}
	info, err := m.blobs.Write(m.t.Context(), blob.Models, name, "", "", func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.files[name] = append(m.files[name], version{text, info.ETag})
}

// weighted is a detector: its score is a weighted sum of the features. Its file is
// itself, as JSON.
type weighted struct {
	Weight float64
	File   json.RawMessage // a features file; without, it takes one value

	spec *features.Spec
}

func readModel(text []byte) (model.Loaded, error) {
	m := &weighted{}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, err
	}
	var err error
	if string(m.File) != "null" {
		m.spec, err = features.Parse(m.File)
	}
	return m, err
}

func (m *weighted) Kind() predict.Kind   { return predict.Detector }
func (m *weighted) Classes() []string    { return nil }
func (m *weighted) Size() int            { return 1 }
func (m *weighted) Spec() *features.Spec { return m.spec }
func (m *weighted) Detects() error       { return nil }
func (m *weighted) Features() int        { return max(1, len(m.FeatureNames())) }

func (m *weighted) FeatureNames() []string {
	if m.spec == nil {
		return nil
	}
	return m.spec.Features
}

func (m *weighted) Predict(r *predict.Result, x []float64) error {
	n := m.Features()
	r.Resize(len(x)/n, 1, 0)
	for i := range r.Scores {
		r.Scores[i], r.Predictions[i] = 0, 0
		for k, v := range x[i*n : (i+1)*n] {
			r.Scores[i] += v * m.Weight * float64(k+1)
		}
		if r.Scores[i] > 0 {
			r.Predictions[i] = 1
		}
	}
	return nil
}

// functions are those of a process of its own: it has no model in memory yet.
func (m *machines) functions(f *flow) functions {
	fs := m.world.functions(f)
	cache := model.NewCache(faultyFiles{f}, readModel, 1<<20, 1<<20)
	models := &registry.Registry{Blobs: faultyFiles{f}, Ledger: faultyLedger{f}, Models: cache, Columns: 1, Now: m.clock}
	fs.tick.Models, fs.score.Models = models, cached{cache, models}
	return fs
}

type cached struct {
	*model.Cache
	*registry.Registry
}

func (c cached) Model(ctx context.Context, version fleet.Model) (score.Model, error) {
	m, err := c.Cache.Model(ctx, version)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// disturb lets some time pass, in which readings come and models are replaced.
func (m *machines) disturb() {
	m.kills, m.faults = 3, 3
	n := m.rng.IntN(len(m.readings) + 1)
	if m.rng.IntN(3) == 0 {
		n = len(m.readings)
	}
	now := m.readings[:n]
	m.readings = m.readings[n:]
	for len(now) > 0 {
		n := min(len(now), 1+m.rng.IntN(200))
		var batch []fleet.Reading
		for _, r := range now[:n] {
			if m.rng.IntN(20) == 0 {
				m.late = append(m.late, r)
			} else {
				batch = append(batch, r)
			}
		}
		m.send(batch)
		if now[n-1].Time.Time().After(m.clock()) {
			m.pass(now[n-1].Time.Time().Sub(m.clock()))
		}
		now = now[n:]
		m.play(10)
	}
	if len(m.late) > 0 && m.rng.IntN(3) > 0 {
		m.rng.Shuffle(len(m.late), func(i, k int) { m.late[i], m.late[k] = m.late[k], m.late[i] })
		n := 1 + m.rng.IntN(min(len(m.late), 5))
		m.send(m.late[:n])
		m.late = m.late[n:]
	}
	m.play(50)
}

// send puts readings into the hub, as an event.
func (m *machines) send(batch []fleet.Reading) {
	if len(batch) == 0 {
		return
	}
	type reading struct {
		Device string       `json:"device"`
		Sensor string       `json:"sensor"`
		TS     fleet.Millis `json:"ts"`
		Value  float64      `json:"value"`
	}
	var event []reading
	for _, r := range batch {
		event = append(event, reading{r.ID.Device, r.ID.Sensor, r.Time, r.Value})
	}
	text, err := json.Marshal(event)
	if err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hub = append(m.hub, string(text))
}

// play does some steps, at random.
func (m *machines) play(most int) {
	for range m.rng.IntN(most) {
		if len(m.flows) < 5 && m.rng.IntN(4) == 0 {
			switch n := m.rng.IntN(20); {
			case n < 5:
				m.ingest()
			case n < 13:
				m.deliver(false)
			case n < 14:
				m.deliver(true)
			case n < 17:
				m.tick()
			case n < 18:
				m.pass(2 * time.Minute)
			case n < 19:
				m.queue.duplicate(m.rng)
			case m.rng.IntN(2) == 0:
				names := slices.Sorted(maps.Keys(m.files))
				m.publish(names[m.rng.IntN(len(names))])
			}
		}
		m.step()
	}
}

// quiet lets everything come to its end, undisturbed.
func (m *machines) quiet() error {
	m.kills, m.faults = 0, 0
	m.pass(3 * time.Minute)
	for len(m.flows) > 0 || m.ingest() {
		m.step()
	}
	for range 40 {
		m.tick()
		for busy := true; busy; {
			for len(m.flows) > 0 {
				m.step()
			}
			busy = m.deliver(false) || m.deliver(true)
		}
		if m.number("SELECT (SELECT COUNT(*) FROM late_marks) + (SELECT COUNT(*) FROM runs WHERE ended_at IS NULL)") == 0 {
			return nil
		}
		if m.queue.count() == 0 {
			m.pass(11 * time.Minute) // what was lost is sent again
		}
	}
	return fmt.Errorf("the runs do not come to an end")
}

// runs returns all runs.
func (m *machines) allRuns() ([]fleet.Run, error) {
	return m.db.Runs(m.t.Context(), "", 1000)
}

func (m *machines) jobs(run fleet.Run) ([]fleet.Job, error) {
	return m.db.JobsPage(m.t.Context(), run.ID, "", fleet.ID{}, 100)
}

// manifests reports a run that has ended while its manifest is not the one of its
// epoch.
func (m *machines) manifests() error {
	all, err := m.allRuns()
	if err != nil {
		return err
	}
	for _, run := range all {
		if run.State.Open() {
			continue
		}
		jobs, err := m.jobs(run)
		if err != nil {
			return err
		}
		if err := m.checkManifest(run, jobs); err != nil {
			return fmt.Errorf("run %s: %w", run.ID, err)
		}
	}
	return nil
}

// summary is for messages: what the files of a world are.
func (m *machines) summary() string {
	text := "schedule " + strconv.Quote(m.schedule)
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		for i, v := range m.files[name] {
			text += fmt.Sprintf("\n%s, version %d: %s", name, i, v.text)
		}
	}
	return text
}
