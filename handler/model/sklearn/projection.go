package sklearn

import (
	"fmt"
	"math"
)

// projection is TruncatedSVD, GaussianRandomProjection, FastICA or a similar class. It
// multiplies rows by a matrix: (x - mean) / scale · rows.
type projection struct {
	mean  []float64 // nil for 0
	scale []float64 // nil for 1
	rows  []float64 // a row for each column of the output
	width int       // columns of the input
}

func loadTruncatedSVD(a *attrs) *element {
	components := &dim{what: "components"}
	return a.projection(&projection{rows: a.matrix("components_", components, &a.in)}, components.n)
}

func (a *attrs) projection(t *projection, out int) *element {
	t.width = a.in.n
	return &element{transformer: t, out: out, size: 8 * (len(t.mean) + len(t.scale) + len(t.rows))}
}

func (t *projection) transform(dst, src []float64, _ int, a *arena) error {
	defer a.release(a.used)
	if t.mean != nil {
		centered := a.take(len(src))
		for i, x := range src {
			centered[i] = x - t.mean[i%t.width]
			if t.scale != nil {
				centered[i] /= t.scale[i%t.width]
			}
		}
		src = centered
	}
	product(dst, src, t.rows, t.width)
	return nil
}

// loadFastICA loads FastICA, which subtracts the mean only if it whitens.
func loadFastICA(a *attrs) *element {
	components := &dim{what: "components"}
	t := &projection{rows: a.matrix("components_", components, &a.in)}
	if a.has("mean_") && a.value("whiten") != any(false) {
		t.mean = a.vector("mean_", &a.in)
	}
	return a.projection(t, components.n)
}

// loadSparseProjection loads SparseRandomProjection, whose components_ is a sparse
// matrix.
func loadSparseProjection(a *attrs) *element {
	components := &dim{what: "components"}
	return a.projection(&projection{rows: a.sparseMatrix("components_", components, &a.in)}, components.n)
}

// loadSparsePCA loads SparsePCA and MiniBatchSparsePCA. They transform by ridge
// regression: (C·Cᵀ + α)⁻¹·C·(x - mean), where C is components_.
func loadSparsePCA(a *attrs) *element {
	components := &dim{what: "components"}
	if a.version < 22 && !a.boolOr("normalize_components", false) {
		a.refuse("scores that depend on the other rows of a call, as before scikit-learn 0.22,", "fit it with a later version, or use PCA")
	}
	t := &projection{mean: a.vector("mean_", &a.in)}
	loadings := a.matrix("components_", components, &a.in)
	alpha := a.finite("ridge_alpha")
	if a.err == nil && components.n > maxInverse {
		a.refuse(fmt.Sprintf("%d components", components.n), fmt.Sprintf("use %d at most", maxInverse))
	}
	if a.err != nil {
		return nil
	}
	count := components.n
	gram := make([]float64, count*count)
	product(gram, loadings, loadings, a.in.n)
	for i := range count {
		gram[i*count+i] += alpha
	}
	a.checkFinite("the squares of components_", gram)
	if a.err != nil {
		return nil
	}
	t.rows = make([]float64, len(loadings))
	product(t.rows, pseudoInverse(gram, count), transposed(loadings, count), count)
	return a.projection(t, count)
}

// maxInverse is the number of rows of the largest matrix that is inverted. A larger one
// takes too long.
const maxInverse = 200

// factorAnalysis is FactorAnalysis. It returns the expected factors of a row.
type factorAnalysis struct {
	projection
	covariance []float64 // of the factors given a row, row-major
}

func loadFactorAnalysis(a *attrs) *element {
	components := &dim{what: "components"}
	t := &factorAnalysis{projection: projection{mean: a.vector("mean_", &a.in)}}
	loadings := a.matrix("components_", components, &a.in)
	noise := a.vector("noise_variance_", &a.in)
	if components.n > maxInverse {
		a.refuse(fmt.Sprintf("%d components", components.n), fmt.Sprintf("use %d at most", maxInverse))
	}
	if a.err != nil {
		return nil
	}
	width, count := a.in.n, components.n
	t.rows = make([]float64, len(loadings))
	for i, l := range loadings {
		t.rows[i] = l / noise[i%width]
	}
	a.checkFinite("components_ / noise_variance_", t.rows)
	precision := make([]float64, count*count)
	product(precision, t.rows, loadings, width)
	for i := range count {
		precision[i*count+i]++
	}
	a.checkFinite("the precision of the factors", precision)
	if a.err != nil {
		return nil
	}
	t.covariance = pseudoInverse(precision, count)
	t.width = width
	return &element{transformer: t, out: count, size: 8 * (2*len(t.rows) + len(t.covariance))}
}

