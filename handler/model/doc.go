// Package model parses the names of model files, and keeps loaded models in memory.
//
// The name of a file in the container models says what the model is for:
//
//	{device}/{name}.pkl    the sensor with that name, or a device model
//	model_{device}_{name}  the same, in the form of the reference architecture
//	_fleet/{name}.zip      every device that the model's patterns match
//	default.pkl            every sensor without another model
//	devices.csv            no model: the attributes of devices
//
// A name ends in one of [Suffixes], which says nothing about the format: that is
// recognised by the content. A file with a [Shared] name may be no model at all. Names with
// an @ are the previous versions of models, which are kept for a rollback and not used.
//
// The ledger says which version each sensor and device uses: see package registry. The
// [Cache] reads a version from storage only if it is not in memory.
package model
