package sklearn

import (
	"math"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
)

// missing is the number that marks a missing one. It may be NaN.
type missing float64

// missingValues reads missing_values.
func (a *attrs) missingValues() missing {
	f, err := numpy.Float(a.value("missing_values"))
	if err != nil {
		a.refuse("missing_values that are no number", "use numpy.nan")
	}
	return missing(f)
}

func (m missing) is(x float64) bool { return x == float64(m) || x != x && m != m }

// accepts returns the numbers that an imputer accepts.
func (m missing) accepts() numbers {
	if m != m {
		return finiteOrNaN
	}
	return finite
}

// indicate sets dst[i] to 1 if columns[i] of the row is missing, else to 0.
func (m missing) indicate(dst, row []float64, columns []int) {
	for i, column := range columns {
		dst[i] = 0
		if m.is(row[column]) {
			dst[i] = 1
		}
	}
}

// knnImputer is sklearn.impute.KNNImputer. It replaces a missing number by the mean of
// the column in the k nearest fitted rows in which the column is not missing.
type knnImputer struct {
	missing
	fitted     []float64 // row-major; 0 where a number is missing
	absent     []bool    // like fitted: whether the number is missing
	squares    []float64 // per fitted row: |row|²
	width, k   int       // columns of a row, and n_neighbors
	byDistance bool      // neighbours are weighted by 1/distance
	skipsFar   bool      // since 1.6: a fitted row that shares no column with the row is no neighbour
	columns    []int     // the columns of the output
	empty      []bool    // per column: it has no number in the fitted rows
	means      []float64 // per column
	indicators []int     // columns with an indicator of missing numbers
}

func loadKNNImputer(a *attrs) *element {
	rows := &dim{what: "rows"}
	t := &knnImputer{missing: a.missingValues(), k: a.count("n_neighbors"), skipsFar: a.version >= 106}
	if a.value("metric") != any("nan_euclidean") {
		a.refuse("a metric of your own", "use metric='nan_euclidean'")
	}
	switch a.value("weights") {
	case "uniform":
	case "distance":
		t.byDistance = true
	default:
		a.refuse("weights by a function", "use weights='uniform' or 'distance'")
	}
	if a.err == nil {
		t.fitted = a.matrixOrNaN("_fit_X", a.value("_fit_X"), rows, &a.in)
	}
	mask := a.matrix("_mask_fit_X", rows, &a.in)
	if a.err != nil {
		return nil
	}
	t.width, t.k = a.in.n, min(t.k, rows.n)
	t.prepare(a, mask, a.boolOr("keep_empty_features", false))
	if a.boolOr("add_indicator", false) {
		t.indicators = a.indicators(t.width)
	}
	if a.err == nil && len(t.columns)+len(t.indicators) == 0 {
		a.fail("no column had a value when it was fitted: nothing comes out")
	}
	return &element{transformer: t, accepts: t.accepts(), out: len(t.columns) + len(t.indicators), size: 10 * len(t.fitted)}
}

// prepare sets the fields that depend on which numbers of the fitted rows are missing.
func (t *knnImputer) prepare(a *attrs, mask []float64, keepEmpty bool) {
	t.absent = above(mask, 0.5)
	for i, v := range t.fitted {
		if t.absent[i] {
			t.fitted[i] = 0
		} else if v-v != 0 {
			a.fail("_fit_X has a %v", v)
			return
		}
	}
	count := len(t.fitted) / t.width
	for i := range count {
		row := t.fitted[i*t.width : (i+1)*t.width]
		t.squares = append(t.squares, rowNorm(row))
	}
	t.empty, t.means = make([]bool, t.width), make([]float64, t.width)
	for j := range t.width {
		sum, n := 0.0, 0.0
		for i := range count {
			if !t.absent[i*t.width+j] {
				sum += t.fitted[i*t.width+j]
				n++
			}
		}
		if t.empty[j] = n == 0; !t.empty[j] {
			t.means[j] = sum / n
		}
		if !t.empty[j] || keepEmpty {
			t.columns = append(t.columns, j)
		}
	}
}

