package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/forest"
	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// histBoosted is HistGradientBoostingClassifier or HistGradientBoostingRegressor. It
// compares and adds in float64.
type histBoosted struct {
	*forest.Values[float64, float64]
	role
	baseline []float64 // the initial prediction of each output
	first    *element  // encodes categories; nil without
	link     link
	exp      bool // a regressor whose prediction is exp of the sum
	byProba  bool // the class is that of the highest probability; false: by the sums
}

// The first versions of HistGradientBoosting that accept NaN, and that decide the class
// by the sums.
const (
	nanInHistograms version = 22
	classBySums     version = 105
)

func loadHistGradientBoostingClassifier(a *attrs) *element {
	m := &histBoosted{role: classifies(a.labels("classes_"), true, true), link: logistic, byProba: a.version < classBySums}
	return a.histBoosted(m, m.scores)
}

func loadHistGradientBoostingRegressor(a *attrs) *element {
	m := &histBoosted{role: regresses}
	switch loss := a.value("loss"); loss {
	case "squared_error", "least_squares", "absolute_error", "least_absolute_deviation", "quantile":
	case "poisson", "gamma":
		m.exp = true
	default:
		a.refuse(fmt.Sprintf("loss %.40v", loss), "use one of scikit-learn's own")
	}
	return a.histBoosted(m, 1)
}

func (a *attrs) histBoosted(m *histBoosted, outputs int) *element {
	for _, name := range []string{"_n_features", "n_features_"} { // before 0.23
		if a.in.n == 0 && a.has(name) {
			a.featuresFrom(name)
		}
	}
	m.baseline = a.vectorOrNumber("_baseline_prediction", exactly(outputs, "outputs"))
	h := histReader{attrs: a}
	if a.optional("_preprocessor") != nil {
		a.histogram = true
		m.first = a.inner("_preprocessor")
		a.histogram = false
		if a.err == nil && (m.first.transformer == nil || m.first.out != a.in.n || !m.first.fits(a.in.n)) {
			a.fail("_preprocessor does not give the %d columns of the trees", a.in.n)
		}
	}
	h.readCategories()
	var trees []forest.ValueTree[float64, float64]
	for i, stage := range a.items("_predictors") {
		list, ok := stage.(*pickle.List)
		if a.err == nil && (!ok || len(list.Items) != outputs) {
			a.fail("stage %d has no %d trees", i, outputs)
		}
		if a.err != nil {
			return nil
		}
		for k, item := range list.Items {
			t, err := h.read(item)
			if err != nil {
				a.fail("stage %d, tree %d: %w", i, k, err)
				return nil
			}
			t.Output = k
			trees = append(trees, t)
		}
	}
	if a.err != nil {
		return nil
	}
	var err error
	if m.Values, err = forest.NewValues(a.in.n, outputs, 1, trees); err != nil {
		a.fail("%w", err)
		return nil
	}
	a.note("trees", len(trees))
	e := &element{role: m.role, predictor: m, accepts: anyNumber, size: m.Size()}
	if a.version < nanInHistograms {
		e.accepts = finite
	}
	return e
}

// histReader reads the trees.
type histReader struct {
	*attrs
	known map[int][]uint32 // per categorical column: a bit set of the categories of the fit
}

// bitsetWords is the length of a bit set of categories 0 to 255, in words of 32 bits.
const bitsetWords = 8

// readCategories reads the categories of each categorical column. They are the
// thresholds of its bins.
func (h *histReader) readCategories() {
	h.known = make(map[int][]uint32)
	if h.version < 24 || h.err != nil {
		return
	}
	mapper := h.inside("_bin_mapper")
	if h.err != nil {
		return
	}
	flags, _ := mapper.Attr("is_categorical_")
	thresholds, _ := mapper.Attr("bin_thresholds_")
	list, ok := thresholds.(*pickle.List)
	columns, err := numpy.Parse(flags)
	var categorical []int64
	if err == nil {
		categorical, err = columns.Ints(h.budget)
	}
	if err != nil || !ok || len(list.Items) != len(categorical) || len(categorical) != h.in.n {
		h.fail("_bin_mapper does not say which columns are of categories")
		return
	}
	for column, is := range categorical {
		if is == 0 {
			continue
		}
		array, err := numpy.Parse(list.Items[column])
		var values []float64
		if err == nil {
			values, err = array.Floats(h.budget)
		}
		if err != nil {
			h.fail("the categories of column %d: %w", column, err)
			return
		}
		seen := make([]uint32, bitsetWords)
		for _, v := range values {
			if !(v >= 0 && v < 32*bitsetWords) {
				h.fail("category %v of column %d is not from 0 to 255", v, column)
				return
			}
			seen[int(v)/32] |= 1 << (int(v) % 32)
		}
		h.known[column] = seen
	}
}

