// Package model says whom a file in the container models is for, by its name, and
// keeps loaded models, by name and version.
//
//	{device}/{name}.pkl    the sensor of that name, or a device model
//	model_{device}_{name}  the same, as the reference architecture has it
//	_fleet/{name}.zip      every device that the model's patterns match
//	default.pkl            every sensor without another model
//	devices.csv            nobody: it has the attributes of devices
//
// [Suffixes] are those that a name may have. What a file is, pickle or zip, is told
// by its content; so is whether one of a [Shared] name is a model at all. Names with an @ (the models before, kept for a rollback) serve
// nobody.
//
// Which version serves whom stands in the ledger: see package registry. The cache
// never asks storage for anything but a version that it has not.
package model
