package xgboost

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// long returns a length or number of 64 bits in UBJSON.
func long(n uint64) string { return "L" + string(binary.BigEndian.AppendUint64(nil, n)) }

// TestUBJSONNumbers checks arrays of numbers. An array may name the type of its elements, their
// number, both or neither. Each number may have any type.
func TestUBJSONNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data string
		want []float32
	}{
		{"[]", nil},
		{"[#" + long(0), nil},
		{"[$d#" + long(0), nil},
		{"[$i#" + long(2) + "\x7f\x80", []float32{127, -128}},
		{"[$U#" + long(2) + "\x7f\xff", []float32{127, 255}},
		{"[$C#" + long(1) + "A", []float32{65}},
		{"[$I#" + long(2) + "\x01\x00\xff\xfe", []float32{256, -2}},
		{"[$l#" + long(2) + "\x00\x01\x00\x00\xff\xff\xff\xfd", []float32{65536, -3}},
		{"[$L#" + long(2) + long(1 << 30)[1:] + long(math.MaxUint64)[1:], []float32{1 << 30, -1}},
		{"[$d#" + long(1) + "\x40\x20\x00\x00", []float32{2.5}},
		{"[$D#" + long(1) + "\x40\x04\x00\x00\x00\x00\x00\x00", []float32{2.5}},
		{"[i\x01U\xc8I\x01\x00TFl\x00\x01\x00\x00]", []float32{1, 200, 256, 1, 0, 65536}},
		{"[#" + long(2) + "d\x40\x20\x00\x00D\x40\x04\x00\x00\x00\x00\x00\x00", []float32{2.5, 2.5}},
	} {
		r := &binaryReader{data: []byte(c.data)}
		got, err := r.floats(nil)
		if err != nil || !slices.Equal(got, c.want) || r.end() != nil || r.depth != 0 {
			t.Errorf("%q: got %v, %v, at byte %d of %d; want %v", c.data, got, err, r.at, len(c.data), c.want)
		}
		skipped := &binaryReader{data: []byte(c.data)}
		if err := skipped.skip(); err != nil || skipped.end() != nil {
			t.Errorf("%q: skip stopped at byte %d: %v", c.data, skipped.at, err)
		}
		if len(c.data) > 2 {
			cut := &binaryReader{data: []byte(c.data[:len(c.data)-1])}
			if _, err := cut.floats(nil); err == nil && len(got) > 0 {
				t.Errorf("%q, which lacks a byte, was read", cut.data)
			}
		}
	}
}

// TestUBJSONIntegers checks arrays of integers. XGBoost's have 32 bits, some of them unsigned.
func TestUBJSONIntegers(t *testing.T) {
	t.Parallel()
	low, beyond := int64(-1<<31), int64(-1<<31-1)
	for _, c := range []struct {
		data string
		want []int32
		err  string
	}{
		{"[" + long(1<<31-1) + "]", []int32{1<<31 - 1}, ""},
		{"[" + long(1<<32-1) + "]", []int32{-1}, ""},
		{"[" + long(uint64(low)) + "]", []int32{-1 << 31}, ""},
		{"[" + long(1<<32) + "]", nil, "4294967296 is no integer of 32 bits"},
		{"[" + long(uint64(beyond)) + "]", nil, "-2147483649 is no integer of 32 bits"},
		{"[d\x40\x20\x00\x00]", nil, "fractions before byte 6 where integers are wanted"},
		{"[$D#" + long(1) + long(0)[1:], nil, "fractions before byte 21"},
		{"[S]", nil, `'S' at byte 1 where a number is wanted`},
		{"{}", nil, `'{' at byte 0 where an array is wanted`},
		{"[$S#", nil, `'S' at byte 2 where a type of numbers is wanted`},
		{"[$i$", nil, `'$' at byte 3 where a number sign is wanted`},
		{"[$i#i\x01", nil, `'i' at byte 4 where a length of 64 bits is wanted`},
		{"[$i#L\x00", nil, "it ends too early"},
		{"[$i#" + long(2) + "\x01", nil, "it ends too early"},
		{"[$l#" + long(1<<62) + "\x00\x00\x00\x00", nil, "it ends too early"},
		{"[#" + long(2) + "i\x01", nil, "it ends too early"},
		{"[i\x01", nil, "it ends too early"},
		{"[i", nil, "it ends too early"},
		{"", nil, "it ends too early"},
	} {
		got, err := (&binaryReader{data: []byte(c.data)}).ints(nil)
		if c.err == "" && (err != nil || !slices.Equal(got, c.want)) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: got %v, %v; want %v, %q", c.data, got, err, c.want, c.err)
		}
	}
}

