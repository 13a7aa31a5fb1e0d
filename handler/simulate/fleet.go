package simulate

import (
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Fleet is a simulated fleet. Its readings depend only on its fields.
type Fleet struct {
	Seed    uint64
	Devices int           // each with one sensor of each of [Kinds]
	Every   time.Duration // the time between two readings of a sensor, in whole milliseconds
	Healthy bool          // whether it has no anomalies, for training
}

// Sensor is a sensor of a fleet.
type Sensor struct {
	ID    fleet.ID
	Kind  Kind
	seed  uint64
	phase time.Duration // the time from the beginning of each step to the reading
}

// Sample is a reading, and whether it is an anomaly.
type Sample struct {
	fleet.Reading
	Anomaly bool
}

// Sensors returns the sensors of f, ordered by [fleet.CompareID].
func (f Fleet) Sensors() []Sensor {
	digits := max(2, len(fmt.Sprint(f.Devices)))
	all := make([]Sensor, 0, f.Devices*len(Kinds))
	for d := range f.Devices {
		device := fmt.Sprintf("machine-%0*d", digits, d+1)
		for _, k := range Kinds {
			id := fleet.ID{Device: device, Sensor: k.Name}
			h := fnv.New64a()
			fmt.Fprintf(h, "%d %s", f.Seed, id)
			phase := f.Every * time.Duration(len(all)) / time.Duration(cap(all))
			all = append(all, Sensor{id, k, h.Sum64(), phase.Truncate(time.Millisecond)})
		}
	}
	return all
}

// Samples yields the readings of f in w, in order of time.
func (f Fleet) Samples(w fleet.Window) iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		sensors := f.Sensors()
		every := f.Every.Milliseconds()
		from, to := w.From.UnixMilli(), w.To.UnixMilli()
		g := newGenerator()
		for step := floorDiv(from, every); step*every < to; step++ {
			for _, s := range sensors {
				at := step*every + s.phase.Milliseconds()
				if at < from || at >= to {
					continue
				}
				value, anomaly := g.value(s, step, float64(at)/1000, f.Healthy)
				if !yield(Sample{fleet.Reading{ID: s.ID, Time: fleet.Millis(at), Value: value}, anomaly}) {
					return
				}
			}
		}
	}
}

// Row is a row of [MachineModel]: a minute of a device.
type Row struct {
	Device  string
	Start   fleet.Millis
	Anomaly bool // whether a reading of the device in that minute is an anomaly
}

// Rows yields the rows of f in w, a whole number of minutes, in order of time and
// device.
func (f Fleet) Rows(w fleet.Window) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		const minute = 60_000
		rows := map[string]*Row{}
		var order []*Row
		give := func() bool {
			for _, r := range order {
				if !yield(*r) {
					return false
				}
			}
			clear(rows)
			order = order[:0]
			return true
		}
		for s := range f.Samples(w) {
			start := s.Time / minute * minute
			if len(order) > 0 && order[0].Start != start && !give() {
				return
			}
			r := rows[s.ID.Device]
			if r == nil {
				r = &Row{Device: s.ID.Device, Start: start}
				rows[s.ID.Device] = r
				order = append(order, r)
			}
			r.Anomaly = r.Anomaly || s.Anomaly
		}
		give()
	}
}

// generator makes the values of sensors. It seeds its source for each value, so that
// a value depends only on the sensor and the time.
type generator struct {
	source *rand.PCG
	rand   *rand.Rand
}

func newGenerator() *generator {
	source := rand.NewPCG(0, 0)
	return &generator{source, rand.New(source)}
}

func (g *generator) value(s Sensor, step int64, at float64, healthy bool) (value float64, anomaly bool) {
	level, anomaly := g.incident(s, step)
	g.source.Seed(s.seed, uint64(step))
	noise := g.rand.NormFloat64()
	value = s.Kind.normal(at, noise)
	if anomaly = anomaly && !healthy; anomaly {
		value = level
	}
	return math.Round(value*100) / 100, anomaly
}

const (
	stretch  = 120 // the length of a stretch, in steps; each has at most one incident
	incident = 0.7 // the share of stretches with an incident
	spike    = 0.7 // the share of incidents that last one step; the others shift the level for several steps
	maxShift = 20  // the longest shift, in steps
)

// incident reports whether a step of s is in an incident, and the value that s then
// has.
func (g *generator) incident(s Sensor, step int64) (level float64, ok bool) {
	n := floorDiv(step, stretch)
	g.source.Seed(^s.seed, uint64(n))
	happens, start, level := g.rand.Float64() < incident, g.rand.Int64N(stretch-maxShift), s.Kind.abnormal(g.rand.Float64())
	length := int64(1)
	if g.rand.Float64() >= spike {
		length = 5 + g.rand.Int64N(maxShift-5)
	}
	i := step - n*stretch
	return level, happens && start <= i && i < start+length
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