// read reads a TreePredictor.
func (h *histReader) read(v any) (forest.ValueTree[float64, float64], error) {
	var t forest.ValueTree[float64, float64]
	o, ok := v.(*pickle.Object)
	if !ok || o.Class.Name != "TreePredictor" {
		return t, fmt.Errorf("it is no TreePredictor")
	}
	nodes, _ := o.Attr("nodes")
	records, err := numpy.Parse(nodes)
	if err != nil {
		return t, err
	}
	threshold := "num_threshold"
	if h.version < 24 {
		threshold = "threshold"
	}
	var fields [6]numpy.FieldReader
	for i, name := range []string{"left", "right", "feature_idx", threshold, "is_leaf", "value"} {
		if fields[i], err = records.Field(name); err != nil {
			return t, err
		}
	}
	var nanLeft, categorical, position *numpy.FieldReader
	for name, to := range map[string]**numpy.FieldReader{"missing_go_to_left": &nanLeft, "is_categorical": &categorical, "bitset_idx": &position} {
		if f, err := records.Field(name); err == nil {
			*to = &f
		}
	}
	if err := h.budget.Take(112 * records.Len()); err != nil {
		return t, err
	}
	sets, err := h.sets(o)
	if err != nil {
		return t, err
	}
	t.Nodes = make([]forest.ValueNode[float64], records.Len())
	t.Values = make([]float64, records.Len())
	for i := range t.Nodes {
		n := &t.Nodes[i]
		n.Left, n.Right = forest.Leaf, forest.Leaf
		if t.Values[i] = fields[5].Float(i); t.Values[i]-t.Values[i] != 0 {
			return t, fmt.Errorf("node %d has the value %v", i, t.Values[i])
		}
		if fields[4].Float(i) != 0 {
			continue
		}
		n.Left, n.Right, n.Feature = int(fields[0].Float(i)), int(fields[1].Float(i)), int(fields[2].Float(i))
		n.Threshold = fields[3].Float(i)
		n.NaNLeft = nanLeft != nil && nanLeft.Float(i) != 0
		if categorical == nil || categorical.Float(i) == 0 {
			continue
		}
		if n.Categories, err = h.categories(n, sets, int(position.Float(i))); err != nil {
			return t, fmt.Errorf("node %d: %w", i, err)
		}
	}
	return t, nil
}

// sets returns bit sets of the categories that go left, bitsetWords words for each node
// that splits by categories.
func (h *histReader) sets(o *pickle.Object) ([]int64, error) {
	v, ok := o.Attr("raw_left_cat_bitsets")
	if !ok {
		return nil, nil
	}
	array, err := numpy.Parse(v)
	if err != nil {
		return nil, err
	}
	if len(array.Shape) != 2 || array.Shape[1] != bitsetWords {
		return nil, fmt.Errorf("raw_left_cat_bitsets has the shape %v", array.Shape)
	}
	return array.Ints(h.budget)
}

// categories returns the set by which a node splits: the bits of the categories that go
// right. Numbers that are no category of the fit go where NaN goes. The argument at is
// the position in sets.
func (h *histReader) categories(n *forest.ValueNode[float64], sets []int64, at int) (*forest.Set, error) {
	known := h.known[n.Feature]
	if known == nil || at < 0 || (at+1)*bitsetWords > len(sets) {
		return nil, fmt.Errorf("the categories of column %d, set %d, are not there", n.Feature, at)
	}
	s := &forest.Set{Bits: make([]uint32, bitsetWords), Inverted: true, Others: n.NaNLeft}
	for i := range s.Bits {
		left := uint32(sets[at*bitsetWords+i])
		if s.Bits[i] = ^left; n.NaNLeft {
			s.Bits[i] = known[i] &^ left
		}
	}
	return s, nil
}

func (m *histBoosted) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	if m.first != nil {
		encoded := a.take(len(x))
		if err := m.first.transform(encoded, x, n, a); err != nil {
			return err
		}
		x = encoded
	}
	regressor := m.kind == predict.Regressor
	sums := out.score
	if regressor {
		sums = out.pred
	}
	if sums == nil {
		sums = a.take(n * m.Outputs())
	}
	for i := range sums {
		sums[i] = m.baseline[i%len(m.baseline)]
	}
	m.Add(sums, x, m.Trees())
	if regressor {
		if m.exp {
			for i, s := range sums {
				sums[i] = libm.Exp(s)
			}
		}
		return nil
	}
	proba := out.proba
	if proba == nil && m.byProba {
		proba = a.take(n * m.probabilities)
	}
	if proba != nil {
		m.link.each(proba, sums, n)
	}
	switch {
	case out.pred == nil:
	case m.byProba:
		mostProbable(out.pred, proba)
	default:
		decide(out.pred, sums)
	}
	return nil
}
