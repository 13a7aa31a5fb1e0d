package features

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/features/featurestest"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// mustPlan returns the plan of a features file, for a device with the attribute age.
func mustPlan(t testing.TB, file []byte) *Plan {
	t.Helper()
	spec, err := Parse(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	p, err := spec.Plan(Model{}, Device{Attributes: map[string]string{"age": "7.5"}}, 0)
	if err != nil {
		t.Fatalf("%v\n%s", err, file)
	}
	return p
}

// got is a row, with the bits of its values.
type got struct {
	t int64
	x []uint64
}

// compute returns the rows in a window. It gets the readings from the lookback on.
func compute(t testing.TB, p *Plan, readings []featurestest.Reading, from, to int64) []got {
	t.Helper()
	var rows []got
	w := fleet.Window{From: time.UnixMilli(from), To: time.UnixMilli(to)}
	r := p.Start(w, func(ts fleet.Millis, x []float64) error {
		row := got{t: int64(ts)}
		for _, v := range x {
			if math.IsNaN(v) {
				v = math.NaN()
			}
			row.x = append(row.x, math.Float64bits(v))
		}
		rows = append(rows, row)
		return nil
	})
	for _, x := range readings {
		if x.Time < from-p.lookback {
			continue
		}
		if err := r.Add(x.Sensor, fleet.Millis(x.Time), x.Value); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func equalRows(a, b []got) bool {
	return slices.EqualFunc(a, b, func(a, b got) bool { return a.t == b.t && slices.Equal(a.x, b.x) })
}

// TestWindowsDoNotShow cuts a time span into windows at random. Together they must give the rows
// of the whole span, to the bit.
func TestWindowsDoNotShow(t *testing.T) {
	t.Parallel()
	rows := 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		file := featurestest.File(r)
		p := mustPlan(t, file)
		readings := featurestest.Readings(r, len(p.sensors))
		if len(readings) == 0 {
			continue
		}
		first, last := readings[0].Time/1000*1000, readings[len(readings)-1].Time/1000*1000+3600_000
		whole := compute(t, p, readings, first, last)
		rows += len(whole)
		var pieces []got
		for from := first; from < last; {
			to := min(last, from+1000*(1+r.Int64N([]int64{20, 600, 4000}[r.IntN(3)])))
			pieces = append(pieces, compute(t, p, readings, from, to)...)
			from = to
		}
		if !equalRows(whole, pieces) {
			t.Fatalf("seed %d: %d rows of the whole differ from %d of the pieces\n%s", seed, len(whole), len(pieces), file)
		}
	}
	if rows < 10000 {
		t.Errorf("%d rows were compared, want at least 10000", rows)
	}
}
