package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// predictReadings scores the rows that a features file makes of readings, device by
// device.
func (c console) predictReadings(name, file, data string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	spec, err := features.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	m, err := loadModel(name, spec)
	if err != nil {
		return err
	}
	plan, err := spec.Plan(features.Model{Names: m.FeatureNames(), Count: m.Features()}, features.Device{}, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	readings, err := c.deviceReadings(&dataFlags{}, []string{data}, spec.Devices)
	if err != nil {
		return err
	}
	out := newVerdicts(c.out, m)
	for len(readings) > 0 {
		device := readings[0].ID.Device
		n := slices.IndexFunc(readings, func(r fleet.Reading) bool { return r.ID.Device != device })
		if n < 0 {
			n = len(readings)
		}
		var said predict.Result
		err := deviceFeatures(plan, readings[:n], func(ts fleet.Millis, x []float64) error {
			if err := m.Predict(&said, x[:m.Features()]); err != nil {
				return fmt.Errorf("%s at %v: %w", device, ts, err)
			}
			out.header("TS,Device,", &said, 1)
			out.WriteString(ts.String() + "," + quoteField(device) + ",")
			out.row(&said, 0, 1)
			return nil
		})
		if err != nil {
			return err
		}
		readings = readings[n:]
	}
	return out.Flush()
}
