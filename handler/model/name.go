package model

import (
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Suffixes are those that the name of a model may have, none among them.
var Suffixes = []string{".pkl", ".joblib", ".zip", ".skops", ".pickle", ".sav", ".ubj", ".json", ".txt", ".model", ".bst", ".xgb", ".lgb", ""}

// Shared reports a name with a suffix that other files have too, .json or .txt:
// XGBoost and LightGBM write models under it, people their notes and lists of
// columns. Such a file is a model if its content is.
func Shared(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".txt")
}

// IsDefault reports the name of the model of all sensors without their own: default
// with a suffix.
func IsDefault(name string) bool { return name != "default" && stem(name) == "default" }

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