// TestNesting checks that arrays and objects may be 64 deep, and that any number may follow one
// another.
func TestNesting(t *testing.T) {
	t.Parallel()
	text := func(s string) document { return &textReader{data: []byte(s)} }
	ubjson := func(s string) document { return &binaryReader{data: []byte(s)} }
	key := long(1) + "a"
	for _, c := range []struct {
		name string
		of   func(string) document
		data string
		deep bool
	}{
		{"text, 64 arrays", text, strings.Repeat("[", 64) + strings.Repeat("]", 64), false},
		{"text, 65 arrays", text, strings.Repeat("[", 65) + strings.Repeat("]", 65), true},
		{"text, 64 objects", text, strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64), false},
		{"text, 65 objects", text, strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), true},
		{"text, 100 one after another", text, "[" + strings.Repeat(`[],{},`, 100) + "[]]", false},
		{"ubjson, 64 arrays", ubjson, strings.Repeat("[", 64) + strings.Repeat("]", 64), false},
		{"ubjson, 65 arrays", ubjson, strings.Repeat("[", 65) + strings.Repeat("]", 65), true},
		{"ubjson, 64 objects", ubjson, strings.Repeat("{"+key, 64) + "Z" + strings.Repeat("}", 64), false},
		{"ubjson, 65 objects", ubjson, strings.Repeat("{"+key, 65) + "Z" + strings.Repeat("}", 65), true},
		{"ubjson, 100 one after another", ubjson, "[" + strings.Repeat("[]{}", 100) + "]", false},
	} {
		d := c.of(c.data)
		err := d.skip()
		if err == nil {
			err = d.end()
		}
		if !c.deep && err != nil || c.deep && (err == nil || !strings.Contains(err.Error(), "over 64 arrays and objects inside one another")) {
			t.Errorf("%s: got %v, want an error %v", c.name, err, c.deep)
		}
	}
}

// TestUBJSONValues checks that skip stops at the end of a value.
func TestUBJSONValues(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"Z", "N", "T", "F", "i\x01", "U\x01", "C\x01", "I\x00\x01", "l\x00\x00\x00\x01", long(1), "d\x00\x00\x00\x00", "D" + long(0)[1:],
		"S" + long(0), "S" + long(3) + "abc", "{}", "{" + long(1) + "a" + "Z" + long(2) + "bc" + "[]" + "}", "[Z[T]{}]", "[$I#" + long(1) + "\x00\x01",
	} {
		r := &binaryReader{data: []byte(value + "Z")}
		if err := r.skip(); err != nil || r.at != len(value) || r.depth != 0 {
			t.Errorf("%q: skip stopped at byte %d, depth %d: %v", value, r.at, r.depth, err)
		}
		if err := r.end(); err == nil || !strings.Contains(err.Error(), "'Z' at byte") {
			t.Errorf("%q and another value: got %v, want an error", value, err)
		}
		if cut := (&binaryReader{data: []byte(value[:len(value)-1])}); cut.skip() == nil {
			t.Errorf("%q, which lacks a byte, was skipped", cut.data)
		}
	}
	for _, c := range []struct{ data, want string }{
		{"{i\x01", "'i' at byte 1 where a length of 64 bits is wanted"},
		{"{" + long(5) + "abc", "it ends too early"},
		{"]", "']' at byte 0 where a number is wanted"},
	} {
		if err := (&binaryReader{data: []byte(c.data)}).skip(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.data, err, c.want)
		}
	}
	r := &binaryReader{data: []byte("[$i#" + long(1) + "\x01")}
	if err := r.array(func() error { return nil }); err == nil || !strings.Contains(err.Error(), "numbers before byte 14 where other elements are wanted") {
		t.Errorf("an array of numbers read as objects: got %v", err)
	}
	r = &binaryReader{data: []byte("[$i#" + long(0))}
	if err := r.array(func() error { t.Error("the function was called for an empty array"); return nil }); err != nil {
		t.Errorf("an empty array of numbers read as objects: %v", err)
	}
}

