package fleet

import (
	"cmp"
	"fmt"
	"strings"
)

// MaxName is the longest name of a device or sensor, in bytes.
const MaxName = 64

// ID names what a job judges: a sensor of a device, or a device model, which is a
// model of several of its sensors. One of Sensor and DeviceModel is set; in one
// device a name is a sensor's or a device model's, never both. All parts are
// case-sensitive.
type ID struct {
	Device      string `json:"device"`
	Sensor      string `json:"sensor,omitempty"`
	DeviceModel string `json:"device_model,omitempty"`
}

// Name returns the name of the sensor or device model.
func (id ID) Name() string { return id.Sensor + id.DeviceModel }

// String returns "device/name", the form used in blob names and error texts.
func (id ID) String() string { return id.Device + "/" + id.Name() }

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

// ParseID reads the form that [ID.String] writes, of a sensor.
func ParseID(s string) (ID, error) {
	device, sensor, ok := strings.Cut(s, "/")
	if !ok {
		return ID{}, fmt.Errorf("%w: sensor %q is not of the form device/sensor", ErrInvalid, s)
	}
	id := ID{Device: device, Sensor: sensor}
	return id, id.Validate()
}

// CompareID orders by device, then name, bytewise, as the BIN2 columns of SQL and
// the manifest do.
func CompareID(a, b ID) int {
	return cmp.Or(strings.Compare(a.Device, b.Device), strings.Compare(a.Name(), b.Name()))
}

// ValidName reports, as an error wrapping [ErrInvalid], why s cannot name a
// device or a sensor. A name matches
//
//	[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?
//
// and does not end in .pkl, .joblib or .onnx, which blob names add to it.
func ValidName(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: the name is empty", ErrInvalid)
	case len(s) > MaxName:
		return fmt.Errorf("%w: a name has at most %d characters, this one %d", ErrInvalid, MaxName, len(s))
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) {
			if c != '.' && c != '_' && c != '-' {
				return fmt.Errorf("%w: name %.80q: %q at position %d; use letters, digits, '.', '_' and '-'", ErrInvalid, s, c, i)
			}
			if i == 0 || i == len(s)-1 {
				return fmt.Errorf("%w: name %q must begin and end with a letter or digit", ErrInvalid, s)
			}
		}
	}
	for _, suffix := range [...]string{".pkl", ".joblib", ".onnx"} {
		if strings.HasSuffix(s, suffix) {
			return fmt.Errorf("%w: name %q ends in %s, which is kept for model files", ErrInvalid, s, suffix)
		}
	}
	return nil
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
