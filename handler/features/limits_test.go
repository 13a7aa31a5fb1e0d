package features

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/features/featurestest"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestEwmOfAConstant checks that the mean of equal values is that value, despite the rounding of
// weights.
func TestEwmOfAConstant(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{.1, 1. / 3, 1e-300, 7.7e300} {
		for alpha := .05; alpha < 1; alpha += .05 {
			column := (&Column{Ewm: &Decay{Alpha: alpha}}).compileEwm(1000)()
			for row := range int64(50) {
				if got := column.next(row, v, 0); got != v {
					t.Fatalf("alpha %v: the mean of equal values %v is %v", alpha, v, got)
				}
			}
		}
	}
}

// TestGridIdles checks that a grid skips empty buckets once nothing more is carried forward, so
// that a gap of years takes no time.
func TestGridIdles(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, []byte(`{"rows": {"grid": "1s", "ffill": 2, "columns": [{"sensor": "a", "aggregate": "sum"}, {"sensor": "a", "aggregate": "count"}, {"sensor": "a", "aggregate": "mean"}]}}`))
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	r := p.Start(fleet.Window{From: from, To: from.Add(time.Hour)}, func(fleet.Millis, []float64) error { return nil })
	if err := r.Add(0, fleet.MillisOf(from), 1); err != nil {
		t.Fatal(err)
	}
	for buckets := range 4 {
		if idle := r.grid.idle(); idle != (buckets == 3) {
			t.Errorf("after %d buckets: idle() = %v", buckets, idle)
		}
		if err := r.grid.complete(r); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGridBefore1970 checks that buckets before 1970 begin at whole multiples of their length.
func TestGridBefore1970(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, []byte(`{"rows": {"grid": "10s", "columns": [{"sensor": "a", "aggregate": "count"}]}}`))
	got := compute(t, p, []featurestest.Reading{{Time: -15_000}, {Time: -5000}, {Time: -1}, {Time: 0}}, -20_000, 10_000)
	want := []struct {
		t     int64
		count float64
	}{{-20_000, 1}, {-10_000, 2}, {0, 1}}
	for i, w := range want {
		if len(got) != len(want) || got[i].t != w.t || math.Float64frombits(got[i].x[0]) != w.count {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// TestBeyondFloat64 checks that an infinite sum stays infinite, and that a value whose square is
// beyond float64 has no effect once it is removed from a window.
func TestBeyondFloat64(t *testing.T) {
	t.Parallel()
	for _, values := range [][]float64{{math.Inf(1), 1, 2}, {1.7e308, 1.7e308, 1}} {
		var b bucketStats
		for _, v := range values {
			b.add("sum", v)
		}
		if got := b.value("sum"); !math.IsInf(got, 1) {
			t.Errorf("the sum of %v is %v, want +Inf", values, got)
		}
	}
	var m moments
	for _, v := range []float64{1e200, 1, 2} {
		m.add(v, true)
	}
	if got := m.variance(); !math.IsInf(got, 1) {
		t.Errorf("the variance with 1e200 is %v, want +Inf", got)
	}
	m.remove(1e200, true)
	if got := m.variance(); got != .5 {
		t.Errorf("the variance without 1e200 is %v, want 0.5", got)
	}
}

// TestAttributes checks how devices.csv is read, and the digest of attributes.
func TestAttributes(t *testing.T) {
	t.Parallel()
	all, err := ParseAttributes([]byte("\ufeffDevice,age,site\npump 1,3,north\n\"a,b\",,\n"))
	if err != nil || len(all) != 2 || all["pump 1"]["age"] != "3" || all["pump 1"]["site"] != "north" || all["a,b"] == nil {
		t.Fatalf("got %v, %v", all, err)
	}
	for text, want := range map[string]string{
		"":                         "is empty",
		"name,age\na,1\n":          "has no column device; it has name, age",
		"device,age\na,1\nb,2,3\n": "wrong number of fields",
		"device,age\na,1\na,1\n":   `row 3 names the device "a" a second time`,
	} {
		if _, err := ParseAttributes([]byte(text)); !errors.Is(err, fleet.ErrBadModel) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	// The digest depends only on the attributes that the features file uses.
	spec, err := Parse([]byte(`{"rows": {"together": ["x"]}, "columns": [{"name": "a", "attribute": "age"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	sum := spec.AttributesSHA256(map[string]string{"age": "3", "site": "north"})
	if sum == "" || sum != spec.AttributesSHA256(map[string]string{"age": "3", "site": "south"}) || sum == spec.AttributesSHA256(map[string]string{"age": "4", "site": "north"}) {
		t.Errorf("the digest %q does not depend on age alone", sum)
	}
	if got := (&Spec{}).AttributesSHA256(map[string]string{"age": "3"}); got != "" {
		t.Errorf("a features file without attributes has the digest %q, want none", got)
	}
}

// TestParseLimits checks that files which are too large, or whose limit is ambiguous, are refused.
func TestParseLimits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"devices": ["` + strings.Repeat("a", maxFile) + `"]}`:                                                     "bytes are more than 1048576",
		`{"rows": {"together": ["a", "b"]}, "residual_of": "a", "limit": {"absolute": 1, "sigmas": 3, "sigma": 1}}`: "limit",
		`{"rows": {"together": ["a", "b"]}, "residual_of": "a", "limit": {"sigma": 1}}`:                             "limit",
		`{"rows": {"together": ["a", "b"]}, "residual_of": "a", "limit": {}}`:                                       "limit",
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, fleet.ErrBadModel) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: got %.200v, want %s", text, err, want)
		}
	}
}
