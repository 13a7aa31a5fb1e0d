package sklearn

import (
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// columnTransformer is sklearn.compose.ColumnTransformer. Each transformer gets some of
// the columns, and their outputs stand side by side.
type columnTransformer struct {
	blocks []block
	width  int // columns of the input
	out    int // columns of the output
}

// block is a transformer and its columns.
type block struct {
	*element
	columns []int   // of the input
	out     int     // columns of the output
	weight  float64 // by which the output is multiplied
}

func loadColumnTransformer(a *attrs) *element {
	if a.in.n == 0 {
		a.featuresFrom("_n_features") // before 0.23
	}
	t := &columnTransformer{width: a.in.n}
	for _, item := range a.items("transformers_") {
		triple, ok := item.(*pickle.Tuple)
		if !ok || len(triple.Items) != 3 {
			a.fail("an item of transformers_ is no name, transformer and columns")
		}
		if a.err != nil {
			return nil
		}
		name, _ := triple.Items[0].(string)
		t.add(a, name, triple.Items[1], triple.Items[2])
	}
	if a.err == nil && t.out == 0 {
		a.fail("no column comes out")
	}
	e := &element{transformer: t, out: t.out, accepts: anyNumber, sparse: t.sparsity()}
	if !a.boolOr("sparse_output_", true) {
		e.sparse = dense
	}
	for _, b := range t.blocks {
		e.size += b.size + 8*len(b.columns) + elementSize
	}
	return e
}

// add loads a transformer. Its columns are given by selection; see attrs.selection.
func (t *columnTransformer) add(a *attrs, name string, v, selection any) {
	if v == any("drop") {
		a.steps = append(a.steps, Step{Name: name, Class: "drop"})
		return
	}
	columns := a.selection(name, selection, t.width)
	if a.err != nil || len(columns) == 0 {
		return
	}
	e := a.nested(name, v)
	switch {
	case a.err != nil:
		return
	case e.predictor != nil && e.transformer == nil:
		a.fail("%s is a %v, no transformer", e.label, e.kind)
		return
	case !e.fits(len(columns)):
		a.fail("%s takes %d columns, but is given %d", e.label, e.in, len(columns))
		return
	}
	b := block{element: e, columns: columns, out: e.width(len(columns)), weight: a.weight(name)}
	t.blocks = append(t.blocks, b)
	if t.out += b.out; t.out > maxFeatures {
		a.fail("over %d columns come out", maxFeatures)
	}
}

// sparsity returns that of the outputs side by side, if it is sparse: the zeros of dense
// ones are left out.
func (t *columnTransformer) sparsity() sparsity {
	all := dense
	for _, b := range t.blocks {
		all = max(all, b.sparse)
	}
	return all
}

// weight returns the entry of transformer_weights for a transformer, or 1.
func (a *attrs) weight(name string) float64 {
	weights, ok := a.value("transformer_weights").(*pickle.Dict)
	if !ok {
		return 1
	}
	v, ok := weights.Get(name)
	if !ok || v == nil {
		return 1
	}
	w, err := numpy.Float(v)
	if err != nil {
		a.fail("transformer_weights: %w", err)
	}
	return w
}

func (t *columnTransformer) transform(dst, src []float64, n int, a *arena) error {
	at := 0
	for i := range t.blocks {
		b := &t.blocks[i]
		if err := b.into(dst[at:], t.out, src, t.width, n, a); err != nil {
			return err
		}
		at += b.out
	}
	return nil
}

// into transforms the block's columns of the n rows of src, which have width numbers.
// It writes each row to dst, stride numbers after the one before.
func (b *block) into(dst []float64, stride int, src []float64, width, n int, a *arena) error {
	defer a.release(a.used)
	in, out := a.take(n*len(b.columns)), a.take(n*b.out)
	for i := range n {
		for j, column := range b.columns {
			in[i*len(b.columns)+j] = src[i*width+column]
		}
	}
	if err := b.transform(out, in, n, a); err != nil {
		return amongColumns(err, b.columns)
	}
	for i := range n {
		for j, v := range out[i*b.out : (i+1)*b.out] {
			if b.weight != 1 {
				v *= b.weight
			}
			dst[i*stride+j] = v
		}
	}
	return nil
}
