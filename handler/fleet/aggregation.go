package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// AggregateFunctions are the functions that an [Aggregation] may name, as in pandas.
// std is the sample standard deviation, with ddof 1.
var AggregateFunctions = []string{"mean", "min", "max", "std", "count", "sum", "first", "last"}

// Aggregation is how a run makes rows from readings. A row aggregates the readings of
// a bucket of time, aligned to 1970-01-01T00:00:00Z. It has one feature for each
// function, in order. With the zero value each reading is a row.
type Aggregation struct {
	Every     time.Duration // the buckets' length, whole seconds
	Functions []string
}

// ParseAggregation parses the setting SCORE_AGGREGATE, such as "5m:mean" or
// "1h:mean,min,max". The empty text is the zero Aggregation. The error wraps
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
			return Aggregation{}, fmt.Errorf("%w: aggregation %q: there is no function %q; there are %s", ErrInvalid, s, f, strings.Join(AggregateFunctions, ", "))
		}
		if slices.Contains(a.Functions[:i], f) {
			return Aggregation{}, fmt.Errorf("%w: aggregation %q names %s twice", ErrInvalid, s, f)
		}
	}
	return a, nil
}

// Raw reports whether each reading is a row.
func (a Aggregation) Raw() bool { return len(a.Functions) == 0 }
