package sklearn

import (
	"fmt"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
)

// targetEncoder is TargetEncoder. The categories must be numbers. A category is replaced by
// the mean of the target in its rows. For more than two classes there is a column for each
// class, the share of that class.
type targetEncoder struct {
	columns []map[float64]int // per column: the positions of its categories
	nan     []int             // per column: the position of NaN; -1 if it is no category
	values  [][]float64       // per column of the output: by position of the category
	unknown []float64         // per class: replaces a number that is no category
}

func loadTargetEncoder(a *attrs) *element {
	t := &targetEncoder{}
	lists := a.listOf("categories_")
	if a.err != nil || !a.agree("categories_", &a.in, len(lists)) {
		return nil
	}
	t.unknown = []float64{0}
	if _, err := numpy.Parse(a.value("target_mean_")); err == nil {
		t.unknown = a.vector("target_mean_", &dim{what: "classes"})
	} else {
		t.unknown[0] = a.finite("target_mean_")
	}
	encodings := a.listOf("encodings_")
	if a.err == nil && len(encodings) != len(lists)*len(t.unknown) {
		a.fail("encodings_ is of %d columns, where there are %d of %d classes", len(encodings), len(lists), len(t.unknown))
	}
	for i, v := range lists {
		categories := a.categoriesOf(i, v)
		if a.err != nil {
			return nil
		}
		known, nan := make(map[float64]int, len(categories)), -1
		for k, c := range categories {
			if known[c] = k; c != c {
				nan = k
			}
		}
		t.columns, t.nan = append(t.columns, known), append(t.nan, nan)
		for c := range t.unknown {
			at := i*len(t.unknown) + c
			t.values = append(t.values, a.vectorOf(fmt.Sprintf("encodings_[%d]", at), encodings[at], exactly(len(categories), "categories")))
		}
	}
	return &element{transformer: t, out: len(encodings), accepts: finiteOrNaN, size: 64 * len(encodings)}
}

func (t *targetEncoder) transform(dst, src []float64, _ int, _ *arena) error {
	classes := len(t.unknown)
	for i, x := range src {
		column := i % len(t.columns)
		at, known := t.columns[column][x]
		if x != x {
			at, known = t.nan[column], t.nan[column] >= 0
		}
		for c, mean := range t.unknown {
			if known {
				mean = t.values[column*classes+c][at]
			}
			dst[i*classes+c] = mean
		}
	}
	return nil
}
