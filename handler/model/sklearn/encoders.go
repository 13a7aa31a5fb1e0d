package sklearn

import (
	"errors"
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// encoder is OneHotEncoder or OrdinalEncoder. The categories must be numbers.
type encoder struct {
	columns []encoding
	oneHot  bool
	out     int
	label   string
}

// encoding encodes one column. A code of OrdinalEncoder is the number that the category
// becomes. A code of OneHotEncoder is the position of the 1, or -1 for zeros only.
type encoding struct {
	codes   map[float64]float64 // by category
	nan     float64             // the code of NaN
	hasNaN  bool                // NaN is a category
	unknown float64             // the code of numbers that are no category
	accepts bool                // such numbers are no error
	at, out int                 // the first column of the output, and how many there are
}

func loadOneHotEncoder(a *attrs) *element {
	if a.version < 20 || a.boolOr("_legacy_mode", false) {
		a.refuse("integers as of scikit-learn 0.19", "fit it with 0.22 or later")
	}
	return a.encoder(true)
}

func loadOrdinalEncoder(a *attrs) *element { return a.encoder(false) }

func (a *attrs) encoder(oneHot bool) *element {
	t := &encoder{oneHot: oneHot, label: a.class + inStep(a.step)}
	lists := a.listOf("categories_")
	if a.err != nil || !a.agree("categories_", &a.in, len(lists)) {
		return nil
	}
	mappings := a.infrequent(len(lists))
	dropped := a.dropped(len(lists))
	for i, v := range lists {
		categories := a.categoriesOf(i, v)
		if a.err != nil {
			return nil
		}
		c := encoding{at: t.out, out: 1, unknown: -1}
		codes, count := a.groups(categories, mappings, i)
		a.unknowns(&c, codes, mappings != nil && mappings[i] != nil, i)
		if oneHot {
			c.out = count
			if d := dropped[i]; d >= 0 {
				c.out, c.unknown = count-1, without(codes, float64(d), c.unknown)
			}
		}
		if a.err != nil || c.out < 0 || len(codes) != len(categories) {
			a.fail("column %d has no encoding of its categories", i)
			return nil
		}
		c.fill(a, categories, codes, oneHot)
		if oneHot {
			for _, code := range append(codes, c.unknown, c.nan) {
				if !(code >= -1 && code < float64(c.out)) {
					a.fail("column %d has the code %v of %d", i, code, c.out)
				}
			}
		}
		t.columns = append(t.columns, c)
		t.out += c.out
	}
	if a.err == nil && t.out == 0 {
		a.fail("no column comes out")
	}
	e := &element{transformer: t, out: t.out, size: 64 * t.out}
	if oneHot && a.encodesSparse() {
		e.sparse = sparse
	}
	if a.version >= 100 || oneHot && a.version >= 24 {
		e.accepts = finiteOrNaN
	}
	return e
}

// categoriesOf returns a column's categories, which have to be numbers.
func (a *attrs) categoriesOf(i int, v any) []float64 {
	_, numbers := a.arrayOf(fmt.Sprintf("categories_[%d]", i), v)
	if a.err != nil {
		a.err = nil
		a.refuse(fmt.Sprintf("categories of column %d that are no numbers", i), "encode them before, or fit it on numbers")
	}
	if err := a.budget.Take(64 * len(numbers)); err != nil {
		a.fail("%w", err)
	}
	return numbers
}

// infrequent returns for each column the codes of its categories, if rare categories
// share one code, else nil. It returns nil if no column has such codes.
func (a *attrs) infrequent(columns int) [][]float64 {
	if !a.boolOr("_infrequent_enabled", false) {
		return nil
	}
	lists := a.items("_default_to_infrequent_mappings")
	if a.err == nil && len(lists) != columns {
		a.fail("_default_to_infrequent_mappings is of %d columns, where there are %d", len(lists), columns)
	}
	if a.err != nil {
		return nil
	}
	mappings := make([][]float64, columns)
	for i, v := range lists {
		if v != nil {
			mappings[i] = a.vectorOf("_default_to_infrequent_mappings", v, &dim{what: "categories"})
		}
	}
	return mappings
}

// dropped returns for each column the code that has no column in the output, or -1.
func (a *attrs) dropped(columns int) []int {
	none := make([]int, columns)
	for i := range none {
		none[i] = -1
	}
	name := "drop_idx_"
	if a.has("_drop_idx_after_grouping") { // since 1.2 drop_idx_ counts categories, not codes
		name = "_drop_idx_after_grouping"
	}
	if !a.has(name) {
		return none
	}
	items := a.listOf(name)
	if a.err == nil && len(items) != columns {
		a.fail("drop_idx_ is of %d columns, where there are %d", len(items), columns)
	}
	if a.err != nil {
		return none
	}
	for i, v := range items {
		if f, ok := a.number(v); ok {
			none[i] = int(f)
		} else if v != nil {
			a.fail("drop_idx_ is no number at %d", i)
		}
	}
	return none
}

// groups returns the code of each category of column i, and the number of codes.
func (a *attrs) groups(categories []float64, mappings [][]float64, i int) (codes []float64, count int) {
	if mappings == nil || mappings[i] == nil {
		for k := range categories {
			codes = append(codes, float64(k))
		}
		return codes, len(codes)
	}
	for _, code := range mappings[i] {
		if code < 0 || code != math.Trunc(code) || code >= float64(len(categories)) {
			a.fail("_default_to_infrequent_mappings has %v in column %d", code, i)
			return nil, 0
		}
		count = max(count, int(code)+1)
	}
	return mappings[i], count
}

// unknowns reads how column i encodes numbers that are no category.
func (a *attrs) unknowns(c *encoding, codes []float64, grouped bool, i int) {
	switch handle := a.optional("handle_unknown"); handle {
	case "error", nil: // before 0.24 OrdinalEncoder did not have the parameter
	case "ignore":
		c.accepts = true
	case "use_encoded_value":
		c.accepts = true
		c.unknown, _ = numpy.Float(a.value("unknown_value"))
	case "infrequent_if_exist", "warn":
		if c.accepts = true; !grouped {
			return
		}
		rare := a.items("_infrequent_indices")
		if a.err != nil || i >= len(rare) {
			a.fail("_infrequent_indices is not of all columns")
			return
		}
		which := a.vectorOf("_infrequent_indices", rare[i], &dim{what: "categories"})
		if a.err == nil && (which[0] < 0 || int(which[0]) >= len(codes)) {
			a.fail("_infrequent_indices has %v in column %d", which[0], i)
		}
		if a.err == nil {
			c.unknown = codes[int(which[0])]
		}
	default:
		a.fail("handle_unknown %.40v is none of scikit-learn's", handle)
	}
}

// without removes one code: it becomes -1, and the codes above it become one less. It
// returns the new code for unknown numbers.
func without(codes []float64, left, unknown float64) float64 {
	less := func(code float64) float64 {
		switch {
		case code == left:
			return -1
		case code > left:
			return code - 1
		}
		return code
	}
	for k := range codes {
		codes[k] = less(codes[k])
	}
	return less(unknown)
}

// fill sets the codes of the categories, and that of NaN.
func (c *encoding) fill(a *attrs, categories, codes []float64, oneHot bool) {
	c.codes = make(map[float64]float64, len(categories))
	for k, v := range categories {
		if v != v {
			if c.nan, c.hasNaN = codes[k], true; !oneHot && a.has("encoded_missing_value") {
				c.nan = a.float("encoded_missing_value")
			}
			continue
		}
		c.codes[v] = codes[k]
	}
}

var errCategory = errors.New("it is none of the categories that the encoder was fitted on")

func (t *encoder) transform(dst, src []float64, _ int, _ *arena) error {
	width := len(t.columns)
	if t.oneHot {
		clear(dst)
	}
	for i, x := range src {
		c := &t.columns[i%width]
		code, known := c.codes[x]
		if x != x {
			code, known = c.nan, c.hasNaN
		}
		if !known && !c.accepts {
			return fmt.Errorf("%w: %w", &inputError{i / width, i % width, x, t.label}, errCategory)
		}
		if !known {
			code = c.unknown
		}
		to := i/width*t.out + c.at
		switch {
		case !t.oneHot:
			dst[to] = code
		case code >= 0:
			dst[to+int(code)] = 1
		}
	}
	return nil
}

// listOf returns the elements of a list, a tuple or an array of one dimension.
func (a *attrs) listOf(name string) []any {
	v := a.value(name)
	switch v.(type) {
	case *pickle.List, *pickle.Tuple:
		return pickle.Items(v)
	default:
		if a.err != nil {
			return nil
		}
		array, err := numpy.Parse(v)
		if err == nil && len(array.Shape) == 1 {
			var items []any
			if items, err = array.Items(a.budget); err == nil {
				return items
			}
		}
		a.fail("%s is no list", name)
		return nil
	}
}
