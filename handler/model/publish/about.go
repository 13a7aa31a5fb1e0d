package publish

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// About is what publish says of a model.
type About struct {
	Kind string
	// Sensors are those that a device model's rows are made of; nil of a model of one
	// sensor.
	Sensors  []string
	Columns  []string // of the rows, of a device model
	Lookback time.Duration
	Devices  []string // patterns of the features file; nil: any
	Notes    []string // what the model does that may not be meant
}

// about checks a model whole against its features file, and says what its rows are.
func about(m *artifact.Model) (About, error) {
	a := About{Kind: m.Kind().String()}
	spec := m.Spec()
	if spec == nil {
		spec = &features.Spec{}
	}
	a.Devices = spec.Devices
	if !spec.MakesRows() && (m.Features() == 1 || len(m.FeatureNames()) == 0) {
		return a, m.Detects() // of one sensor: its value, or its aggregates
	}
	if m.Kind() == predict.Detector {
		if err := m.Detects(); err != nil {
			return a, err
		}
	}
	device := features.Device{Attributes: make(map[string]string)}
	for _, name := range spec.Attributes() { // any: what rows are made of does not hang on them
		device.Attributes[name] = "0"
	}
	plan, err := spec.Plan(features.Model{Names: m.FeatureNames(), Count: m.Features()}, device, 0)
	if err != nil {
		return a, err
	}
	a.Sensors, a.Columns, a.Lookback = plan.Sensors(), plan.Columns(), plan.Lookback()
	switch {
	case m.Kind() == predict.Classifier:
		err = a.classes(m.Classes(), spec.Anomaly)
	case m.Kind() == predict.Regressor && !plan.Residual():
		a.Notes = append(a.Notes, "no row will be an anomaly: a regressor needs residual_of and limit in its features file for that")
	}
	return a, err
}

// classes checks which classes are anomalies.
func (a *About) classes(classes []string, anomalies []any) error {
	for _, wanted := range anomalies {
		text := fmt.Sprint(wanted)
		if !slices.ContainsFunc(classes, func(c string) bool {
			return c == text || strings.EqualFold(c, text) && (text == "true" || text == "false") || c == text+".0"
		}) {
			return fmt.Errorf("the features file calls the class %v an anomaly, but the model has the classes %s", wanted, strings.Join(classes, ", "))
		}
	}
	switch {
	case len(anomalies) > 0:
	case len(classes) == 2:
		a.Notes = append(a.Notes, "the class "+classes[1]+" is an anomaly, as the features file does not say which is")
	default:
		a.Notes = append(a.Notes, "no row will be an anomaly: a classifier of more than two classes needs anomalies in its features file for that")
	}
	return nil
}
