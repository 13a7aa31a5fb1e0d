package mapping

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

// TestMostRows checks that a value of too many readings has the largest number of rows, and one more
// with an error.
func TestMostRows(t *testing.T) {
	t.Parallel()
	g := &gatherer{rows: make([]row, maxRows-1)}
	for range 4 {
		g.row(row{value: 1})
	}
	if len(g.rows) != maxRows+1 || g.rows[maxRows-1].err != nil || g.rows[maxRows].err == nil {
		t.Errorf("%d rows, the last of them with the error %v", len(g.rows), g.rows[len(g.rows)-1].err)
	}
}

// TestDeepest checks how deep brackets may be nested.
func TestDeepest(t *testing.T) {
	t.Parallel()
	for depth, fine := range map[int]bool{maxDepth: true, maxDepth + 1: true, maxDepth + 2: false, 100_000: false} {
		docs := documents([]byte(strings.Repeat("[", depth)+strings.Repeat("]", depth)), false)
		if len(docs) != 1 || (docs[0].err == nil) != fine {
			t.Errorf("%d brackets: got %d values, %v; want success %v", depth, len(docs), docs[0].err, fine)
		}
	}
}

// TestSeparator checks which separator a line of CSV has. Of those that occur equally often, the
// comma is preferred to the semicolon, the tab and the bar.
func TestSeparator(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]rune{"a,b;c": ',', "a;b|c": ';', "a;b;c,d": ';', "a|b|c\td": '|', "a": ',', "": ',', "a,b\n;;;": ','} {
		if got := separator([]byte(line)); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

// TestNumbers checks numbers that are not finite, which programs may compute, and numbers of too
// many digits.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
		if _, missing, ok, err := numberOf(v); !missing || !ok || err != nil {
			t.Errorf("numberOf(%v): got missing %v, %v, %v; want it missing", v, missing, ok, err)
		}
		if _, err := rational(v); err == nil {
			t.Errorf("rational(%v) succeeded, want an error", v)
		}
	}
	for text, fine := range map[string]bool{"1.5": true, "1e300": true, "1e-299": true, "0": true, "1e-301": false, "1e400": false,
		"1." + strings.Repeat("0", maxDigits-3): true, "1." + strings.Repeat("0", maxDigits): false} {
		if _, err := rational(json.Number(text)); (err == nil) != fine {
			t.Errorf("rational(%.20s) of %d digits: got %v, want success %v", text, len(text), err, fine)
		}
	}
}

// TestBadStatus checks that status codes of OPC UA are bad from 2³¹ on.
func TestBadStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status any
		bad    bool
	}{
		{1<<31 - 1, false}, {1 << 31, true}, {float64(1<<31 - 1), false}, {float64(1 << 31), true}, {json.Number("2147483647"), false}, {json.Number("2147483648"), true},
		{true, false}, {false, true}, {nil, false}, {&members{[]string{"Code"}, []any{1 << 31}}, true}, {&members{[]string{"Symbol"}, []any{"Good"}}, false},
	} {
		if got := badStatus(c.status); got != c.bad {
			t.Errorf("badStatus(%v) = %v, want %v", c.status, got, c.bad)
		}
	}
}

// TestShapeOf checks the shape of values that have some of the members of several shapes.
func TestShapeOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[{"n":"a","v":1}]`:           "senml",
		`[{"bn":"a"},{"v":1}]`:        "senml",
		`[{"v":1}]`:                   "wide",
		`[{"n":"a"}]`:                 "wide",
		`[{"n":"a","v":1,"other":1}]`: "wide",
		`{"timestamp":1,"metrics":[{"name":"a","value":1}]}`:                      "sparkplug-json",
		`{"timestamp":1,"metrics":[{"name":"a","value":1}],"device":"d"}`:         "wide",
		`{"timestamp":1,"metrics":[{"name":"a","value":1}],"deviceId":"d"}`:       "wide",
		`{"timestamp":1,"metrics":[{"name":"a","value":1}],"device":"d","seq":1}`: "sparkplug-json",
		`{"timestamp":1,"metrics":[{"a":1}]}`:                                     "wide",
		`{"timestamp":1,"metrics":{"a":1}}`:                                       "wide",
	} {
		docs := documents([]byte(text), false)
		if len(docs) != 1 || docs[0].err != nil {
			t.Fatal(text, docs)
		}
		if got := shapeOf(docs[0].value); got == nil || got.name != want {
			t.Errorf("%s: got %+v, want %s", text, got, want)
		}
	}
}

// TestRefusedAreFew checks that the first [MaxRefused] refused elements of an event are listed, and
// that one more entry counts the others.
func TestRefusedAreFew(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, MaxRefused, MaxRefused + 1, MaxRefused + 2, 50} {
		r, all := new(Reader), 0
		for range n {
			r.refuse(nil, errors.New("bad"))
		}
		for _, x := range r.Refused {
			all += x.Count
		}
		if len(r.Refused) != min(n, MaxRefused+1) || all != n || r.Refused[0].Count != 1 || r.element != n {
			t.Errorf("%d refused elements: got %d entries that count %d", n, len(r.Refused), all)
		}
	}
}
