package features

import (
	"math"
	"testing"
)

// TestEwmOverMissingValues checks that the mean does not change while values are missing,
// however many. The numbers are from pandas:
// pd.Series([1, 2] + [nan] * 100).ewm(alpha=0.9).mean()
func TestEwmOverMissingValues(t *testing.T) {
	t.Parallel()
	no := false
	for _, c := range []struct {
		decay Decay
		want  float64
	}{
		{Decay{Alpha: 0.9}, 1.909090909090909},
		{Decay{Alpha: 0.9, Adjust: &no}, 1.9},
	} {
		column := (&Column{Ewm: &c.decay}).compileEwm(1000)()
		column.next(0, 1, 0)
		column.next(1, 2, 0)
		for row := range int64(100) {
			if got := column.next(2+row, math.NaN(), 0); got != c.want {
				t.Fatalf("%+v, after %d missing values: got %v, want %v", c.decay, row+1, got, c.want)
			}
		}
	}
}