// TestText checks strings with escapes, and the errors for truncated ones.
func TestText(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`""`: "", `"abc"`: "abc", ` "a"`: "a",
		`"a\"b\\c\/d"`:      `a"b\c/d`,
		`"\n\t\r\b\f"`:      "\n\t\r\b\f",
		`"\u00fcber\u0041"`: "überA",
		`"x\u0041"`:         "xA",
		`"\"`:               "it ends too early",
		`"\u00f"`:           `'u' at byte 2 where four`,
		`"\u00f`:            "it ends too early",
		`"\u00fx"`:          `'u' at byte 2 where four hexadecimal digits is wanted`,
		`"\`:                "it ends too early",
		`"abc`:              "it ends too early",
		`abc"`:              `'a' at byte 0 where a string is wanted`,
		"":                  "it ends too early",
	} {
		r := &textReader{data: []byte(data)}
		got, err := r.text()
		switch {
		case err != nil && !strings.Contains(err.Error(), want), err == nil && got != want:
			t.Errorf("%q: got %q, %v; want %q", data, got, err, want)
		case err == nil && r.at != len(data):
			t.Errorf("%q: it was read up to byte %d, want %d", data, r.at, len(data))
		}
		skipped := &textReader{data: []byte(data)}
		if failed := skipped.skip(); err == nil && (failed != nil || skipped.at != len(data)) {
			t.Errorf("%q: skip stopped at byte %d: %v", data, skipped.at, failed)
		}
	}
}

