package model

import (
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Suffixes are those that the name of a model may have, none among them.
var Suffixes = []string{".pkl", ".joblib", ".zip", ".skops", ".pickle", ".sav", ""}

// Defaults are the names of the model of all sensors without their own.
var Defaults = []string{"default.pkl", "default.joblib", "default.zip", "default.skops", "default.pickle", "default.sav"}

// Names returns the names under which the model of id is looked for.
func Names(id fleet.ID) []string {
	names := make([]string, 0, len(Suffixes)+1)
	path := id.Path()
	for _, suffix := range Suffixes {
		if suffix != "" || stem(path) == path { // d/s.pkl is the model of the sensor s
			names = append(names, path+suffix)
		}
	}
	if !strings.Contains(path, "_") && stem(path) == path {
		names = append(names, "model_"+strings.Replace(path, "/", "_", 1))
	}
	return names
}

// stem returns the name of a file without the suffix that models have.
func stem(name string) string {
	for _, suffix := range Suffixes {
		if rest, ok := strings.CutSuffix(name, suffix); ok && suffix != "" {
			return rest
		}
	}
	return name
}

// SensorOf returns the sensor whose own model a blob of this name is; false if
// it is none's.
func SensorOf(name string) (fleet.ID, bool) {
	path := stem(name)
	if flat, ok := strings.CutPrefix(path, "model_"); ok && !strings.Contains(path, "/") {
		path = strings.Replace(flat, "_", "/", 1)
	}
	id, err := fleet.ParsePath(path)
	return id, err == nil && slices.Contains(Names(id), name)
}
