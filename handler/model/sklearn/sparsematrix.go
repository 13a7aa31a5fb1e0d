package sklearn

import (
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// sparseMatrix returns a matrix in row-major order. In the file it is an array, or a
// sparse matrix of SciPy in compressed rows (csr_matrix, csr_array).
func (a *attrs) sparseMatrix(name string, rows, columns *dim) []float64 {
	v := a.value(name)
	if a.err != nil || !isSparse(v) {
		return a.matrixOf(name, v, rows, columns)
	}
	o := v.(*pickle.Object)
	if o.Class.Name != "csr_matrix" && o.Class.Name != "csr_array" {
		a.fail("%s is a %.40s, not a csr_matrix or an array", name, o.Class.Name)
		return nil
	}
	inside := &attrs{loader: a.loader, object: o, class: a.class, step: a.step}
	shape := inside.items("_shape")
	if inside.err == nil && len(shape) != 2 {
		inside.fail("%s is not of two dimensions", name)
	}
	if inside.err != nil {
		a.err = inside.err
		return nil
	}
	height, _ := a.number(shape[0])
	width, _ := a.number(shape[1])
	if !(height >= 0 && width >= 0 && height <= maxFeatures && width <= maxFeatures) {
		a.fail("%s is of %v by %v", name, height, width)
	}
	if !a.agree(name, rows, int(height)) || !a.agree(name, columns, int(width)) {
		return nil
	}
	if err := a.budget.Take(8 * rows.n * columns.n); err != nil {
		a.fail("%s: %w", name, err)
		return nil
	}
	stored := &dim{what: "numbers", none: true}
	data := inside.vector("data", stored)
	indices := inside.vector("indices", stored)
	starts := inside.vector("indptr", exactly(rows.n+1, "rows and an end"))
	if a.err = inside.err; a.err != nil {
		return nil
	}
	dense := make([]float64, rows.n*columns.n)
	for row := range rows.n {
		from, to := starts[row], starts[row+1]
		if !(from >= 0 && from <= to && to <= float64(len(data))) {
			a.fail("%s has row %d from %v to %v of %d numbers", name, row, from, to, len(data))
			return nil
		}
		for k := int(from); k < int(to); k++ {
			if c := indices[k]; !(c >= 0 && c < width) {
				a.fail("%s has the column %v of %d", name, c, columns.n)
				return nil
			}
			dense[row*columns.n+int(indices[k])] += data[k]
		}
	}
	return dense
}

// isSparse reports a matrix of SciPy.
func isSparse(v any) bool {
	o, ok := v.(*pickle.Object)
	return ok && strings.HasPrefix(o.Class.Module, "scipy.sparse.")
}