// TestTextNumbers checks arrays of numbers in XGBoost's JSON, which has infinite numbers, and
// true and false among integers.
func TestTextNumbers(t *testing.T) {
	t.Parallel()
	r := &textReader{data: []byte("[ 1, -2.5E1 ,1e40,-1e-50, Infinity,-Infinity]\x00")}
	got, err := r.floats([]float32{7})
	inf := float32(math.Inf(1))
	if want := []float32{7, 1, -25, inf, float32(math.Copysign(0, -1)), inf, -inf}; err != nil || !slices.Equal(got, want) || r.end() != nil {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	r = &textReader{data: []byte("[true,false,-1,2147483647,4294967295,-2147483648] ")}
	ints, err := r.ints([]int32{7})
	if want := []int32{7, 1, 0, -1, 1<<31 - 1, -1, -1 << 31}; err != nil || !slices.Equal(ints, want) || r.end() != nil {
		t.Errorf("got %v, %v; want %v", ints, err, want)
	}
	for data, want := range map[string]string{
		"[1.5]": "'1' at byte 1 where an integer", "[4294967296]": "'4' at byte 1 where an integer", "[-2147483649]": "'-' at byte 1 where an integer",
		"[0, null]": "'n' at byte 4 where an integer", "[1 2]": "'2' at byte 3 where a comma or a closing bracket", "[1}": "'}' at byte 2 where a comma",
		"[1": "ends too early", "[": "ends too early", "1": "'1' at byte 0 where an array", "[,]": "',' at byte 1 where an integer", "[1,]": "']' at byte 3 where an integer",
	} {
		if got, err := (&textReader{data: []byte(data)}).ints(nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v; want %q", data, got, err, want)
		}
	}
	for data, want := range map[string]string{"[abc]": "'a' at byte 1 where a number", "[1,,2]": "',' at byte 3 where a number"} {
		if got, err := (&textReader{data: []byte(data)}).floats(nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v; want %q", data, got, err, want)
		}
	}
	for data, want := range map[string]string{`{"a" 1}`: "'1' at byte 5 where a colon", `{"a":1 "b"`: "'\"' at byte 7 where a comma", `{1:1}`: "'1' at byte 1 where a string", `{"a":}`: "'}' at byte 5 where a value"} {
		if err := (&textReader{data: []byte(data)}).skip(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", data, err, want)
		}
	}
}

// TestBelow checks the conversion of conditions. In XGBoost numbers below the condition go left,
// and in package forest numbers up to the threshold.
func TestBelow(t *testing.T) {
	t.Parallel()
	least := math.Float32frombits(1)
	for c, want := range map[float32]float32{1: math.Float32frombits(math.Float32bits(1) - 1), 0: -least, least: 0, float32(math.Inf(1)): math.MaxFloat32, -math.MaxFloat32: float32(math.Inf(-1))} {
		if got, set := below(c); got != want || set != nil {
			t.Errorf("below(%v) = %v, %v; want %v", c, got, set, want)
		}
	}
	for _, c := range []float32{float32(math.NaN()), float32(math.Inf(-1))} {
		if _, set := below(c); set != never {
			t.Errorf("below(%v) has the set %v, want never", c, set)
		}
	}
}

// TestCategories checks sets of categories. Categories in the set go right, and all others left.
// A set lies within the tree's categories, which are integers from 0 to 2²⁴−1.
func TestCategories(t *testing.T) {
	t.Parallel()
	at := func(node, from, count int32, categories ...int32) *rawTree {
		return &rawTree{categoryNodes: []int32{node}, categoryFrom: []int32{from}, categoryCount: []int32{count}, categories: categories}
	}
	sets, err := at(3, 1, 2, 5, 31, 32).sets(pickle.NewBudget(0))
	if err != nil || !slices.Equal(sets[3].Bits, []uint32{1 << 31, 1}) || !sets[3].Others || !sets[3].Inverted {
		t.Errorf("got %+v, %v", sets[3], err)
	}
	if sets, err := at(0, 0, 1, 1<<24-1).sets(pickle.NewBudget(1 << 20)); err != nil || len(sets[0].Bits) != 1<<19 {
		t.Errorf("the largest category: %v", err)
	}
	for _, c := range []struct {
		tree *rawTree
		want string
	}{
		{at(4, 0, 0, 5), "node 4: its categories are those from 0 to 0 of 1"},
		{at(4, -1, 2, 5), "those from -1 to 1 of 1"},
		{at(4, 0, -1, 5), "those from 0 to -1 of 1"},
		{at(4, 0, 2, 5), "those from 0 to 2 of 1"},
		{at(4, 0, 2, 5, -1), "node 4: -1 to 5 are no categories"},
		{at(4, 0, 2, 0, 1<<24), "0 to 16777216 are no categories"},
		{&rawTree{categoryNodes: []int32{1}, categoryFrom: []int32{0}}, "not of one length"},
		{&rawTree{categoryNodes: []int32{1}, categoryCount: []int32{0}}, "not of one length"},
	} {
		if _, err := c.tree.sets(pickle.NewBudget(0)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if _, err := at(0, 0, 1, 1<<24-1).sets(new(pickle.Budget)); err == nil {
		t.Error("a set of 2 MiB was read without a budget")
	}
}

// TestIterations checks the number of trees in iterations. Before 1.4 an iteration has a tree for
// each output. Later versions count parallel trees as one. From 2.0 on the file has the numbers.
func TestIterations(t *testing.T) {
	t.Parallel()
	booster := func(v Version, trees, classes, parallel int, starts ...int32) *Booster {
		return &Booster{Version: v, trees: make([]tree, trees), classes: classes, parallel: parallel, starts: starts}
	}
	for _, c := range []struct {
		b       *Booster
		n, want int
	}{
		{booster(103, 12, 3, 2), 0, 12}, {booster(103, 12, 3, 2), 1, 3}, {booster(103, 12, 3, 2), 2, 6}, {booster(103, 12, 3, 2), 5, 12}, {booster(103, 12, 3, 2), 13, 12},
		{booster(104, 12, 3, 2), 1, 6}, {booster(104, 12, 3, 2), 2, 12}, {booster(104, 12, 3, 2), 12, 12}, {booster(104, 12, 0, 1), 11, 11},
		{booster(200, 12, 3, 2, 0, 5, 12), 1, 5}, {booster(200, 12, 3, 2, 0, 5, 12), 2, 12}, {booster(200, 12, 3, 2, 0, 5, 12), 3, 12}, {booster(200, 12, 3, 2, 0, 5, 12), -1, 12},
		{booster(104, 12, 1, 1<<62), 8, 12},
	} {
		if got := c.b.iterations(c.n); got != c.want {
			t.Errorf("%d iterations of %v: got %d trees, want %d", c.n, c.b.Version, got, c.want)
		}
	}
	for attribute, want := range map[string]int{"": 0, "0": 1, "7": 8, "-1": 0, "x": 0} {
		if got := (&Booster{Attributes: map[string]string{"best_iteration": attribute}}).BestIteration(); got != want {
			t.Errorf("best_iteration %q: got %d, want %d", attribute, got, want)
		}
	}
}

// TestOutputs checks that a model without classes and targets has one output, and how versions
// are written.
func TestOutputs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ classes, targets, want int }{{0, 0, 1}, {0, 1, 1}, {1, 1, 1}, {3, 1, 3}, {0, 4, 4}} {
		if got := (&Booster{classes: c.classes, targets: c.targets}).Outputs(); got != c.want {
			t.Errorf("%+v: got %d outputs", c, got)
		}
	}
	if v := Version(0); v.String() != "0.90 or earlier" {
		t.Errorf("version 0 is written %s", v)
	}
	if v := Version(107); v.String() != "1.7" {
		t.Errorf("version 107 is written %s", v)
	}
}

// TestLargest checks that of equal numbers the first is the largest.
func TestLargest(t *testing.T) {
	t.Parallel()
	got := make([]float64, 3)
	(&Model{outputs: 3}).largest(got, []float32{1, 1, 0, 0, 2, 2, -3, -2, -1})
	if !slices.Equal(got, []float64{0, 1, 2}) {
		t.Errorf("got %v, want 0, 1, 2", got)
	}
}

// TestDropout checks that weigh adds the base_score to a tree's values and subtracts it again,
// which rounds them.
func TestDropout(t *testing.T) {
	t.Parallel()
	if got := weigh([]float32{1, 0.1}, 0.5, 0); !slices.Equal(got, []float32{0.5, 0.05}) {
		t.Errorf("base_score 0: got %v, want half of each", got)
	}
	if got := weigh([]float32{1, 1e-9}, 0.5, 1<<24); !slices.Equal(got, []float32{0, 0}) {
		t.Errorf("base_score 2²⁴: got %v, want 0, 0", got)
	}
}

// TestTree checks that nodes which pruning made unreachable are left out, and the others are
// numbered again.
func TestTree(t *testing.T) {
	t.Parallel()
	r := &rawTree{
		left: []int32{3, -1, 1, -1, -1}, right: []int32{4, -1, 1, -1, -1}, feature: []int32{1, 0, 99, 0, 0}, defaultLeft: []int32{1, 0, 0, 0, 0},
		condition: []float32{0.5, 7, 8, 9, 10},
	}
	got, err := r.build(pickle.NewBudget(0))
	if err != nil {
		t.Fatal(err)
	}
	if want := []forest.ValueNode[float32]{{Left: 1, Right: 2, Feature: 1, NaNLeft: true, Threshold: math.Nextafter32(0.5, 0)}, {Left: forest.Leaf, Right: forest.Leaf}, {Left: forest.Leaf, Right: forest.Leaf}}; !slices.Equal(got.nodes, want) {
		t.Errorf("got nodes %+v, want %+v", got.nodes, want)
	}
	if !slices.Equal(got.values, []float32{0, 9, 10}) {
		t.Errorf("got values %v, want 0, 9, 10", got.values)
	}
	if _, err := r.build(new(pickle.Budget)); err == nil {
		t.Error("nodes were built without a budget")
	}
}
