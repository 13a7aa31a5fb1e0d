package publish

import (
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	defaultName = "default"
	fleetFolder = "_fleet"
)

// Title returns how people name a place: {device}/{name}, _fleet/{name}, default or
// devices.csv. [ParsePlace] reads it.
func Title(p fleet.Place) string {
	switch p.Scope {
	case fleet.OfSensors:
		return defaultName
	case fleet.OfFleet:
		return fleetFolder + "/" + p.Title
	case fleet.Attributes:
		return features.AttributesFile
	}
	return idOf(p).String()
}

// ParsePlace reads what [Title] writes. Its errors wrap [fleet.ErrInvalid].
func ParsePlace(text string) (fleet.Place, error) {
	switch text {
	case defaultName:
		return fleet.Place{Scope: fleet.OfSensors}, nil
	case features.AttributesFile:
		return fleet.Place{Scope: fleet.Attributes}, nil
	}
	if title, ok := strings.CutPrefix(text, fleetFolder+"/"); ok {
		if err := fleet.ValidName(title); err != nil {
			return fleet.Place{}, fmt.Errorf("model: %w", err)
		}
		return fleet.Place{Scope: fleet.OfFleet, Title: title}, nil
	}
	id, err := fleet.ParseID(text)
	return fleet.Place{Scope: fleet.OfDevice, Device: id.Device, Title: id.Sensor}, err
}

// idOf returns the sensor that a model of a device serves, if it is a sensor's.
func idOf(p fleet.Place) fleet.ID { return fleet.ID{Device: p.Device, Sensor: p.Title} }

// blobOf returns the name of the blob that serves a place, without its suffix.
func blobOf(p fleet.Place) string {
	switch p.Scope {
	case fleet.OfDevice:
		return idOf(p).Path()
	case fleet.OfFleet:
		return fleetFolder + "/" + fleet.EncodeName(p.Title)
	}
	return Title(p)
}

// ComparePlaces orders by scope, then as [fleet.CompareID].
func ComparePlaces(a, b fleet.Place) int {
	rank := func(p fleet.Place) int {
		return strings.Index("default attributes fleet device", string(p.Scope))
	}
	if a.Scope != b.Scope {
		return rank(a) - rank(b)
	}
	return fleet.CompareID(idOf(a), idOf(b))
}
