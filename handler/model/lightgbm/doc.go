// Package lightgbm reads the models that LightGBM writes as text, versions 2.1
// to 4.7, and computes what its predictor gives, to the bit on x86-64.
//
// The text is what save_model writes, and what a Booster is pickled as. [Read]
// refuses, by name, what is not scored: linear trees, objectives of its user's,
// and texts for categories.
//
// LightGBM compares and adds in float64, tree after tree, beginning with 0:
// the average from which boosting starts stands in the first trees.
package lightgbm