func (t *factorAnalysis) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	y := a.take(len(dst))
	if err := t.projection.transform(y, src, n, a); err != nil {
		return err
	}
	product(dst, y, t.covariance, len(dst)/n) // covariance is symmetric
	return nil
}

// rbfSampler is sklearn.kernel_approximation.RBFSampler: cosines of random
// projections.
type rbfSampler struct {
	linear
	scale float64
}

func loadRBFSampler(a *attrs) *element {
	t := a.cosines()
	components := float64(len(t.intercept))
	if t.scale = math.Sqrt(2 / components); a.version < 102 {
		t.scale = math.Sqrt(2) / math.Sqrt(components)
	}
	return &element{transformer: &t, out: len(t.intercept), size: t.size()}
}

// cosines reads random_weights_ and random_offset_, of RBFSampler or SkewedChi2Sampler. The
// scale is not set.
func (a *attrs) cosines() rbfSampler {
	components := &dim{what: "components"}
	weights := a.matrix("random_weights_", &a.in, components)
	offset := a.vector("random_offset_", components)
	if a.err != nil {
		return rbfSampler{}
	}
	return rbfSampler{linear: linear{transposed(weights, a.in.n), offset, a.in.n}}
}

func (t *rbfSampler) transform(dst, src []float64, _ int, _ *arena) error {
	t.into(dst, src)
	for i, v := range dst {
		dst[i] = math.Cos(v) * t.scale
	}
	return nil
}

// kernelCenterer is sklearn.preprocessing.KernelCenterer. It changes a row of kernel
// values to those of rows with mean 0.
type kernelCenterer struct {
	rows []float64 // K_fit_rows_
	all  float64   // K_fit_all_
}

func loadKernelCenterer(a *attrs) *element {
	t := &kernelCenterer{a.vector("K_fit_rows_", &a.in), a.finite("K_fit_all_")}
	return &element{transformer: t, size: 8 * len(t.rows)}
}

func (t *kernelCenterer) transform(dst, src []float64, n int, _ *arena) error {
	width := len(t.rows)
	for i := range n {
		row := src[i*width : (i+1)*width]
		mean := pairwiseSum(row) / float64(width)
		for j, v := range row {
			dst[i*width+j] = v - t.rows[j] - mean + t.all
		}
	}
	return nil
}

// loadFeatureUnion loads sklearn.pipeline.FeatureUnion. All transformers get the whole
// rows, and their outputs stand side by side.
func loadFeatureUnion(a *attrs) *element {
	t := &columnTransformer{}
	var all members
	for _, item := range a.items("transformer_list") {
		name, v := a.namedPair(item)
		if a.err != nil {
			return nil
		}
		if v == nil || v == any("drop") {
			a.steps = append(a.steps, Step{Name: name, Class: "drop"})
			continue
		}
		e := a.nested(name, v)
		if a.err != nil {
			return nil
		}
		if e.predictor != nil && e.transformer == nil {
			a.fail("%s is a %v, no transformer", e.label, e.kind)
			return nil
		}
		all = append(all, e)
		t.blocks = append(t.blocks, block{element: e, weight: a.weight(name)})
	}
	width := a.widthOf(all)
	if a.err == nil && width == anyWidth {
		a.fail("nothing in it says how many columns it takes: fit it with scikit-learn 0.24 or later")
	}
	if a.err != nil {
		return nil
	}
	t.width = width
	every := make([]int, width)
	for i := range every {
		every[i] = i
	}
	for i := range t.blocks {
		t.blocks[i].columns, t.blocks[i].out = every, t.blocks[i].width(width)
		t.out += t.blocks[i].out
	}
	if t.out == 0 {
		a.fail("no column comes out")
	}
	return &element{transformer: t, in: width, out: t.out, accepts: anyNumber, size: all.size(), sparse: t.sparsity()}
}
