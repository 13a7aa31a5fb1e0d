package skops_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/pickle/pickletest"
	"github.com/fleetscore/fleetscore/handler/model/skops"
)

// golden has the files and texts of values that values.py in testdata wrote.
type golden struct {
	Skops  string // its version
	Values map[string]struct {
		File []byte
		Text string
	}
}

// all allows all names.
func all(pickle.Global) bool { return true }

// read reads the value in a file, and the version of skops that wrote it.
func read(data []byte, opt skops.Options) (any, string, error) {
	a, err := archive.Open(data)
	if err != nil {
		return nil, "", err
	}
	return skops.Read(a, opt)
}

// hollow are classes whose objects text writes without their content.
var hollow = []string{"RandomState", "csr_matrix", "MaskedArray", "partial", "itemgetter", "Generator"}

// text returns v as values.py writes it.
func text(v any) string {
	several := func(open, close string, items []any) string {
		texts := make([]string, len(items))
		for i, item := range items {
			texts[i] = text(item)
		}
		if open == "{" {
			slices.Sort(texts)
		}
		return open + strings.Join(texts, ", ") + close
	}
	if s, ok := pickletest.Scalar(v); ok {
		return s
	}
	switch v := v.(type) {
	case *big.Int:
		return v.String()
	case []byte:
		return "b" + hex.EncodeToString(v)
	case *pickle.List:
		return several("[", "]", v.Items)
	case *pickle.Tuple:
		return several("(", ")", v.Items)
	case *pickle.Set:
		return several("{", "}", v.Items)
	case *pickle.Dict:
		entries := make([]string, len(v.Entries))
		for i, e := range v.Entries {
			entries[i] = text(e.Key) + ": " + text(e.Value)
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case *numpy.Array:
		items, err := v.Items(pickle.NewBudget(0))
		if err != nil {
			return err.Error()
		}
		texts, shape := make([]any, len(items)), make([]any, len(v.Shape))
		for i, item := range items {
			texts[i] = text(item)
		}
		for i, n := range v.Shape {
			shape[i] = int64(n)
		}
		return "array " + several("[", "]", shape) + " " + several("[", "]", texts)
	case pickle.Global:
		return "name " + v.String()
	case *pickle.Object:
		switch {
		case v.Class.Name == "slice":
			return several("slice(", ")", v.Args)
		case v.Class.Name == "dtype":
			return fmt.Sprint("dtype ", v.Args[0])
		case slices.Contains(hollow, v.Class.Name):
			return "a " + v.Class.Name
		}
		return v.Class.String() + text(v.State)
	}
	return fmt.Sprintf("%T", v)
}

// TestValues compares values with Python's, from files of each protocol.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, g := range goldenfile.ReadAll[golden](t, "testdata/values-*.json.gz", 3) {
		if len(g.Values) < 20 {
			t.Errorf("skops %s: %d values, want at least 20", g.Skops, len(g.Values))
		}
		for name, want := range g.Values {
			v, version, err := read(want.File, skops.Options{Allow: all})
			if err != nil || version != g.Skops {
				t.Errorf("skops %s, %s: got version %s, %v", g.Skops, name, version, err)
				continue
			}
			if got := text(v); want.Text != "" && got != want.Text {
				t.Errorf("skops %s, %s: got\n%s\nwant\n%s", g.Skops, name, got, want.Text)
			}
		}
	}
}

// TestRefusedClasses checks that an object of a class which is not allowed is read as a
// Refused.
func TestRefusedClasses(t *testing.T) {
	t.Parallel()
	for _, g := range goldenfile.ReadAll[golden](t, "testdata/values-*.json.gz", 3) {
		v, _, err := read(g.Values["estimator"].File, skops.Options{})
		if err != nil {
			t.Fatal(g.Skops, err)
		}
		refused, ok := v.(*pickle.List).Items[0].(*pickle.Refused)
		if want := (pickle.Global{Module: "sklearn.linear_model._base", Name: "LinearRegression"}); !ok || refused.Global != want {
			t.Errorf("skops %s: got %+v, want a Refused of %v", g.Skops, v.(*pickle.List).Items[0], want)
		}
		v, _, err = read(g.Values["kept_without_content"].File, skops.Options{})
		if err != nil {
			t.Fatal(g.Skops, err)
		}
		for _, item := range v.(*pickle.List).Items {
			if _, ok := item.(*pickle.Refused); !ok {
				t.Errorf("skops %s: got %+v, want a Refused", g.Skops, item)
			}
		}
	}
}

