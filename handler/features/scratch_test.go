package features

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/features/featurestest"
)

// TestColumnsFromScratch compares each derived value with one computed by its definition from all
// earlier rows. Sums are computed with 2,300 bits, and ewm means with explicit weights.
func TestColumnsFromScratch(t *testing.T) {
	t.Parallel()
	checked := map[string]int{}
	for seed := range uint64(400) {
		fromScratch(t, rand.New(rand.NewPCG(seed, 5)), checked)
	}
	for _, way := range []string{"rolling", "ewm", "shift", "diff", "pct_change", "sum", "difference", "product", "ratio", "log1p", "abs", "clip", "clock", "attribute"} {
		if checked[way] < 1000 {
			t.Errorf("%d values of %s were compared, want at least 1000", checked[way], way)
		}
	}
}

// FuzzColumnsFromScratch does the same with any seed.
func FuzzColumnsFromScratch(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed, seed+1)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) { fromScratch(t, rand.New(rand.NewPCG(a, b)), map[string]int{}) })
}

// fromScratch compares the values of a random features file and readings, and counts them by kind
// of column.
func fromScratch(t *testing.T, r *rand.Rand, checked map[string]int) {
	t.Helper()
	file := featurestest.File(r)
	var spec map[string]any
	if err := json.Unmarshal(file, &spec); err != nil {
		t.Fatal(err)
	}
	if spec["rows"].(map[string]any)["grid"] != nil {
		return // a grid also has rows that Plan does not return
	}
	// All columns are features, and no row is dropped.
	delete(spec, "inf_as_nan")
	delete(spec, "features")
	spec["missing"] = "nan"
	file, _ = json.Marshal(spec)
	p := mustPlan(t, file)
	parsed, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	readings := featurestest.Readings(r, len(p.sensors))
	if len(readings) == 0 {
		return
	}
	rows := compute(t, p, readings, readings[0].Time/1000*1000, readings[len(readings)-1].Time/1000*1000+1000)
	s := scratch{zone: time.UTC, values: map[string][]float64{}}
	if parsed.Zone != "" {
		if s.zone, err = time.LoadLocation(parsed.Zone); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range rows {
		s.times = append(s.times, row.t)
		for k, name := range p.Columns() {
			s.values[name] = append(s.values[name], math.Float64frombits(row.x[k]))
		}
	}
	for i := range parsed.Derived {
		c := &parsed.Derived[i]
		way := c.ways()[0]
		for n, got := range s.values[c.Name] {
			want, tolerance := s.value(c, parsed.within(c), n)
			checked[way]++
			if got == want || math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) <= tolerance {
				continue
			}
			t.Fatalf("row %d of %s is %v, want %v (within %g)\n%s", n, c.Name, got, want, tolerance, file)
		}
	}
}

// scratch has the rows of a features file, by column.
type scratch struct {
	zone   *time.Location
	times  []int64
	values map[string][]float64
}

// value returns the value of column c in row n, and by how much the computed one may differ.
func (s *scratch) value(c *Column, within int64, n int) (v, tolerance float64) {
	in := func(k int) []float64 { return s.values[c.inputs()[k]] }
	before := func(k int) float64 { // the value k rows before, unless it is too old
		if n < k || s.times[n-k] < s.times[n]-within {
			return math.NaN()
		}
		return in(0)[n-k]
	}
	switch c.ways()[0] {
	case "rolling":
		return rollingFromScratch(c, s.window(c, within, n, in(0)))
	case "ewm":
		var memory []float64
		for i := range n + 1 {
			if s.times[i] >= s.times[n]-within {
				memory = append(memory, in(0)[i])
			}
		}
		return ewmFromScratch(c, memory)
	case "shift":
		return before(c.Shift), 0
	case "diff":
		return in(0)[n] - before(c.Diff), 0
	case "pct_change":
		return in(0)[n]/before(c.PctChange) - 1, 0
	case "sum":
		return in(0)[n] + in(1)[n], 0
	case "difference":
		return in(0)[n] - in(1)[n], 0
	case "product":
		return in(0)[n] * in(1)[n], 0
	case "ratio":
		return in(0)[n] / in(1)[n], 0
	case "log1p":
		return math.Log1p(in(0)[n]), 0
	case "abs":
		return math.Abs(in(0)[n]), 0
	case "clip":
		if v = in(0)[n]; v < *c.Lower {
			v = *c.Lower
		}
		return v, 0
	case "clock":
		return s.clock(c, n), 0
	}
	return 7.5, 0 // the attribute
}

