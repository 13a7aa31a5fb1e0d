package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/series"
)

// predictReadings scores the rows that a features file makes of readings, device by
// device.
func (c console) predictReadings(name, file, data string, flags *dataFlags, memory *series.Options) (err error) {
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
	d, err := c.devices(flags, memory, []string{data}, spec.Devices)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	out := newVerdicts(c.out, m)
	for _, device := range d.names {
		var said predict.Result
		err := d.rows(device, plan, func(ts fleet.Millis, x []float64) error {
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
	}
	return out.Flush()
}
