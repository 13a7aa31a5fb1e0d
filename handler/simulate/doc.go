// Package simulate makes a fleet of sensors with known anomalies, with models
// for them, and sends readings, simulated or a user's own, to Event Hubs.
//
// A [Fleet] is a pure function of its seed: the same window has the same
// readings whenever it is asked for. Each sensor is of one [Kind], and all of
// a kind share a model, made by models/train.py from readings of a healthy
// fleet. A [Hub] speaks the Event Hubs REST protocol, so that the readings
// take the way they would take in Azure.
package simulate
