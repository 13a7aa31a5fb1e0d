package model

import (
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// suffixes are those that the name of a model may have.
var suffixes = []string{"", ".pkl", ".joblib"}

// Defaults are the names of the model of all sensors without their own.
var Defaults = []string{"default.pkl", "default.joblib"}

// Names returns the names under which the model of id is looked for.
func Names(id fleet.ID) []string {
	names := make([]string, 0, len(suffixes)+1)
	for _, suffix := range suffixes {
		names = append(names, id.String()+suffix)
	}
	if !strings.Contains(id.Device, "_") && !strings.Contains(id.Sensor, "_") {
		names = append(names, "model_"+id.Device+"_"+id.Sensor)
	}
	return names
}

// SensorOf returns the sensor whose own model a blob of this name is; false if
// it is none's.
func SensorOf(name string) (fleet.ID, bool) {
	stem := strings.TrimSuffix(strings.TrimSuffix(name, ".pkl"), ".joblib")
	if flat, ok := strings.CutPrefix(stem, "model_"); ok && !strings.Contains(stem, "/") {
		stem = strings.Replace(flat, "_", "/", 1)
	}
	id, err := fleet.ParseID(stem)
	return id, err == nil && slices.Contains(Names(id), name)
}
