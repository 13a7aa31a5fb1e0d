// Package model finds the model that serves a sensor among the blobs of the
// container models, and keeps loaded ones.
//
// A sensor's own model is the blob
//
//	{device}/{sensor}  {device}/{sensor}.pkl  {device}/{sensor}.joblib
//	model_{device}_{sensor}, where neither part contains a _
//
// and default.pkl or default.joblib serves the sensors that have none. Two
// that could serve are one too many: which of them would be a matter of luck.
// What the file is, pickle or joblib, is told by its content, not its name.
// Names with an @ (the models before, kept for a rollback) serve nobody.
//
// Nothing is believed without asking storage: a published model takes effect
// on the next job. That costs a look at each of these names, all at once: half
// of what listing them would, and in Azure a tenth of its price.
package model
