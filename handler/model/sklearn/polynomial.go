package sklearn

import (
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// polynomial is sklearn.preprocessing.PolynomialFeatures: products of columns.
type polynomial struct {
	width    int
	products []productOf // the first is the constant 1
	out      []int       // the positions of the products that are columns of the output
}

// productOf is an earlier product, given by its position, times a column.
type productOf struct{ before, column int }

func loadPolynomial(a *attrs) *element {
	if a.in.n == 0 {
		a.featuresFrom("n_input_features_")
	}
	low, high := 0, 0
	switch degree := a.value("degree").(type) {
	case int64:
		high = int(max(-1, min(degree, 1<<20)))
	case *pickle.Tuple, *pickle.List:
		from, to := a.pair("degree")
		low, high = int(max(-1, min(from, 1<<20))), int(max(-1, min(to, 1<<20)))
	}
	if a.err == nil && (low < 0 || low > high) {
		a.fail("degree is from %d to %d", low, high)
	}
	t := &polynomial{width: a.in.n, products: []productOf{{}}}
	if a.bool("include_bias") {
		t.out = append(t.out, 0)
	}
	distinct := a.bool("interaction_only")
	for degree, begin := 1, 0; degree <= high && a.err == nil; degree++ {
		end := len(t.products)
		if a.version < 22 {
			t.append(a, begin, end, distinct)
		} else {
			t.prepend(a, begin, end, distinct)
		}
		for i := end; i < len(t.products) && degree >= low; i++ {
			t.out = append(t.out, i)
		}
		if begin = end; begin == len(t.products) { // interaction_only: there are no more products
			break
		}
	}
	if a.err == nil && len(t.out) == 0 {
		a.fail("no column comes out")
	}
	return &element{transformer: t, out: len(t.out), size: 24 * len(t.products)}
}

func (t *polynomial) add(a *attrs, p productOf) bool {
	if len(t.products) > maxFeatures {
		a.fail("over %d products", maxFeatures)
	} else if err := a.budget.Take(64); err != nil {
		a.fail("%w", err)
	}
	t.products = append(t.products, p)
	return a.err == nil
}

// prepend appends the products of the next degree in the order of scikit-learn 0.22 and
// later. For each column, it multiplies the products of the last degree whose first
// factor is that column or a later one. Begin and end are the range of the last degree.
func (t *polynomial) prepend(a *attrs, begin, end int, distinct bool) {
	for column := range t.width {
		for i := begin; i < end; i++ {
			first := t.products[i].column
			if end == 1 {
				first = t.width // the constant 1 is multiplied by every column
			}
			if (first > column || first == column && !distinct) && !t.add(a, productOf{i, column}) {
				return
			}
		}
	}
}

// append appends the same products in the order before 0.22: it multiplies each product
// of the last degree by its last column and the later ones.
func (t *polynomial) append(a *attrs, begin, end int, distinct bool) {
	for i := begin; i < end; i++ {
		from := t.products[i].column
		if distinct && end > 1 {
			from++
		}
		for column := from; column < t.width; column++ {
			if !t.add(a, productOf{i, column}) {
				return
			}
		}
	}
}

func (t *polynomial) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	values := a.take(len(t.products))
	values[0] = 1
	for i := range n {
		row := src[i*t.width : (i+1)*t.width]
		for k, p := range t.products[1:] {
			if values[k+1] = row[p.column]; p.before != 0 {
				values[k+1] *= values[p.before]
			}
		}
		for k, p := range t.out {
			dst[i*len(t.out)+k] = values[p]
		}
	}
	return nil
}
