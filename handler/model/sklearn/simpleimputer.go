package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
)

// simpleImputer is sklearn.impute.SimpleImputer: a number in place of each
// that is missing, columns without any left out, and perhaps, after the others,
// a column for each that had missing ones when fitted, 1 where it is missing.
type simpleImputer struct {
	missing    float64 // the number that stands for a missing one; perhaps NaN
	columns    []int   // kept
	statistics []float64
	indicators []int // columns for which there is an indicator
	width      int
}

func loadSimpleImputer(a *attrs) *element {
	missing, err := numpy.Float(a.value("missing_values"))
	if err != nil {
		a.refuse("missing_values that are no number", "use numpy.nan")
	}
	s := &simpleImputer{missing: missing}
	statistics := a.vectorOrNaN("statistics_", &a.in)
	s.width = len(statistics)
	keep := a.boolOr("keep_empty_features", false) || a.version < 108 && a.value("strategy") == any("constant")
	for i, v := range statistics {
		if keep || !math.IsNaN(v) {
			s.columns = append(s.columns, i)
			s.statistics = append(s.statistics, v)
		}
	}
	if a.boolOr("add_indicator", false) {
		s.indicators = a.indicators(s.width)
	}
	if a.err == nil && len(s.columns)+len(s.indicators) == 0 {
		a.fail("no column had a value when it was fitted: nothing comes out")
	}
	e := &element{transformer: s, out: len(s.columns) + len(s.indicators), size: 24 * s.width}
	if math.IsNaN(missing) {
		e.accepts = finiteOrNaN
	}
	return e
}

// indicators are the columns of the MissingIndicator inside.
func (a *attrs) indicators(width int) []int {
	indicator := a.inside("indicator_")
	if indicator == nil {
		return nil
	}
	v, _ := indicator.Attr("features_")
	columns, err := a.ints(v)
	if err != nil {
		a.fail("indicator_: %w", err)
	}
	a.checkColumns(columns, width)
	return columns
}

func (s *simpleImputer) isMissing(x float64) bool {
	return x == s.missing || x != x && s.missing != s.missing
}

func (s *simpleImputer) transform(dst, src []float64, n int, _ *arena) error {
	for ; n > 0; n-- {
		row := src[:s.width]
		src = src[s.width:]
		for i, column := range s.columns {
			dst[i] = row[column]
			if s.isMissing(dst[i]) {
				dst[i] = s.statistics[i]
			}
		}
		dst = dst[len(s.columns):]
		for i, column := range s.indicators {
			dst[i] = 0
			if s.isMissing(row[column]) {
				dst[i] = 1
			}
		}
		dst = dst[len(s.indicators):]
	}
	return nil
}
