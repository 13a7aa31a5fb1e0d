package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Subject is a sensor or device model, and what its jobs in the runs to come are
// made of.
type Subject struct {
	ID
	Judged   bool          // runs have a job for it
	Model    int64         // the key of the model that serves it; 0 if none does
	Fault    string        // why no model can serve it
	Sensors  []string      // of a device model: those whose readings it takes
	Lookback time.Duration // how long before a window readings count for its rows
}

// Assign returns the subjects of a device with these sensors, under the models
// that may serve it: its own, those of the fleet, and the default. Columns is how
// many columns a row of one sensor has: one, or as many as the run's aggregation
// has functions.
//
// A model lies under a name. If the device has a sensor of that name, the model
// is the sensor's; else it is a device model if its rows are made of several
// sensors or by a features file, and it is a subject where the device has any of
// these sensors. A device's own models go before the fleet's, and both before the
// default. A sensor without a model is judged unless it feeds a device model: its
// job tells that there is none. The order is by name.
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
			if m.Facts != nil && MatchDevice(m.Facts.Devices, device) {
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
	fed      map[string]bool // sensors that feed a device model
	subjects []Subject
}

// deviceModel adds the device model that lies under title, which is the name of no
// sensor of the device. It adds none if the content of a candidate has not been read yet,
// or if the candidate is a sensor's model and the sensor has not sent yet. It adds none
// either if the device has none of the sensors that the model needs.
func (a *assignment) deviceModel(title string, candidates []*Model) {
	s := Subject{ID: ID{Device: a.device, DeviceModel: title}}
	fits := false // the device has one of the sensors that the model needs
	for _, m := range candidates {
		if m.Facts == nil || m.Facts.Fault == "" && !a.takesDevice(m) {
			return
		}
		fits = fits || slices.ContainsFunc(m.Facts.Sensors, func(name string) bool { return slices.Contains(a.sensors, name) })
	}
	first := candidates[0]
	// The sensors of a bad model may be unknown. If it is the device's own, a job is to
	// say what is wrong with it.
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
		s.Fault = fmt.Sprintf("%s takes %d features and has no names for them: publish it with a features file that says how its rows are made", first.Name, first.Facts.Features)
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
		named := len(f.Names) > 1 && !slices.ContainsFunc(f.Names, func(name string) bool { return !slices.Contains(a.sensors, name) })
		return named
	}
	return f.Features > 1
}

// sensor adds a sensor. It is called after deviceModel, which notes the sensors that feed
// device models.
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

// listed writes names for a person, the first few of many.
func listed(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
