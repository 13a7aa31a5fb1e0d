package mapping

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/itchyny/gojq"
)

// size returns how many nodes v has, see [maxNodes]. If there are more than limit, the result
// is limit+1.
func size(v any, limit int) int {
	n := 1
	switch v := v.(type) {
	case string:
		n += len(v) * maxNodes / maxText
	case []any:
		for _, e := range v {
			if n += size(e, limit-n); n > limit {
				return limit + 1
			}
		}
	case map[string]any:
		for k, e := range v {
			if n += size(e, limit-n) + len(k)*maxNodes/maxText; n > limit {
				return limit + 1
			}
		}
	}
	return min(n, limit+1)
}

var errLarge = fmt.Errorf("a value is too large: it has more than %d values or %d MB of text", maxNodes, maxText>>20)

// guards returns the functions that [guard] inserts calls of. Each node that they visit counts
// as an instruction of the program.
func (m *machine) guards() []gojq.CompilerOption {
	atMost := func(v any, limit int) error {
		switch v.(type) {
		case string, []any, map[string]any:
			n := size(v, limit)
			m.run.steps -= n
			if n > limit {
				return errLarge
			}
		}
		return nil
	}
	check := func(v any) error { return atMost(v, maxNodes) }
	index := func(v any) error {
		if f, ok := gojq.ToFloat64(v); ok && f > maxIndex {
			return fmt.Errorf("lists have at most %d elements here, not %v", maxIndex, f)
		}
		return nil
	}
	same := func(f func(any) error) func(any, []any) any {
		return func(v any, _ []any) any {
			if err := f(v); err != nil {
				return err
			}
			return v
		}
	}
	return []gojq.CompilerOption{
		gojq.WithFunction("_bounded", 0, 0, same(check)),
		gojq.WithFunction("_at_most", 1, 1, func(v any, x []any) any {
			if err := atMost(v, x[0].(int)); err != nil {
				return err
			}
			return v
		}),
		gojq.WithFunction("_joined", 1, 1, func(v any, x []any) any {
			list, _ := v.([]any)
			separator, _ := x[0].(string)
			if len(list)*len(separator) > maxText {
				return errLarge
			}
			m.run.steps -= len(list) * len(separator) * maxNodes / maxText
			return operate(joined, v, x[0])
		}),
		gojq.WithFunction("_bounded_index", 0, 0, same(index)),
		gojq.WithFunction("_bounded_path", 0, 0, same(func(v any) error {
			list, _ := v.([]any)
			for _, e := range list {
				if err := index(e); err != nil {
					return err
				}
				if slice, ok := e.(map[string]any); ok {
					if err := errors.Join(index(slice["start"]), index(slice["end"])); err != nil {
						return err
					}
				}
			}
			return nil
		})),
		gojq.WithFunction("_multiplied", 2, 2, func(_ any, x []any) any {
			if err := errors.Join(check(x[0]), check(x[1])); err != nil {
				return err
			}
			product := multiplied(x[0], x[1])
			if err := check(product); err != nil {
				return err
			}
			return product
		}),
		gojq.WithFunction("_subtracted", 2, 2, func(_ any, x []any) any {
			l, isList := x[0].([]any)
			r, areLists := x[1].([]any)
			if isList && areLists && len(l)*len(r) > maxPairs {
				return errLarge
			}
			if err := errors.Join(check(x[0]), check(x[1])); err != nil {
				return err
			}
			return operate(minus, x[0], x[1])
		}),
	}
}

// multiplied returns l * r. A product of integers becomes a float64 from 2^62 on. gojq would
// compute it exactly, with any number of digits.
func multiplied(l, r any) any {
	a, okA := l.(int)
	b, okB := r.(int)
	if okA && okB {
		high, low := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
		if high == 0 && low < 1<<62 {
			return a * b
		}
		return float64(a) * float64(b)
	}
	for _, pair := range [][2]any{{l, r}, {r, l}} {
		if s, ok := pair[0].(string); ok {
			if n, ok := gojq.ToFloat64(pair[1]); ok && float64(len(s))*n > maxText {
				return errLarge
			}
			return operate(times, l, r)
		}
	}
	x, okX := gojq.ToFloat64(l)
	y, okY := gojq.ToFloat64(r)
	if okX && okY {
		return x * y
	}
	return operate(times, l, r)
}

var times, minus, joined = operator("$l * $r"), operator("$l - $r"), operator("$l | join($r)")

// operator compiles a program that computes something from $l and $r.
func operator(text string) *gojq.Code {
	q, err := gojq.Parse(text)
	if err != nil {
		panic(err)
	}
	code, err := gojq.Compile(q, gojq.WithVariables([]string{"$l", "$r"}))
	if err != nil {
		panic(err)
	}
	return code
}

// operate runs a program of [operator] and returns its result.
func operate(code *gojq.Code, l, r any) any {
	v, _ := code.Run(nil, l, r).Next()
	return v
}
