// Package simulate makes a fleet of sensors with known anomalies, with models
// for them, and sends readings, simulated or a user's own, to Event Hubs.
//
// The readings of a [Fleet] depend only on its fields: the same window always has
// the same readings. Each sensor is of one [Kind]. All sensors of a kind share a
// model, which models/train.py fitted on readings of a fleet without anomalies. A
// [Hub] sends by the Event Hubs REST protocol, as devices do in Azure.
package simulate
