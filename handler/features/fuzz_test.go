package features

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/features/featurestest"
)

// FuzzParse checks that a file is refused, or its rows can be computed. A window cut in two must
// give the same rows as the whole.
func FuzzParse(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(featurestest.File(rand.New(rand.NewPCG(seed, 2))), seed)
	}
	f.Add([]byte(`{"rows": {"carried": ["a","b"], "tolerance": "1D"}, "residual_of": "a", "limit": {"absolute": 1}}`), uint64(1))
	f.Fuzz(func(t *testing.T, file []byte, seed uint64) {
		spec, err := Parse(file)
		if err != nil {
			return
		}
		p, err := spec.Plan(Model{}, Device{Attributes: map[string]string{"age": "1"}}, 2*time.Hour)
		if err != nil || len(p.sensors) > 10 {
			return
		}
		if p.source.Grid != 0 && p.lookback/p.source.Grid.millis() > 10000 {
			return // computing its rows would take too long
		}
		r := rand.New(rand.NewPCG(seed, 3))
		readings := featurestest.Readings(r, len(p.sensors))
		if len(readings) > 300 {
			readings = readings[:300]
		}
		if len(readings) == 0 {
			return
		}
		first, last := readings[0].Time/1000*1000, readings[len(readings)-1].Time/1000*1000+1000
		cut := first + (last-first)/2000*1000
		if cut == first {
			return
		}
		whole := compute(t, p, readings, first, last)
		if pieces := append(compute(t, p, readings, first, cut), compute(t, p, readings, cut, last)...); !equalRows(whole, pieces) {
			t.Fatalf("a window cut at %d gives other rows than the whole", cut)
		}
	})
}
