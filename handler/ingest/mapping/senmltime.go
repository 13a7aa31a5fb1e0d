package mapping

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// relative is 2^28. A SenML time below it counts from now (RFC 8428, section 4.5.3). Now is
// the time at which the event reached the hub.
var relative = big.NewRat(1<<28, 1)

// senMLTime returns the sum of a base time and a time, which are in seconds, as text in
// ISO 8601.
func (g *gatherer) senMLTime(base, t any) (any, error) {
	sum := new(big.Rat)
	for _, x := range []any{base, t} {
		r, err := rational(x)
		if err != nil {
			return nil, fmt.Errorf("t: %w", err)
		}
		sum.Add(sum, r)
	}
	enqueued := g.event.Enqueued
	if new(big.Rat).Abs(sum).Cmp(relative) < 0 {
		if enqueued.IsZero() {
			return nil, fmt.Errorf("t: %w: %s s counts from now, and the moment at which the event reached the hub is not known", fleet.ErrInvalid, sum.FloatString(3))
		}
		sum.Add(sum, new(big.Rat).SetFrac64(enqueued.UnixNano(), int64(time.Second)))
	}
	millis := new(big.Int).Div(new(big.Int).Mul(sum.Num(), big.NewInt(1000)), sum.Denom())
	if m := fleet.Millis(millis.Int64()); millis.IsInt64() && m >= fleet.MinMillis && m <= fleet.MaxMillis {
		return m.String(), nil
	}
	return nil, fmt.Errorf("t: %w: %.40s s since 1970 lies outside the years 1 to 9999", fleet.ErrInvalid, sum.FloatString(0))
}

// maxDigits is the longest text of a number that is computed exactly, in bytes.
const maxDigits = 400

// rational returns the exact value of a number, 0 for nil.
func rational(v any) (*big.Rat, error) {
	r := new(big.Rat)
	switch v := v.(type) {
	case nil:
		return r, nil
	case int:
		return r.SetInt64(int64(v)), nil
	case float64:
		if v-v == 0 {
			return r.SetFloat64(v), nil
		}
	case json.Number:
		// An exponent of a million would be a number of a million digits.
		if x, err := strconv.ParseFloat(string(v), 64); err == nil && len(v) < maxDigits && (x == 0 || x > 1e-300 || x < -1e-300) {
			if _, ok := r.SetString(string(v)); ok {
				return r, nil
			}
		}
	}
	return nil, fmt.Errorf("%w: %s is no number", fleet.ErrInvalid, shown(v))
}

// sum returns the sum of a value and its base value. It returns v as it is if one of them is
// no number.
func sum(v, base any) any {
	if base == nil {
		return v
	}
	x, missing, ok, err := numberOf(v)
	y, _, okBase, errBase := numberOf(base)
	if missing || !ok || !okBase || err != nil || errBase != nil {
		return v
	}
	return x + y
}
