package sklearn

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
)

// selected returns some columns of its rows.
type selected struct {
	columns []int
	width   int // columns of the input
}

func (s *selected) transform(dst, src []float64, _ int, _ *arena) error {
	pick(dst, src, s.columns, s.width)
	return nil
}

// mask returns an element that selects the columns for which keep is true. It is as
// long as the estimator has columns.
func (a *attrs) mask(keep []bool) *element {
	s := &selected{width: a.in.n}
	for i, k := range keep {
		if k {
			s.columns = append(s.columns, i)
		}
	}
	if a.err == nil && len(s.columns) == 0 {
		a.fail("no column is selected: nothing comes out")
	}
	return &element{transformer: s, out: len(s.columns), size: 8 * len(s.columns)}
}

// loadSupport loads a selection whose mask is in the file.
func loadSupport(a *attrs) *element {
	name := "support_"
	if a.has("_support") {
		name = "_support"
	}
	return a.mask(above(a.vector(name, &a.in), 0.5))
}

// selectedRows is RFE or RFECV. They select columns, and predict with an estimator that
// was fitted on these columns.
type selectedRows struct {
	selected
	inner *element
}

func loadElimination(a *attrs) *element {
	e := loadSupport(a)
	if a.err != nil {
		return nil
	}
	// An estimator that cannot be read is no error: RFE may only select here.
	inner, _, err := a.estimator(a.optional("estimator_"), a.step)
	if err != nil || inner.predictor == nil || !inner.fits(e.out) {
		return e
	}
	e.transformer = &selectedRows{*e.transformer.(*selected), inner}
	e.size += inner.size
	return e
}

func (s *selectedRows) scoringRole() role { return s.inner.role }

func (s *selectedRows) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	x = pick(a.take(n*len(s.columns)), x, s.columns, s.width)
	return amongColumns(s.inner.predict(out, x, n, a), s.columns)
}

// above returns for each number whether it is above the limit.
func above(v []float64, limit float64) []bool {
	keep := make([]bool, len(v))
	for i, f := range v {
		keep[i] = f > limit
	}
	return keep
}

func loadVarianceThreshold(a *attrs) *element {
	e := a.mask(above(a.vectorOrNaN("variances_", &a.in), a.finite("threshold")))
	if a.version >= 22 {
		e.accepts = anyNumber
	}
	return e
}

func loadSelectKBest(a *attrs) *element      { return a.mask(a.best(a.value("k"))) }
func loadSelectPercentile(a *attrs) *element { return a.mask(a.percentile(a.value("percentile"))) }
func loadSelectFpr(a *attrs) *element        { return a.mask(a.belowAlpha("fpr", a.value("alpha"))) }
func loadSelectFdr(a *attrs) *element        { return a.mask(a.belowAlpha("fdr", a.value("alpha"))) }
func loadSelectFwe(a *attrs) *element        { return a.mask(a.belowAlpha("fwe", a.value("alpha"))) }

func loadGenericSelect(a *attrs) *element {
	param := a.value("param")
	switch mode := a.text("mode"); mode {
	case "k_best":
		return a.mask(a.best(param))
	case "percentile":
		return a.mask(a.percentile(param))
	default:
		return a.mask(a.belowAlpha(mode, param))
	}
}

// scores returns scores_. NaN becomes the smallest number, as in scikit-learn.
func (a *attrs) scores() []float64 {
	scores := a.vectorOrNaN("scores_", &a.in)
	for i, s := range scores {
		if s != s {
			scores[i] = -math.MaxFloat64
		}
	}
	return scores
}

// best selects the k columns with the highest scores. Of columns with equal scores it
// prefers the last.
func (a *attrs) best(k any) []bool {
	scores := a.scores()
	keep := make([]bool, len(scores))
	if k == any("all") {
		return above(scores, math.Inf(-1))
	}
	n, ok := a.number(k)
	if a.err == nil && (!ok || n < 0 || n != math.Trunc(n)) {
		a.fail("k is %v", k)
	}
	if a.err != nil {
		return keep
	}
	for _, i := range descending(scores, false)[:int(min(n, float64(len(scores))))] {
		keep[i] = true
	}
	return keep
}

// descending returns the positions of the numbers, from the highest to the lowest. First
// says whether equal numbers stay in order or are reversed.
func descending(v []float64, first bool) []int {
	order := make([]int, len(v))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		switch {
		case v[i] > v[j]:
			return -1
		case v[i] < v[j]:
			return 1
		case first:
			return i - j
		}
		return j - i
	})
	return order
}

// percentile selects a percentage of the columns, those with the highest scores.
func (a *attrs) percentile(param any) []bool {
	scores := a.scores()
	percent, ok := a.number(param)
	if a.err == nil && !(ok && percent >= 0 && percent <= 100) {
		a.fail("percentile is %v", param)
	}
	switch {
	case a.err != nil || percent == 0:
		return make([]bool, len(scores))
	case percent == 100:
		return above(scores, math.Inf(-1))
	}
	sorted := slices.Clone(scores)
	slices.Sort(sorted)
	threshold := percentileOf(sorted, 100-percent)
	keep, kept := above(scores, threshold), 0
	for _, k := range keep {
		if k {
			kept++
		}
	}
	most := int(float64(len(scores)) * percent / 100)
	for i, s := range scores {
		if s == threshold && kept < most {
			keep[i] = true
			kept++
		}
	}
	return keep
}

