package sklearn

// treesEmbedding is RandomTreesEmbedding: the leaf that a row reaches in each tree,
// one-hot encoded.
type treesEmbedding struct {
	leaves  *valueForest // the value of a node is its number, and each tree is an output
	encoder *element     // a OneHotEncoder
}

func loadTreesEmbedding(a *attrs) *element {
	a.forestWidth()
	trees := a.valueTrees(a.items("estimators_"), 1, false)
	for i := range trees {
		trees[i].Output = i
		for node := range trees[i].Values {
			trees[i].Values[node] = float64(node)
		}
	}
	t := &treesEmbedding{encoder: a.nested("one_hot_encoder_", a.value("one_hot_encoder_"))}
	if t.leaves = a.valueForest(trees, len(trees), 1); a.err != nil {
		return nil
	}
	if t.encoder.transformer == nil || !t.encoder.fits(len(trees)) {
		a.fail("one_hot_encoder_ does not take the leaves of %d trees", len(trees))
	}
	a.note("trees", len(trees))
	accepts := finite32
	if a.version >= nanInExtraTrees {
		accepts = finite32OrNaN
	}
	return &element{transformer: t, out: t.encoder.width(len(trees)), accepts: accepts, size: t.leaves.Size() + t.encoder.size, sparse: t.encoder.sparse}
}

func (t *treesEmbedding) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	leaves := a.take(n * t.leaves.Outputs())
	clear(leaves)
	t.leaves.AddRounded(leaves, src, t.leaves.Trees())
	return t.encoder.transform(dst, leaves, n, a)
}
