// Package featurestest makes random features files and readings.
package featurestest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Sensors are the names of sensors in the files.
var Sensors = []string{"a", "b", "c"}

// Reading is a reading of a sensor.
type Reading struct {
	Sensor int   // its position among the sensors of a plan
	Time   int64 // milliseconds since 1970
	Value  float64
}

type object = map[string]any

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// File returns a features file that uses some of [Sensors], and no attribute but age.
func File(r *rand.Rand) []byte {
	rows := object{}
	base := slices.Clone(Sensors[:1+r.IntN(len(Sensors))])
	grid := false
	switch r.IntN(3) {
	case 0:
		rows["together"] = base
	case 1:
		rows["carried"], rows["tolerance"] = base, pick(r, "1ms", "30s", "5min")
		if r.IntN(2) == 0 {
			rows["on"] = pick(r, base...)
		}
	default:
		grid = true
		rows["grid"] = pick(r, "10s", "1min", "7min")
		var columns []object
		base = nil
		for range 1 + r.IntN(4) {
			name := fmt.Sprint("g", len(base))
			base = append(base, name)
			columns = append(columns, object{"name": name, "sensor": pick(r, Sensors...),
				"aggregate": pick(r, "mean", "min", "max", "std", "sum", "count", "median", "first", "last")})
		}
		rows["columns"] = columns
		if r.IntN(3) == 0 {
			rows["ffill"] = 1 + r.IntN(5)
		}
	}
	names := slices.Clone(base)
	var columns []object
	for i := range r.IntN(7) {
		c := object{"name": fmt.Sprint("c", i)}
		of := pick(r, names...)
		pair := []string{of, pick(r, names...)}
		switch r.IntN(12) {
		case 0:
			c["of"], c["rolling"], c["aggregate"] = of, pick(r, "20s", "3min", "11min"), pick(r, "mean", "min", "max", "std", "var", "sum", "count", "median")
			if r.IntN(2) == 0 {
				c["min_periods"] = r.IntN(5)
			}
		case 1, 2:
			n := 1 + r.IntN(9)
			c["of"], c["rolling"], c["aggregate"] = of, n, pick(r, "mean", "min", "max", "std", "var", "sum", "count", "median")
			c["min_periods"] = r.IntN(n + 1)
		case 3:
			c["of"], c["ewm"] = of, pick(r, object{"span": 4, "adjust": r.IntN(2) == 0}, object{"alpha": 0.9}, object{"halflife": 2.5, "adjust": false})
			c["within"] = pick(r, "1min", "8min")
		case 4, 5:
			c["of"], c[pick(r, "shift", "diff", "pct_change")] = of, 1+r.IntN(4)
		case 6, 7:
			c[pick(r, "sum", "difference", "product", "ratio")] = pair
		case 8:
			c[pick(r, "log1p", "abs")] = of
		case 9:
			c["clip"], c["lower"] = of, -0.5
		case 10:
			c["clock"] = pick(r, "hour", "minute", "dayofweek", "day", "dayofyear", "month")
			if r.IntN(2) == 0 {
				c["as"] = pick(r, "sin", "cos")
			}
		default:
			c["attribute"] = "age"
		}
		names = append(names, c["name"].(string))
		columns = append(columns, c)
	}
	r.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	file := object{"rows": rows, "columns": columns, "features": names[:1+r.IntN(len(names))], "missing": pick(r, "drop", "nan"), "tz": pick(r, "UTC", "Europe/Berlin", "Asia/Kathmandu")}
	if columns == nil {
		delete(file, "columns")
	}
	if !grid {
		file["within"] = pick(r, "1s", "90s", "10min")
	}
	if r.IntN(3) == 0 {
		file["inf_as_nan"] = true
	}
	data, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		panic(err)
	}
	return data
}

// Readings returns readings of sensors in the order of time, with gaps. Some times have readings
// of all sensors, others of some. They begin shortly before summer time in Berlin.
func Readings(r *rand.Rand, sensors int) []Reading {
	var all []Reading
	t := time.Date(2026, 3, 29, 0, 40, 0, 0, time.UTC).UnixMilli()
	for range r.IntN(400) {
		t += pick[int64](r, 1, 999, 5000, 5000, 10000, 10000, 10000, 60000)
		if r.IntN(60) == 0 {
			t += r.Int64N(3600_000)
		}
		together := r.IntN(3) > 0
		for s := range sensors {
			if together || r.IntN(3) == 0 {
				v := pick(r, r.NormFloat64(), r.NormFloat64(), math.Round(r.NormFloat64()), 1e9+r.Float64(), r.NormFloat64()*1e-9)
				all = append(all, Reading{s, t, v})
			}
		}
	}
	return all
}
