package sklearn

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// iterativeImputer is sklearn.impute.IterativeImputer. A SimpleImputer fills all missing
// numbers. Then regressors predict the missing numbers of one column after the other
// from the other columns.
type iterativeImputer struct {
	missing
	first      *element     // the SimpleImputer
	rounds     []imputation // in the order of their application
	columns    []int        // the columns that the SimpleImputer returns
	least      []float64    // per such column: the lowest number that is filled in
	most       []float64    // per such column: the highest
	indicators []int        // columns with an indicator of missing numbers
	width      int          // columns of the input
}

// imputation is a regressor that predicts one column. Columns are counted in the output
// of the SimpleImputer.
type imputation struct {
	*element
	column int   // the column that it predicts
	by     []int // the columns that it takes
}

func loadIterativeImputer(a *attrs) *element {
	t := &iterativeImputer{missing: a.missingValues()}
	if a.bool("sample_posterior") {
		a.refuse("sample_posterior=True", "fit it with False: otherwise it fills in random numbers")
	}
	t.first = a.nested("initial_imputer_", a.value("initial_imputer_"))
	if a.err != nil {
		return nil
	}
	simple, ok := t.first.transformer.(*simpleImputer)
	if !ok {
		a.fail("initial_imputer_ is no SimpleImputer")
		return nil
	}
	if t.width = t.first.in; !a.agree("initial_imputer_", &a.in, t.width) {
		return nil
	}
	t.columns = simple.columns
	kept := exactly(len(t.columns), "columns")
	t.least, t.most = a.limits("_min_value", "min_value", math.Inf(-1), kept), a.limits("_max_value", "max_value", math.Inf(1), kept)
	if a.int("n_iter_") != 0 {
		for i, v := range a.items("imputation_sequence_") {
			t.rounds = append(t.rounds, a.imputation(fmt.Sprint(i), v, kept.n))
			if a.err != nil {
				return nil
			}
		}
	}
	if a.boolOr("add_indicator", false) {
		t.indicators = a.indicators(t.width)
	}
	if len(simple.indicators) > 0 {
		a.fail("initial_imputer_ has indicators")
	}
	e := &element{transformer: t, accepts: t.accepts(), out: kept.n + len(t.indicators), size: t.first.size}
	for _, r := range t.rounds {
		e.size += r.size + 8*len(r.by) + elementSize
	}
	return e
}

// limits reads the lowest or the highest numbers that are filled in. In the file there
// is one for each column, one for all, or none.
func (a *attrs) limits(name, parameter string, otherwise float64, columns *dim) []float64 {
	if !a.has(name) {
		name = parameter
	}
	if v := a.optional(name); v != nil {
		var one bool
		if otherwise, one = a.number(v); !one {
			return a.vectorOrNaN(name, columns)
		}
	}
	all := make([]float64, columns.n)
	for i := range all {
		all[i] = otherwise
	}
	return all
}

func (a *attrs) imputation(name string, v any, columns int) imputation {
	m := imputation{}
	var triple []any
	switch v := v.(type) {
	case *pickle.Object: // a named tuple
		triple = v.Args
	case *pickle.Tuple: // as skops writes it
		triple = v.Items
	}
	if len(triple) != 3 {
		a.fail("imputation_sequence_ has no triple at %s", name)
		return m
	}
	column, ok := a.number(triple[0])
	by, err := a.ints(triple[1])
	m.element = a.nested(name, triple[2])
	switch {
	case a.err != nil:
	case !ok || err != nil:
		a.fail("imputation %s does not say its columns", name)
	case m.predictor == nil || m.kind != predict.Regressor || !m.fits(len(by)):
		a.fail("%s is no regressor of %d columns", m.label, len(by))
	}
	m.column, m.by = int(column), by
	a.checkColumns(append([]int{m.column}, by...), columns)
	return m
}

func (t *iterativeImputer) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	kept := len(t.columns)
	filled := a.take(n * kept)
	if err := t.first.transform(filled, src, n, a); err != nil {
		return err
	}
	for i := range n {
		row := src[i*t.width : (i+1)*t.width]
		values := filled[i*kept : (i+1)*kept]
		for _, r := range t.rounds {
			if !t.is(row[t.columns[r.column]]) {
				continue
			}
			if err := t.impute(values, r, a); err != nil {
				return err
			}
		}
		out := dst[i*(kept+len(t.indicators)):]
		copy(out[:kept], values)
		t.indicate(out[kept:], row, t.indicators)
	}
	return nil
}

// impute predicts one of values from the others.
func (t *iterativeImputer) impute(values []float64, r imputation, a *arena) error {
	defer a.release(a.used)
	by, predicted := a.take(len(r.by)), a.take(1)
	for k, j := range r.by {
		by[k] = values[j]
	}
	if err := r.predict(outcome{pred: predicted}, by, 1, a); err != nil {
		return err
	}
	values[r.column] = max(t.least[r.column], min(t.most[r.column], predicted[0]))
	return nil
}
