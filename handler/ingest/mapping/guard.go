package mapping

import (
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"strconv"

	"github.com/itchyny/gojq"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// A program of a few steps can make values as large as it likes: by doubling a
// text again and again, by writing to the element 500,000,000 of a list. gojq has no
// limit of memory. So each operation that makes a value larger than those it is
// made of, or takes longer than they are long, gets values of bounded size. guard
// writes that into the program.
const (
	maxNodes = 1 << 18 // values in a value
	maxText  = 16 << 20
	maxIndex = 1 << 20
	maxPairs = 1 << 26 // comparisons of an operation on two lists

	smallNodes  = 64      // 4 kB of text
	mediumNodes = 1 << 15 // 2 MB of text
)

// growing are the functions whose result, or time, may be out of proportion to
// what they are given.
var growing = map[string]bool{
	"add": true, "join": true, "tojson": true, "tostring": true, "flatten": true, "implode": true, "indices": true, "index": true, "rindex": true, "contains": true, "inside": true,
	"error": true, "halt_error": true, "sub": true, "gsub": true, "walk": true, "combinations": true, "unique": true, "sort": true, "min": true, "max": true, "unique_by": true, "sort_by": true, "group_by": true,
	"min_by": true, "max_by": true, "reverse": true, "keys": true, "to_entries": true, "with_entries": true, "from_entries": true, "del": true, "delpaths": true, "tostream": true, "paths": true,
	"split": true, "splits": true, "test": true, "match": true, "scan": true, "capture": true, "ascii_downcase": true, "ascii_upcase": true, "explode": true, "fromjson": true, "ltrimstr": true, "rtrimstr": true,
	"trim": true, "ltrim": true, "rtrim": true, "utf8bytelength": true, "tonumber": true, "bsearch": true,
}

// argued are other functions that compare what they are given.
var argued = map[string]bool{"IN": true, "INDEX": true, "JOIN": true, "has": true}

// refused are the functions that a mapping has no use for.
var refused = map[string]string{
	"fromstream": "", "transpose": "", "truncate_stream": "", "input": "", "inputs": "", "debug": "", "stderr": "", "input_line_number": "", "modulemeta": "", "builtins": "",
	"now": "use $enqueued: the result must not depend on when it is computed", "localtime": "use local", "strflocaltime": "use strftime",
	"env": "the environment is out of reach", "$ENV": "the environment is out of reach",
}

// guard writes the bounds into a program.
func guard(q *gojq.Query) error {
	var errs []error
	visit(reflect.ValueOf(q), func(node any) {
		switch n := node.(type) {
		case *gojq.Query:
			guardOperator(n)
		case *gojq.Term:
			if n.Type == gojq.TermTypeFunc {
				errs = append(errs, guardCall(n))
			}
			if n.Type == gojq.TermTypeFormat && n.Str == nil {
				bound(n)
			}
		case *gojq.Index:
			errs = append(errs, guardIndex(n.Start), guardIndex(n.End))
		case *gojq.String:
			for i, part := range n.Queries {
				if part.Term == nil || part.Term.Str == nil { // not the text between
					n.Queries[i] = &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeQuery, Query: piped(part, "_bounded")}}
				}
			}
		}
	})
	return errors.Join(errs...)
}

// visit calls f with each node below v that is a pointer, those below it first.
func visit(v reflect.Value, f func(any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			visit(v.Elem(), f)
			f(v.Interface())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			visit(v.Field(i), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), f)
		}
	}
}

func call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

// piped returns q | name.
func piped(q *gojq.Query, name string) *gojq.Query {
	return &gojq.Query{Left: q, Op: gojq.OpPipe, Right: call(name)}
}

// updates are the operators that change a value in place, and those that they
// use.
var updates = map[gojq.Operator]gojq.Operator{
	gojq.OpUpdateAdd: gojq.OpAdd, gojq.OpUpdateSub: gojq.OpSub, gojq.OpUpdateMul: gojq.OpMul, gojq.OpUpdateDiv: gojq.OpDiv, gojq.OpUpdateMod: gojq.OpMod,
}

// guardOperator bounds what an operator is given.
func guardOperator(q *gojq.Query) {
	switch q.Op {
	case gojq.OpMul:
		replace(q, call("_multiplied", q.Left, q.Right))
	case gojq.OpSub:
		replace(q, call("_subtracted", q.Left, q.Right))
	case gojq.OpAdd, gojq.OpDiv, gojq.OpMod, gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe:
		q.Left, q.Right = bounded(q.Left), bounded(q.Right)
	default:
		op, ok := updates[q.Op]
		if !ok {
			return
		}
		// l += r is r as $it | l |= . + $it.
		const it = "$_it"
		change := &gojq.Query{Left: &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeIdentity}}, Op: op, Right: call(it)}
		guardOperator(change)
		update := &gojq.Query{Left: q.Left, Op: gojq.OpModify, Right: change}
		replace(q, &gojq.Query{Left: q.Right, Op: gojq.OpPipe, Patterns: []*gojq.Pattern{{Name: it}}, Right: update})
	}
}

