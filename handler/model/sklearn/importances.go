package sklearn

import (
	"math"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// importanceSource returns the attributes of the estimator that SelectFromModel takes
// importances from.
func (a *attrs) importanceSource() *attrs {
	getter := a.optional("importance_getter")
	if getter != nil && getter != any("auto") {
		a.refuse("importance_getter", "leave it 'auto'")
	}
	name := "estimator_"
	if !a.has(name) {
		name = "estimator" // with prefit=True
	}
	o := a.inside(name)
	if a.err != nil {
		return nil
	}
	return &attrs{loader: a.loader, object: o, class: o.Class.Name, step: a.step, version: a.version}
}

// importances returns the norms of coef_, or feature_importances_, which scikit-learn
// does not store but computes from the trees.
func (a *attrs) importances(norm any) []float64 {
	if a.has("coef_") {
		return a.coefficientNorms(norm)
	}
	a.fittedOn()
	if a.in.n == 0 && a.has("n_features_") {
		a.featuresFrom("n_features_")
	}
	var trees []any
	all := false // only the sum over all trees is normalised
	switch {
	case a.has("tree_"):
		trees = []any{a.object}
	case strings.HasPrefix(a.class, "GradientBoosting"):
		trees = a.objects("estimators_", 0)
		all = true
	case strings.HasPrefix(a.class, "RandomForest"), strings.HasPrefix(a.class, "ExtraTrees"):
		trees = a.items("estimators_")
	default:
		a.refuse("no coef_ nor trees", "select by a linear model or a forest")
	}
	if a.err != nil {
		return nil
	}
	sum := make([]float64, a.in.n)
	for i, v := range trees {
		one := a.treeImportances(i, v)
		if a.err != nil {
			return nil
		}
		if len(trees) > 1 && !all {
			normalise(one)
		}
		for j, f := range one {
			sum[j] += f
		}
	}
	for j := range sum {
		sum[j] /= float64(max(1, len(trees)))
	}
	normalise(sum)
	return sum
}

// normalise makes numbers add up to 1, unless they are all 0.
func normalise(v []float64) {
	if sum := pairwiseSum(v); sum > 0 {
		for i := range v {
			v[i] /= sum
		}
	}
}

// treeImportances is compute_feature_importances of tree_: for each column, by how much
// its splits lower the impurity.
func (a *attrs) treeImportances(i int, v any) []float64 {
	importances := make([]float64, a.in.n)
	o, ok := v.(*pickle.Object)
	var inner any
	if ok {
		inner, _ = o.Attr("tree_")
	}
	tree, ok := inner.(*pickle.Object)
	if !ok {
		a.fail("tree %d has no tree_", i)
		return nil
	}
	nodes, _ := tree.Attr("nodes")
	records, err := numpy.Parse(nodes)
	var fields [5]numpy.FieldReader
	for k, name := range []string{"left_child", "right_child", "feature", "impurity", "weighted_n_node_samples"} {
		if err == nil {
			fields[k], err = records.Field(name)
		}
	}
	if err != nil || records.Len() == 0 {
		a.fail("tree %d has no nodes", i)
		return nil
	}
	count := float64(records.Len())
	weighted := func(i float64) float64 { return fields[4].Float(int(i)) * fields[3].Float(int(i)) }
	for n := range records.Len() {
		left, right, feature := fields[0].Float(n), fields[1].Float(n), fields[2].Float(n)
		if left == -1 {
			continue
		}
		if !(left > 0 && left < count && right > 0 && right < count && feature >= 0 && feature < float64(a.in.n)) {
			a.fail("tree %d, node %d: a child or feature that is not there", i, n)
			return nil
		}
		importances[int(feature)] += weighted(float64(n)) - weighted(left) - weighted(right)
	}
	if root := fields[4].Float(0); root > 0 {
		for j := range importances {
			importances[j] /= root
		}
	}
	a.checkFinite("the importances", importances)
	return importances
}

// coefficientNorms returns the norm of each column of coef_. The order of the norm is 1
// by default.
func (a *attrs) coefficientNorms(norm any) []float64 {
	shape, coef := a.array("coef_")
	a.checkFinite("coef_", coef)
	order, ok := a.number(norm)
	if norm == nil {
		order, ok = 1, true
	}
	if a.err == nil && (!ok || order <= 0 || len(coef) == 0) {
		a.fail("norm_order is %v", norm)
	}
	if a.err != nil {
		return nil
	}
	width := shape[len(shape)-1]
	norms := make([]float64, width)
	for j := range norms {
		for i := j; i < len(coef); i += width {
			c := math.Abs(coef[i])
			switch {
			case math.IsInf(order, 1):
				norms[j] = max(norms[j], c)
			case order == 1 || len(coef) == width:
				norms[j] += c
			default:
				norms[j] += math.Pow(c, order)
			}
		}
		if order != 1 && !math.IsInf(order, 1) && len(coef) != width {
			norms[j] = math.Pow(norms[j], 1/order)
		}
	}
	return norms
}
