package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Subject is a sensor or device model that jobs of later runs score.
type Subject struct {
	ID
	Judged   bool          // whether runs have a job for it
	Model    int64         // the key of its model; 0 if it has none
	Fault    string        // why its model cannot be used; empty if it can
	Sensors  []string      // for a device model, the sensors whose readings it uses
	Lookback time.Duration // the time before a window from which its rows use readings
}

// Assign assigns models to the sensors of a device, and returns its subjects, sorted
// by name. models may have models of the device, of the fleet, and the default;
// those for other devices are ignored. columns is the number of columns in a row of
// one sensor: one, or the number of functions in the run's aggregation.
//
// A model has a title. If the device has a sensor of that name, the model is the
// sensor's. Otherwise it is a device model, if its rows are made of several sensors
// or by a features file; the device must have at least one of these sensors.
//
// A model of the device overrides a model of the fleet with the same title. The
// default is for sensors with neither.
//
// A sensor without a model is judged too, so that a job reports it, unless a device
// model uses the sensor.
func Assign(device string, sensors []string, models []Model, columns int) []Subject {
	a := assignment{device: device, sensors: sensors, columns: columns, fed: map[string]bool{}}
	own, shared := map[string][]*Model{}, map[string][]*Model{}
	for i := range models {
		switch m := &models[i]; m.Scope {
		case OfDevice:
			if m.Device == device {
				own[m.Title] = append(own[m.Title], m)
			}
		case OfFleet:
			if m.Facts != nil && Match(m.Facts.Devices, device) {
				shared[m.Title] = append(shared[m.Title], m)
			}
		case OfSensors:
			a.defaults = append(a.defaults, m)
		}
	}
	for title, m := range shared {
		if own[title] == nil {
			own[title] = m
		}
	}
	for title, candidates := range own {
		if !slices.Contains(sensors, title) {
			a.deviceModel(title, candidates)
		}
	}
	for _, s := range sensors {
		a.sensor(s, own[s])
	}
	slices.SortFunc(a.subjects, func(x, y Subject) int { return CompareID(x.ID, y.ID) })
	return a.subjects
}

type assignment struct {
	device   string
	sensors  []string
	columns  int
	defaults []*Model
	fed      map[string]bool // the sensors that a device model uses
	subjects []Subject
}

// deviceModel adds the device model with this title, which is not the name of a
// sensor of the device. It adds nothing
//
//   - if the content of a candidate has not been read yet,
//   - if a candidate is the model of a sensor that has sent no reading yet, or
//   - if the device has none of the sensors that the model needs.
func (a *assignment) deviceModel(title string, candidates []*Model) {
	s := Subject{ID: ID{Device: a.device, DeviceModel: title}}
	fits := false // whether the device has one of the sensors that the model needs
	for _, m := range candidates {
		if m.Facts == nil || m.Facts.Fault == "" && !a.takesDevice(m) {
			return
		}
		fits = fits || slices.ContainsFunc(m.Facts.Sensors, func(name string) bool { return slices.Contains(a.sensors, name) })
	}
	first := candidates[0]
	// The sensors of a bad model may be unknown. If it is a model of the device, it gets
	// a job, which reports the fault.
	unknown := first.Scope == OfDevice && len(first.Facts.Sensors) == 0
	if !fits && !unknown || len(a.sensors) == 0 {
		return
	}
	s.Judged, s.Model = true, first.Key
	switch {
	case len(candidates) > 1:
		s.Model, s.Fault = 0, ambiguous(candidates)
	case first.Facts.Fault != "":
		s.Fault = first.Facts.Fault
	case len(first.Facts.Sensors) == 0:
		s.Fault = fmt.Sprintf("%s takes %d features and has no names for them: publish it with a features file that describes its rows", first.Name, first.Facts.Features)
	default:
		for _, name := range first.Facts.Sensors {
			if !slices.Contains(a.sensors, name) {
				s.Fault = fmt.Sprintf("the features of %s need the sensor %q, which the device does not have; it has %s", first.Name, name, listed(a.sensors))
				break
			}
		}
	}
	s.Lookback, s.Sensors = first.Facts.Lookback(), first.Facts.Sensors
	for _, name := range s.Sensors {
		a.fed[name] = true
	}
	a.subjects = append(a.subjects, s)
}

// takesDevice reports whether the rows of a model are made of several sensors, or
// by a features file.
func (a *assignment) takesDevice(m *Model) bool {
	f := m.Facts
	if !f.Plain {
		return true
	}
	if f.Features == a.columns {
		unknown := func(name string) bool { return !slices.Contains(a.sensors, name) }
		return len(f.Names) > 1 && !slices.ContainsFunc(f.Names, unknown)
	}
	return f.Features > 1
}

// sensor adds a sensor. It is called after deviceModel, which sets fed.
func (a *assignment) sensor(name string, candidates []*Model) {
	s := Subject{ID: ID{Device: a.device, Sensor: name}, Judged: true}
	if len(candidates) == 0 {
		candidates = a.defaults
	}
	switch {
	case len(candidates) == 0:
		s.Judged = !a.fed[name]
	case len(candidates) > 1:
		s.Fault = ambiguous(candidates)
	default:
		m := candidates[0]
		s.Model = m.Key
		switch {
		case m.Facts == nil:
		case m.Facts.Fault != "":
			s.Fault = m.Facts.Fault
		case m.Scope != OfSensors && a.takesDevice(m):
			s.Fault = fmt.Sprintf("%s is a device model, and the device has a sensor named %s too: give one of them another name", m.Name, name)
		}
	}
	a.subjects = append(a.subjects, s)
}

func ambiguous(models []*Model) string {
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.Name
	}
	slices.Sort(names)
	return strings.Join(names, " and ") + " in container models could serve it: delete all but one"
}

// listed joins names for an error text: the first 20, and the number of others.
func listed(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
