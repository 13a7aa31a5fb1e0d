package fleet

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// ID is the name of what a job judges: a sensor of a device, or a device model, which is a
// model of several of its sensors. It has the name of one of these, never of both. In
// one device a name is a sensor's or a device model's. Names are case-sensitive.
type ID struct {
	Device      string `json:"device"`                 // the name of the device
	Sensor      string `json:"sensor,omitempty"`       // the name of the sensor; left out for a device model
	DeviceModel string `json:"device_model,omitempty"` // the name of the device model; left out for a sensor
}

// Name returns the name of the sensor or device model.
func (id ID) Name() string { return id.Sensor + id.DeviceModel }

// String returns "device/name", the form that people read and write. A slash in
// one of the names is written %2F, so that the text has one meaning; and, so that
// such text stays apart, %2F is written %252F and %25 is written %2525.
func (id ID) String() string { return slashes.Replace(id.Device) + "/" + slashes.Replace(id.Name()) }

// slashes makes the slash between two names the only one; unslashes undoes it.
var (
	slashes   = strings.NewReplacer("%2F", "%252F", "%25", "%2525", "/", "%2F")
	unslashes = strings.NewReplacer("%2F", "/", "%25", "%")
)

// Path returns the encoded names with a slash between them, as blob and file
// names have them; see [EncodeName].
func (id ID) Path() string { return EncodeName(id.Device) + "/" + EncodeName(id.Name()) }

// Validate reports, as an error wrapping [ErrInvalid], why a part of id is no
// valid name; see [ValidName].
func (id ID) Validate() error {
	if err := ValidName(id.Device); err != nil {
		return fmt.Errorf("device: %w", err)
	}
	switch {
	case id.DeviceModel == "":
		if err := ValidName(id.Sensor); err != nil {
			return fmt.Errorf("sensor: %w", err)
		}
	case id.Sensor != "":
		return fmt.Errorf("%w: %q and %q: a sensor or a device model, not both", ErrInvalid, id.Sensor, id.DeviceModel)
	default:
		if err := ValidName(id.DeviceModel); err != nil {
			return fmt.Errorf("device model: %w", err)
		}
	}
	return nil
}

// Registered is a sensor or device model that the ledger knows.
type Registered struct {
	ID
	Enabled bool      // if not, it gets no job in runs opened from then on
	Last    time.Time // of a sensor's newest reading; zero if it has none
}

// DeviceSubjects counts what is registered of a device.
type DeviceSubjects struct {
	Device       string
	Sensors      int
	DeviceModels int
	Disabled     int       // of both
	Last         time.Time // of its newest reading; zero if it has none
}

// ParseID reads the form that [ID.String] writes, of a sensor.
func ParseID(s string) (ID, error) {
	device, sensor, ok := strings.Cut(s, "/")
	switch {
	case !ok:
		return ID{}, fmt.Errorf("%w: sensor %s is not of the form device/sensor", ErrInvalid, shown(s))
	case strings.Contains(sensor, "/"):
		return ID{}, fmt.Errorf("%w: sensor %s has more than one slash: write those within a name %%2F", ErrInvalid, shown(s))
	}
	id := ID{Device: unslashes.Replace(device), Sensor: unslashes.Replace(sensor)}
	return id, id.Validate()
}

// ParsePath reads the form that [ID.Path] writes, of a sensor.
func ParsePath(s string) (ID, error) {
	device, sensor, ok := strings.Cut(s, "/")
	if !ok {
		return ID{}, fmt.Errorf("%w: %s is not of the form device/sensor", ErrInvalid, shown(s))
	}
	var id ID
	var err error
	if id.Device, err = DecodeName(device); err != nil {
		return ID{}, fmt.Errorf("device: %w", err)
	}
	if id.Sensor, err = DecodeName(sensor); err != nil {
		return ID{}, fmt.Errorf("sensor: %w", err)
	}
	return id, nil
}

// CompareID orders by device, then name, bytewise, as the manifest does.
func CompareID(a, b ID) int {
	return cmp.Or(strings.Compare(a.Device, b.Device), strings.Compare(a.Name(), b.Name()))
}
