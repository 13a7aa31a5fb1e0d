package model

import (
	"strings"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// fleetFolder holds the models of all devices.
const fleetFolder = "_fleet/"

// PlaceOf returns what a file in the container models is for, by its name. It returns false
// if the name is that of no model. A file with a [Shared] name may still be no model.
func PlaceOf(name string) (fleet.Place, bool) {
	if IsDefault(name) {
		return fleet.Place{Scope: fleet.OfSensors}, true
	}
	if name == features.AttributesFile {
		return fleet.Place{Scope: fleet.Attributes}, true
	}
	if rest, ok := strings.CutPrefix(name, fleetFolder); ok {
		id, ok := SensorOf("device/" + rest)
		return fleet.Place{Scope: fleet.OfFleet, Title: id.Sensor}, ok
	}
	id, ok := SensorOf(name)
	return fleet.Place{Scope: fleet.OfDevice, Device: id.Device, Title: id.Sensor}, ok
}
