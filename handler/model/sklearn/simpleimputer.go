package sklearn

import (
	"math"
)

// simpleImputer is sklearn.impute.SimpleImputer. It replaces missing numbers by the
// statistic of their column, and leaves out columns that had no number in the fit. With
// add_indicator it appends a column for each column with missing numbers in the fit.
type simpleImputer struct {
	missing
	columns    []int     // the columns of the output
	statistics []float64 // per such column: the number that replaces a missing one
	indicators []int     // columns with an indicator of missing numbers
	width      int       // columns of the input
}

func loadSimpleImputer(a *attrs) *element {
	s := &simpleImputer{missing: a.missingValues()}
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
	return &element{transformer: s, accepts: s.accepts(), out: len(s.columns) + len(s.indicators), size: 24 * s.width}
}

// indicators returns the columns of the MissingIndicator in the attribute indicator_.
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

func (s *simpleImputer) transform(dst, src []float64, n int, _ *arena) error {
	for ; n > 0; n-- {
		row := src[:s.width]
		src = src[s.width:]
		for i, column := range s.columns {
			dst[i] = row[column]
			if s.is(dst[i]) {
				dst[i] = s.statistics[i]
			}
		}
		dst = dst[len(s.columns):]
		s.indicate(dst, row, s.indicators)
		dst = dst[len(s.indicators):]
	}
	return nil
}