// percentileOf is numpy.percentile of sorted numbers, with linear interpolation.
func percentileOf(sorted []float64, percent float64) float64 {
	at := percent / 100 * float64(len(sorted)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	t, d := at-float64(low), sorted[high]-sorted[low]
	if t >= 0.5 {
		return sorted[high] - d*(1-t)
	}
	return sorted[low] + d*t
}

// belowAlpha selects the columns whose p-value is below a limit. The limit is computed
// from alpha as mode says: fpr, fwe or fdr.
func (a *attrs) belowAlpha(mode string, param any) []bool {
	p := a.vectorOrNaN("pvalues_", &a.in)
	alpha, ok := a.number(param)
	if a.err == nil && !ok {
		a.fail("alpha is %v", param)
	}
	n := float64(len(p))
	keep := make([]bool, len(p))
	switch mode {
	case "fpr":
	case "fwe":
		alpha /= n
	case "fdr":
		sorted := slices.Clone(p)
		slices.Sort(sorted)
		limit := math.Inf(-1)
		for i, v := range sorted {
			if v <= alpha/n*float64(i+1) {
				limit = max(limit, v)
			}
		}
		for i, v := range p {
			keep[i] = v <= limit
		}
		return keep
	default:
		a.fail("mode %.40q is none of scikit-learn's", mode)
	}
	for i, v := range p {
		keep[i] = v < alpha
	}
	return keep
}

// loadSelectFromModel selects the columns whose importance is at least a threshold. The
// importances come from the coefficients or the trees of an estimator.
func loadSelectFromModel(a *attrs) *element {
	inner := a.importanceSource()
	if a.err != nil {
		return nil
	}
	importances := inner.importances(a.optional("norm_order"))
	if a.err = inner.err; a.err != nil || !a.agree("the importances", &a.in, len(importances)) {
		return nil
	}
	threshold := a.importanceThreshold(inner, importances)
	keep := make([]bool, len(importances))
	most := len(importances)
	if a.has("max_features_") || a.has("max_features") {
		name := "max_features"
		if a.has("max_features_") {
			name = "max_features_"
		}
		most = min(most, a.count(name))
	}
	for _, i := range descending(importances, true)[:most] {
		keep[i] = importances[i] >= threshold
	}
	e := a.mask(keep)
	// Since 1.0 a selector accepts any number if its estimator accepts NaN.
	if a.version >= 100 && inner.readsNaN() {
		e.accepts = anyNumber
	}
	return e
}

// readsNaN reports whether the estimator predicts rows with NaN.
func (a *attrs) readsNaN() bool {
	switch {
	case strings.HasPrefix(a.class, "HistGradientBoosting"):
		return true
	case strings.Contains(a.class, "Tree"), strings.HasPrefix(a.class, "RandomForest"):
		return a.numbersInTrees(a.has("tree_")) == finite32OrNaN
	}
	return false
}

// importanceThreshold reads the threshold: a number, or a multiple of the mean or the
// median of the importances. Its default depends on the estimator.
func (a *attrs) importanceThreshold(inner *attrs, importances []float64) float64 {
	v := a.value("threshold")
	if f, ok := a.number(v); ok {
		return f
	}
	text, ok := v.(string)
	if v == nil {
		if text, ok = "mean", true; inner.selectsBySparsity() {
			return 1e-5
		}
	}
	scale := 1.0
	if before, after, found := strings.Cut(text, "*"); found {
		var err error
		if scale, err = strconv.ParseFloat(strings.TrimSpace(before), 64); err != nil {
			ok = false
		}
		text = strings.TrimSpace(after)
	}
	switch {
	case ok && text == "mean":
		return scale * (pairwiseSum(importances) / float64(len(importances)))
	case ok && text == "median":
		sorted := slices.Clone(importances)
		slices.Sort(sorted)
		return scale * percentileOf(sorted, 50)
	}
	a.fail("threshold %.40v is none of scikit-learn's", fmt.Sprint(v))
	return 0
}

// selectsBySparsity reports whether the estimator is fitted with an L1 penalty, which
// sets the coefficients of useless columns to 0.
func (a *attrs) selectsBySparsity() bool {
	ratio := "l1_ratio"
	if strings.HasSuffix(a.class, "CV") {
		ratio = "l1_ratio_"
	}
	is := a.optional("penalty") == any("l1") || strings.Contains(a.class, "Lasso")
	if v := a.optional(ratio); !is && v != nil && a.version >= 102 {
		switch a.class {
		case "ElasticNet", "ElasticNetCV", "LogisticRegression", "LogisticRegressionCV":
			f, err := numpy.Float(v)
			is = err == nil && math.Abs(f-1) < 1e-5 && (a.version >= 108 || strings.HasPrefix(a.class, "Elastic"))
		}
	}
	return is
}