func (t *knnImputer) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	count := len(t.squares)
	distances, filled, known := a.take(count), a.take(t.width), a.take(t.width)
	near := neighbours{distance: a.take(t.k), row: a.take(t.k)}
	for i := range n {
		row := src[i*t.width : (i+1)*t.width]
		gaps := false
		for j, x := range row {
			known[j] = x
			if t.is(x) {
				known[j], gaps = 0, gaps || !t.empty[j]
			}
		}
		copy(filled, row)
		if gaps {
			t.distances(distances, row, known)
		}
		for j, x := range row {
			switch {
			case t.empty[j]:
				filled[j] = 0
			case t.is(x):
				filled[j] = t.mean(j, distances, &near)
			}
		}
		out := dst[i*(len(t.columns)+len(t.indicators)):]
		for k, j := range t.columns {
			out[k] = filled[j]
		}
		t.indicate(out[len(t.columns):], row, t.indicators)
	}
	return nil
}

// distances is nan_euclidean_distances from a row to all fitted rows: over the columns
// that both rows have, scaled up to all columns. It is NaN if they share no column. Known
// is the row with 0 in place of missing numbers.
func (t *knnImputer) distances(dst, row, known []float64) {
	xx := rowNorm(known)
	for i := range dst {
		fitted := t.fitted[i*t.width : (i+1)*t.width]
		d := max(0, xx-2*dot(known, fitted)+t.squares[i])
		shared, alone, missed := 0, 0.0, 0.0
		for j, x := range row {
			switch gone := t.absent[i*t.width+j]; {
			case t.is(x):
				missed += float64(fitted[j] * fitted[j])
			case gone:
				alone += float64(known[j] * known[j])
			default:
				shared++
			}
		}
		d = max(0, d-alone-missed)
		if dst[i] = math.NaN(); shared > 0 {
			dst[i] = math.Sqrt(d / float64(shared) * float64(t.width))
		}
	}
}

// mean returns the mean of column j in the nearest fitted rows in which it is not
// missing.
func (t *knnImputer) mean(j int, distances []float64, near *neighbours) float64 {
	donors, reached := 0, 0
	for i, d := range distances {
		if !t.absent[i*t.width+j] {
			donors++
			if d == d {
				reached++
			}
		}
	}
	if reached == 0 {
		return t.means[j]
	}
	k := min(t.k, donors)
	part := neighbours{distance: near.distance[:min(k, reached)], row: near.row[:min(k, reached)]}
	part.reset()
	far := make([]int, 0, 8)
	for i, d := range distances {
		switch {
		case t.absent[i*t.width+j]:
		case d != d:
			if len(far) < k-len(part.distance) {
				far = append(far, i)
			}
		case d < part.distance[0]:
			part.push(d, i)
		}
	}
	part.sort()
	zero := part.distance[0] == 0
	sum, total := 0.0, 0.0
	for m, at := range part.row {
		w := 1.0
		switch {
		case t.byDistance && zero && part.distance[m] != 0:
			w = 0
		case t.byDistance && !zero:
			w = 1 / part.distance[m]
		}
		sum += float64(t.fitted[int(at)*t.width+j] * w)
		total += w
	}
	if !t.byDistance && !t.skipsFar {
		for _, i := range far {
			sum += t.fitted[i*t.width+j]
			total++
		}
	}
	return sum / total
}

// missingIndicator is sklearn.impute.MissingIndicator: for each of some columns, 1 if the
// number is missing and 0 if not.
type missingIndicator struct {
	missing
	columns []int
	others  []int // columns in which a missing number is an error
	width   int
	label   string
}

func loadMissingIndicator(a *attrs) *element {
	if a.in.n == 0 {
		a.featuresFrom("_n_features")
	}
	t := &missingIndicator{missing: a.missingValues(), width: a.in.n, label: a.class + inStep(a.step)}
	if v := a.value("features_"); a.err == nil {
		var err error
		if t.columns, err = a.ints(v); err != nil {
			a.fail("features_: %w", err)
		}
	}
	a.checkColumns(t.columns, t.width)
	if a.err == nil && len(t.columns) == 0 {
		a.fail("features_ is empty: nothing comes out")
	}
	if a.value("features") == any("missing-only") && a.bool("error_on_new") && a.err == nil {
		has := make([]bool, t.width)
		for _, c := range t.columns {
			has[c] = true
		}
		for j, h := range has {
			if !h {
				t.others = append(t.others, j)
			}
		}
	}
	return &element{transformer: t, accepts: t.accepts(), out: len(t.columns), size: 8 * t.width}
}

func (t *missingIndicator) transform(dst, src []float64, n int, _ *arena) error {
	for i := range n {
		row := src[i*t.width : (i+1)*t.width]
		for _, j := range t.others {
			if t.is(row[j]) {
				return &inputError{row: i, column: j, value: row[j], label: t.label}
			}
		}
		t.indicate(dst[i*len(t.columns):(i+1)*len(t.columns)], row, t.columns)
	}
	return nil
}
