// Package xgboost reads the models that XGBoost writes, versions 0.90 to 3.4,
// and computes what that version's CPU predictor gives, to the bit on x86-64.
//
// [Read] takes what there is: a model as JSON, UBJSON or in the binary format
// that 3.1 no longer writes, and what is pickled of a Booster, which is one of
// these with its configuration. It refuses, by name, what it doesn't score:
// trees of several targets, text for categories, objectives of its user's.
//
// XGBoost compares and adds in float32. [Booster.Model] gives a [Model], which
// does so in the same order: see model.go for where versions differ.
package xgboost
