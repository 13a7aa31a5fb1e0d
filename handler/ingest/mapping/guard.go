package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/itchyny/gojq"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Limits of the values in a program.
//
// A program of a few instructions can make huge values: it can double a text repeatedly, or
// write to element 500,000,000 of a list. gojq does not limit memory. So [guard] changes the
// program: each operation whose result may be larger than its arguments, or whose time may
// grow faster than their size, first checks the size of its arguments.
//
// A node is one JSON value, with all values inside it counted too. 64 bytes of text are one
// more node.
const (
	maxNodes = 1 << 18  // nodes of a value
	maxText  = 16 << 20 // bytes of text in a value
	maxIndex = 1 << 20  // elements of a list
	maxPairs = 1 << 26  // comparisons of two lists' elements in one operation

	smallNodes  = 64      // 4 kB of text
	mediumNodes = 1 << 15 // 2 MB of text
)

// growing are the functions whose result or time may grow faster than their input. Their
// input and arguments are bounded.
var growing = map[string]bool{
	"add": true, "join": true, "tojson": true, "tostring": true, "flatten": true, "implode": true, "indices": true, "index": true, "rindex": true, "contains": true, "inside": true,
	"error": true, "halt_error": true, "sub": true, "gsub": true, "walk": true, "combinations": true, "unique": true, "sort": true, "min": true, "max": true, "unique_by": true, "sort_by": true, "group_by": true,
	"min_by": true, "max_by": true, "reverse": true, "keys": true, "to_entries": true, "with_entries": true, "from_entries": true, "del": true, "delpaths": true, "tostream": true, "paths": true,
	"split": true, "splits": true, "test": true, "match": true, "scan": true, "capture": true, "ascii_downcase": true, "ascii_upcase": true, "explode": true, "fromjson": true, "ltrimstr": true, "rtrimstr": true,
	"trim": true, "ltrim": true, "rtrim": true, "utf8bytelength": true, "tonumber": true, "bsearch": true,
}

// comparing are the functions that compare their arguments. The arguments are bounded.
var comparing = map[string]bool{"IN": true, "INDEX": true, "JOIN": true, "has": true}

// refused are the functions that a mapping must not use. The text says why or what to use
// instead; it may be empty.
var refused = map[string]string{
	"fromstream": "", "transpose": "", "truncate_stream": "", "input": "", "inputs": "", "debug": "", "stderr": "", "input_line_number": "", "modulemeta": "", "builtins": "",
	"now": "use $enqueued: the result must not depend on when it is computed", "localtime": "use local", "strflocaltime": "use strftime",
	"env": "the environment is out of reach", "$ENV": "the environment is out of reach",
}

// guard inserts the checks of size into a program. Its error names the functions that must
// not be used.
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
				if part.Term == nil || part.Term.Str == nil { // an interpolated value, not literal text
					n.Queries[i] = &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeQuery, Query: piped(part, "_bounded")}}
				}
			}
		}
	})
	return errors.Join(errs...)
}

// visit calls f with each pointer in v that is not nil, in depth-first order: f sees a node
// of the syntax tree after the nodes below it.
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

// call returns the query name(args…).
func call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

// piped returns the query q | name.
func piped(q *gojq.Query, name string) *gojq.Query {
	return &gojq.Query{Left: q, Op: gojq.OpPipe, Right: call(name)}
}

// updates are the operators that change a value in place, each with the operator that computes
// the new value.
var updates = map[gojq.Operator]gojq.Operator{
	gojq.OpUpdateAdd: gojq.OpAdd, gojq.OpUpdateSub: gojq.OpSub, gojq.OpUpdateMul: gojq.OpMul, gojq.OpUpdateDiv: gojq.OpDiv, gojq.OpUpdateMod: gojq.OpMod,
}

// guardOperator bounds the operands of an operator.
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

// replace makes q another query, and keeps the functions that q defines.
func replace(q, by *gojq.Query) {
	by.FuncDefs = q.FuncDefs
	*q = *by
}

// bounded returns q with a check of its result's size. Literals need none.
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

// bound checks the size of a term's input.
func bound(t *gojq.Term) {
	inner := *t
	inner.SuffixList = nil
	pipe := &gojq.Query{Left: call("_bounded"), Op: gojq.OpPipe, Right: &gojq.Query{Term: &inner}}
	*t = gojq.Term{Type: gojq.TermTypeQuery, Query: pipe, SuffixList: t.SuffixList}
}

// guardCall bounds the input and arguments of a function call.
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
		case name == "sub" || name == "gsub": // they insert the replacement many times
			t.Func.Args[i] = &gojq.Query{Left: arg, Op: gojq.OpPipe, Right: atMost(smallNodes)}
		case comparing[name] || growing[name]:
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
	case name == "fromjson": // the value takes more memory than its text
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

// atMost returns a query that fails if its input has more than n nodes.
func atMost(n int) *gojq.Query {
	return call("_at_most", &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeNumber, Number: strconv.Itoa(n)}})
}

// guardIndex bounds the index of a list's element.
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
