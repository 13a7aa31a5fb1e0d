package model_test

import (
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/fleet/fleettest"
	"github.com/fleetscore/fleetscore/handler/model"
)

// TestNames checks that no two sensors have a model of the same name, and that SensorOf
// returns the sensor of each name.
func TestNames(t *testing.T) {
	t.Parallel()
	seen := make(map[string]fleet.ID)
	for _, name := range append([]string{"s", "m", "a_b", "model_1", "x.y"}, fleettest.Names...) {
		for _, id := range []fleet.ID{{Device: name, Sensor: "m"}, {Device: "d", Sensor: name}} {
			if id == (fleet.ID{Device: "d", Sensor: "m"}) {
				continue // occurs twice
			}
			for _, file := range model.Names(id) {
				if other, ok := seen[file]; ok && other != id {
					t.Errorf("%s is the model of %q and of %q", file, other, id)
				}
				seen[file] = id
				if got, ok := model.SensorOf(file); got != id || !ok {
					t.Errorf("SensorOf(%s) = %q, %v; want %q", file, got, ok, id)
				}
				if got, ok := model.SensorOf(file + "@previous"); ok {
					t.Errorf("SensorOf(%s@previous) = %q, want none", file, got)
				}
			}
		}
	}
	for _, file := range []string{"d/a b.pkl", "d/ä.pkl", "_fleet/temp.pkl", "d/s.onnx/x", "d/%61.pkl", "devices.csv", "default.pkl", "d/.pkl", "model_a", "model_a_b_c", "model_a_b.pkl", "default.json", "default", "", "a", "a/b/c", "/b", "a /b"} {
		if id, ok := model.SensorOf(file); ok {
			t.Errorf("SensorOf(%s) = %q, want none", file, id)
		}
	}
}

// TestPlaceOf checks which sensors and devices a file is for, which depends on its name.
func TestPlaceOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]fleet.Place{
		"default.pkl":        {Scope: fleet.OfSensors},
		"default.json":       {Scope: fleet.OfSensors},
		"devices.csv":        {Scope: fleet.Attributes},
		"_fleet/vibration":   {Scope: fleet.OfFleet, Title: "vibration"},
		"_fleet/wear.joblib": {Scope: fleet.OfFleet, Title: "wear"},
		"pump-1/wear.pkl":    {Scope: fleet.OfDevice, Device: "pump-1", Title: "wear"},
		"model_pump_wear":    {Scope: fleet.OfDevice, Device: "pump", Title: "wear"},
	} {
		if got, ok := model.PlaceOf(name); !ok || got != want {
			t.Errorf("PlaceOf(%s) = %+v, %v; want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "default", "default.csv", "devices.csv.pkl", "_fleet/", "_fleet/.pkl", "_fleet/a/b", "_fleet", "notes.txt", "a/b/c", "default.pkl@previous"} {
		if got, ok := model.PlaceOf(name); ok {
			t.Errorf("PlaceOf(%s) = %+v, want none", name, got)
		}
	}
}

// TestShared checks which names may be those of models and of other files.
func TestShared(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"a/b.json": true, "a/b.txt": true, "a/b.jsonl": false, "a/b": false, "a/b.pkl": false, "json": false, ".txt": true} {
		if got := model.Shared(name); got != want {
			t.Errorf("Shared(%s) = %v, want %v", name, got, want)
		}
	}
}
