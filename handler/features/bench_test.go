package features

import (
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// BenchmarkRows makes rows of six sensors, without and with rolling columns over an hour.
func BenchmarkRows(b *testing.B) {
	const sensors = `"rows": {"together": ["a", "b", "c", "d", "e", "f"]}`
	for name, file := range map[string]string{
		"together": `{` + sensors + `}`,
		"rolling": `{` + sensors + `, "columns": [{"name": "m", "of": "a", "rolling": "1h", "aggregate": "mean"}, {"name": "s", "of": "b", "rolling": "1h", "aggregate": "std"},
			{"name": "x", "of": "c", "rolling": "1h", "aggregate": "max"}]}`,
	} {
		b.Run(name, func(b *testing.B) {
			p := mustPlan(b, []byte(file))
			w := fleet.Window{From: time.UnixMilli(0), To: time.UnixMilli(1 << 50)}
			rows := p.Start(w, func(fleet.Millis, []float64) error { return nil })
			t := fleet.Millis(0)
			for b.Loop() {
				for s := range 6 {
					if err := rows.Add(s, t, float64(int64(t)%977)*0.37); err != nil {
						b.Fatal(err)
					}
				}
				t += 10000
			}
			b.ReportMetric(float64(b.N*6)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}