// TestCythonObjects checks objects that skops writes by __reduce__. A Tree has arguments and
// a state. scikit-learn's search trees are made by a function whose argument is the class.
func TestCythonObjects(t *testing.T) {
	t.Parallel()
	for _, g := range goldenfile.ReadAll[golden](t, "testdata/values-*.json.gz", 3) {
		first := func(name string) *pickle.Object {
			v, _, err := read(g.Values[name].File, skops.Options{Allow: all})
			if err != nil {
				t.Fatal(g.Skops, name, err)
			}
			return v.(*pickle.List).Items[0].(*pickle.Object)
		}
		tree := first("tree")
		if nodes, ok := tree.Attr("node_count"); tree.Class.Name != "Tree" || len(tree.Args) != 3 || tree.Args[0] != any(int64(2)) || !ok || nodes != any(int64(3)) {
			t.Errorf("skops %s: got %v(%v) with %v nodes, want a Tree with 3", g.Skops, tree.Class, tree.Args, nodes)
		}
		search := first("kd_tree")
		class, _ := search.Args[0].(pickle.Global)
		if state, ok := search.State.(*pickle.Tuple); search.Class.Name != "newObj" || !strings.HasPrefix(class.Name, "KDTree") || !ok || len(state.Items) < 10 {
			t.Errorf("skops %s: got %v(%v) with a state of %T, want newObj(KDTree) with a tuple", g.Skops, search.Class, search.Args, search.State)
		}
	}
}

// TestSparse checks that a sparse matrix has the arrays that a pickle has of it.
func TestSparse(t *testing.T) {
	t.Parallel()
	for _, g := range goldenfile.ReadAll[golden](t, "testdata/values-*.json.gz", 3) {
		v, _, err := read(g.Values["kept_without_content"].File, skops.Options{Allow: all})
		if err != nil {
			t.Fatal(g.Skops, err)
		}
		matrix := v.(*pickle.List).Items[1].(*pickle.Object)
		for name, want := range map[string]string{
			"_shape": "(4, 2)", "indptr": `array [5] ["0", "1", "2", "4", "6"]`, "indices": `array [6] ["1", "0", "0", "1", "0", "1"]`,
			"data": `array [6] ["f3ff0000000000000", "f3ff0000000000000", "f4000000000000000", "f4000000000000000", "f4008000000000000", "f3ff0000000000000"]`,
		} {
			if got, _ := matrix.Attr(name); text(got) != want {
				t.Errorf("skops %s: %s is %s, want %s", g.Skops, name, text(got), want)
			}
		}
	}
}

// TestTruncated checks that a truncated file is refused.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for _, g := range goldenfile.ReadAll[golden](t, "testdata/values-*.json.gz", 3) {
		data := g.Values["arrays"].File
		for n := 0; n < len(data); n += 7 {
			if _, _, err := read(data[:n], skops.Options{Allow: all}); err == nil {
				t.Errorf("skops %s: the first %d of %d bytes were read, want an error", g.Skops, n, len(data))
			}
		}
	}
}

// TestBudget checks that nothing is read without a budget.
func TestBudget(t *testing.T) {
	t.Parallel()
	for _, g := range goldenfile.ReadAll[golden](t, "testdata/values-*.json.gz", 3) {
		for name, value := range g.Values {
			if _, _, err := read(value.File, skops.Options{Allow: all, Budget: new(pickle.Budget)}); !errors.Is(err, pickle.ErrLimit) {
				t.Errorf("skops %s, %s: got %v, want pickle.ErrLimit", g.Skops, name, err)
			}
		}
	}
}