// window returns the values in the window of row n, with missing ones.
func (s *scratch) window(c *Column, within int64, n int, of []float64) (window []float64) {
	for i := range n + 1 {
		if rows := c.Rolling.Rows; rows > 0 && n-i < rows && s.times[i] >= s.times[n]-within || rows == 0 && s.times[i] > s.times[n]-within {
			window = append(window, of[i])
		}
	}
	return window
}

// rollingFromScratch returns the aggregate of a window.
func rollingFromScratch(c *Column, window []float64) (v, tolerance float64) {
	if c.Aggregate == "count" {
		for i, v := range window {
			if math.IsInf(v, 0) {
				window[i] = 0
			}
		}
	}
	window = slices.DeleteFunc(window, missing)
	n := float64(len(window))
	least := 1
	if c.Rolling.Rows > 0 {
		least = c.Rolling.Rows
	}
	if c.MinPeriods != nil {
		least = *c.MinPeriods
	}
	if len(window) < least || len(window) == 0 && !slices.Contains([]string{"count", "sum"}, c.Aggregate) {
		return math.NaN(), 0
	}
	exact := func(f func(v *big.Float) *big.Float) *big.Float {
		sum := new(big.Float).SetPrec(2300)
		for _, v := range window {
			sum.Add(sum, f(new(big.Float).SetPrec(2300).SetFloat64(v)))
		}
		return sum
	}
	sum := exact(func(v *big.Float) *big.Float { return v })
	mean := new(big.Float).SetPrec(2300).Quo(sum, big.NewFloat(max(n, 1)).SetPrec(2300))
	switch c.Aggregate {
	case "count":
		return n, 0
	case "sum":
		v, _ = sum.Float64()
		return v, 0
	case "mean":
		v, _ = mean.Float64()
		return v, math.Abs(v) * 1e-15
	case "min":
		return slices.Min(window), 0
	case "max":
		return slices.Max(window), 0
	case "median":
		slices.Sort(window)
		return (window[(len(window)-1)/2] + window[len(window)/2]) / 2, 0
	}
	if n < 2 {
		return math.NaN(), 0
	}
	squares := exact(func(v *big.Float) *big.Float { d := v.Sub(v, mean); return new(big.Float).SetPrec(2300).Mul(d, d) })
	v, _ = squares.Quo(squares, big.NewFloat(n-1)).Float64()
	if c.Aggregate == "std" {
		v = math.Sqrt(v)
	}
	return v, v * 1e-12
}

// ewmFromScratch returns the weighted mean of the values in the lookback, from the oldest to the
// newest. The newest has the weight 1, the one before 1−α, then (1−α)², and so on. If not
// adjusted, each present value after the first also has the factor α, and the weights are scaled
// to the sum 1 after each.
func ewmFromScratch(c *Column, memory []float64) (v, tolerance float64) {
	alpha := c.Ewm.Alpha
	switch {
	case c.Ewm.Span > 0:
		alpha = 2 / (c.Ewm.Span + 1)
	case c.Ewm.Halflife > 0:
		alpha = 1 - math.Exp(-math.Ln2/c.Ewm.Halflife)
	}
	adjust := c.Ewm.Adjust == nil || *c.Ewm.Adjust
	// All weights decay by 1−α a row.
	present, weights, sum, size, largest := 0, 0.0, 0.0, 0.0, 0.0
	for _, v := range memory {
		weights *= 1 - alpha
		sum *= 1 - alpha
		size *= 1 - alpha
		if missing(v) {
			continue
		}
		weight := 1.0
		if !adjust && present > 0 {
			weight = alpha
		}
		present++
		weights += weight
		sum += weight * v
		size += weight * math.Abs(v)
		largest = max(largest, math.Abs(v))
		if !adjust {
			sum, size, weights = sum/weights, size/weights, 1
		}
	}
	if least := 1; c.MinPeriods != nil && present < *c.MinPeriods || present < least {
		return math.NaN(), 0
	}
	return sum / weights, size/weights*1e-12 + largest*math.Ldexp(1, -79) // weights below 2^-80 are left out
}

func (s *scratch) clock(c *Column, n int) float64 {
	local := time.UnixMilli(s.times[n]).In(s.zone)
	fields := map[string][2]float64{
		"hour": {float64(local.Hour()), 24}, "minute": {float64(local.Minute()), 60}, "dayofweek": {float64((int(local.Weekday()) + 6) % 7), 7},
		"day": {float64(local.Day()), 31}, "dayofyear": {float64(local.YearDay()), 366}, "month": {float64(local.Month()), 12},
	}
	v := fields[c.Clock]
	switch c.As {
	case "sin":
		return math.Sin(2 * math.Pi * v[0] / v[1])
	case "cos":
		return math.Cos(2 * math.Pi * v[0] / v[1])
	}
	return v[0]
}