// replace makes q another query, below the functions that it defines.
func replace(q, by *gojq.Query) {
	by.FuncDefs = q.FuncDefs
	*q = *by
}

// bounded returns q with its result bounded, if that may be large.
func bounded(q *gojq.Query) *gojq.Query {
	if t := q.Term; t != nil && len(t.SuffixList) == 0 {
		switch t.Type {
		case gojq.TermTypeNumber, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNull:
			return q
		case gojq.TermTypeString:
			if t.Str != nil && t.Str.Queries == nil {
				return q
			}
		}
	}
	return piped(q, "_bounded")
}

// bound has a term get a bounded value.
func bound(t *gojq.Term) {
	inner := *t
	inner.SuffixList = nil
	pipe := &gojq.Query{Left: call("_bounded"), Op: gojq.OpPipe, Right: &gojq.Query{Term: &inner}}
	*t = gojq.Term{Type: gojq.TermTypeQuery, Query: pipe, SuffixList: t.SuffixList}
}

func guardCall(t *gojq.Term) error {
	name := t.Func.Name
	if why, no := refused[name]; no {
		if why != "" {
			why = ": " + why
		}
		return fmt.Errorf("%w: mapping: %s cannot be used here%s", fleet.ErrInvalid, name, why)
	}
	if name == "setpath" && len(t.Func.Args) == 2 {
		t.Func.Args[0] = piped(t.Func.Args[0], "_bounded_path")
	}
	for i, arg := range t.Func.Args {
		switch {
		case name == "sub" || name == "gsub": // many times what is replaced
			t.Func.Args[i] = &gojq.Query{Left: arg, Op: gojq.OpPipe, Right: atMost(smallNodes)}
		case argued[name] || growing[name]:
			t.Func.Args[i] = bounded(arg)
		}
	}
	switch {
	case name == "join" && len(t.Func.Args) == 1:
		t.Func.Name = "_joined"
	case name == "add" && len(t.Func.Args) == 1: // add(f) is [f] | add
		list := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeArray, Array: &gojq.Array{Query: t.Func.Args[0]}}}
		sum := &gojq.Query{Left: piped(list, "_bounded"), Op: gojq.OpPipe, Right: call("add")}
		*t = gojq.Term{Type: gojq.TermTypeQuery, Query: sum, SuffixList: t.SuffixList}
		return nil
	case name == "fromjson": // a value takes more than its text
		inner := *t
		inner.SuffixList = nil
		pipe := &gojq.Query{Left: atMost(mediumNodes), Op: gojq.OpPipe, Right: &gojq.Query{Term: &inner}}
		*t = gojq.Term{Type: gojq.TermTypeQuery, Query: pipe, SuffixList: t.SuffixList}
		return nil
	}
	if growing[name] {
		bound(t)
	}
	return nil
}

// atMost is a call that lets values of up to n nodes pass.
func atMost(n int) *gojq.Query {
	return call("_at_most", &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeNumber, Number: strconv.Itoa(n)}})
}

// guardIndex bounds the number of a list's element.
func guardIndex(q *gojq.Query) error {
	if q == nil {
		return nil
	}
	if t := q.Term; t != nil && t.Type == gojq.TermTypeNumber && len(t.SuffixList) == 0 {
		if n, err := strconv.ParseFloat(t.Number, 64); err != nil || n > maxIndex {
			return fmt.Errorf("%w: mapping: lists have at most %d elements here, not %s", fleet.ErrInvalid, maxIndex, t.Number)
		}
		return nil
	}
	*q = *piped(&gojq.Query{FuncDefs: q.FuncDefs, Term: q.Term, Left: q.Left, Right: q.Right, Patterns: q.Patterns, Op: q.Op}, "_bounded_index")
	return nil
}

// size returns how many values v consists of, a text of n bytes counting as
// n/64, and limit+1 if there are more than limit.
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

// guards are the functions that [guard] calls. What a look at a value costs
// counts as steps.
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

// multiplied returns l * r. Whole numbers too large for 64 bits become decimal
// ones.
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

// operator returns what computes something of $l and $r by gojq's own rules.
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

func operate(code *gojq.Code, l, r any) any {
	v, _ := code.Run(nil, l, r).Next()
	return v
}
