package model_test

import (
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/fleet/fleettest"
	"github.com/fleetscore/fleetscore/handler/model"
)

// No two sensors look for their model under the same name, and each name says
// whose model it is.
func TestNames(t *testing.T) {
	t.Parallel()
	seen := make(map[string]fleet.ID)
	for _, name := range append([]string{"s", "m"}, fleettest.Names...) {
		for _, id := range []fleet.ID{{Device: name, Sensor: "m"}, {Device: "d", Sensor: name}} {
			if id == (fleet.ID{Device: "d", Sensor: "m"}) {
				continue // that is both
			}
			for _, file := range model.Names(id) {
				if other, ok := seen[file]; ok && other != id {
					t.Errorf("%s is the model of %q and of %q", file, other, id)
				}
				seen[file] = id
				if got, ok := model.SensorOf(file); got != id || !ok {
					t.Errorf("SensorOf(%s) = %q, %v; want %q", file, got, ok, id)
				}
			}
		}
	}
	for _, file := range []string{"d/a b.pkl", "d/ä.pkl", "_fleet/temp.pkl", "d/s.onnx/x", "d/%61.pkl", "devices.csv", "default.pkl", "d/.pkl", "model_a", "model_a_b_c", "d/x.zip@previous"} {
		if id, ok := model.SensorOf(file); ok {
			t.Errorf("SensorOf(%s) = %q, want none", file, id)
		}
	}
}
