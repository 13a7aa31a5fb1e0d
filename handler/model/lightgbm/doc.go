// Package lightgbm reads models that LightGBM 2.1 to 4.7 writes as text, and predicts like
// LightGBM, equal to the bit on x86-64.
//
// The text is written by save_model, and is part of a pickled Booster. [Read] refuses linear
// trees, and categories that are no numbers. [Booster.Model] refuses user-defined objectives
// with several outputs.
//
// LightGBM compares and adds in float64, tree after tree. The sum begins with 0, since the
// initial score (boost_from_average) is part of the first trees.
package lightgbm
