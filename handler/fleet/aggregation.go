package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// AggregateFunctions are the functions an [Aggregation] may name. Std is the
// sample standard deviation, ddof 1.
var AggregateFunctions = []string{"mean", "min", "max", "std", "count", "sum", "first", "last"}

// Aggregation says that a run scores aggregates over epoch-aligned buckets
// instead of raw readings: one feature per function, in order. The zero value
// means raw readings.
type Aggregation struct {
	Every     time.Duration // the buckets' length, whole seconds
	Functions []string
}

// ParseAggregation reads the setting SCORE_AGGREGATE, such as "5m:mean" or
// "1h:mean,min,max"; the empty text is raw readings. Its error wraps
// [ErrInvalid].
func ParseAggregation(s string) (Aggregation, error) {
	if s == "" {
		return Aggregation{}, nil
	}
	every, functions, ok := strings.Cut(s, ":")
	if !ok {
		return Aggregation{}, fmt.Errorf("%w: aggregation %q is not of the form 5m:mean,max", ErrInvalid, s)
	}
	d, err := time.ParseDuration(every)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return Aggregation{}, fmt.Errorf("%w: aggregation %q: %q is not a duration in whole seconds, such as 30s, 5m or 1h", ErrInvalid, s, every)
	}
	a := Aggregation{Every: d, Functions: strings.Split(functions, ",")}
	for i, f := range a.Functions {
		if !slices.Contains(AggregateFunctions, f) {
			return Aggregation{}, fmt.Errorf("%w: aggregation %q: function %q is none of %s", ErrInvalid, s, f, strings.Join(AggregateFunctions, ", "))
		}
		if slices.Contains(a.Functions[:i], f) {
			return Aggregation{}, fmt.Errorf("%w: aggregation %q names %s twice", ErrInvalid, s, f)
		}
	}
	return a, nil
}

// Raw reports whether a means raw readings.
func (a Aggregation) Raw() bool { return len(a.Functions) == 0 }
