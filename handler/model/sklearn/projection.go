package sklearn

import "math"

// projection is TruncatedSVD: the rows times a matrix.
type projection struct {
	rows  []float64 // a row for each column that comes out
	width int
}

func loadTruncatedSVD(a *attrs) *element {
	components := &dim{what: "components"}
	t := &projection{a.matrix("components_", components, &a.in), a.in.n}
	t.width = a.in.n
	return &element{transformer: t, out: components.n, size: 8 * len(t.rows)}
}

func (t *projection) transform(dst, src []float64, _ int, _ *arena) error {
	product(dst, src, t.rows, t.width)
	return nil
}

// rbfSampler is sklearn.kernel_approximation.RBFSampler: cosines of random
// projections.
type rbfSampler struct {
	linear
	scale float64
}

func loadRBFSampler(a *attrs) *element {
	components := &dim{what: "components"}
	weights := a.matrix("random_weights_", &a.in, components)
	offset := a.vector("random_offset_", components)
	if a.err != nil {
		return nil
	}
	t := &rbfSampler{linear: linear{transposed(weights, a.in.n), offset, a.in.n}}
	if t.scale = math.Sqrt(2 / float64(components.n)); a.version < 102 {
		t.scale = math.Sqrt(2) / math.Sqrt(float64(components.n))
	}
	return &element{transformer: t, out: components.n, size: t.size()}
}

func (t *rbfSampler) transform(dst, src []float64, _ int, _ *arena) error {
	t.into(dst, src)
	for i, v := range dst {
		dst[i] = math.Cos(v) * t.scale
	}
	return nil
}

// kernelCenterer is sklearn.preprocessing.KernelCenterer: rows of kernel values
// as if what they are of had mean 0.
type kernelCenterer struct {
	rows []float64
	all  float64
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

// union is sklearn.pipeline.FeatureUnion: what several transformers make of the
// same rows, side by side.
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
	return &element{transformer: t, in: width, out: t.out, accepts: anyNumber, size: all.size()}
}
