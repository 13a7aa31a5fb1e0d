// Package xgboost reads models that XGBoost 0.90 to 3.4 writes, and predicts like the CPU
// predictor of the version that wrote the file, equal to the bit on x86-64.
//
// [Read] reads JSON, UBJSON, the binary format that XGBoost wrote up to 3.0, and the bytes
// in a pickled Booster, which are one of these with the configuration. It refuses trees of
// several targets and categories that are no numbers. [Booster.Model] refuses user-defined
// objectives.
//
// XGBoost compares and adds in float32. [Booster.Model] returns a [Model], which does so in
// the same order. The constants in model.go say where versions differ.
package xgboost
