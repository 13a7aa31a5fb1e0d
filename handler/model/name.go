package model

import (
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Suffixes are the suffixes that the name of a model may have. One of them is empty.
var Suffixes = []string{".pkl", ".joblib", ".zip", ".skops", ".pickle", ".sav", ".ubj", ".json", ".txt", ".model", ".bst", ".xgb", ".lgb", ""}

// Shared reports whether a name ends in .json or .txt. XGBoost and LightGBM write models
// with these suffixes, but other files have them too. Only the content says whether such a
// file is a model.
func Shared(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".txt")
}

// IsDefault reports whether a name is that of the model for all sensors without another
// model: default with a suffix.
func IsDefault(name string) bool { return name != "default" && stem(name) == "default" }

// Names returns the names that the model of a sensor may have.
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

// stem returns a name without its suffix, if that is one of Suffixes.
func stem(name string) string {
	for _, suffix := range Suffixes {
		if rest, ok := strings.CutSuffix(name, suffix); ok && suffix != "" {
			return rest
		}
	}
	return name
}

// SensorOf returns the sensor that a model with this name is for, or false if it is for none.
func SensorOf(name string) (fleet.ID, bool) {
	path := stem(name)
	if flat, ok := strings.CutPrefix(path, "model_"); ok && !strings.Contains(path, "/") {
		path = strings.Replace(flat, "_", "/", 1)
	}
	id, err := fleet.ParsePath(path)
	return id, err == nil && slices.Contains(Names(id), name)
}
