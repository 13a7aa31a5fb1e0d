package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// predictReadings scores the rows that a features file makes of readings, device by
// device.
func (c console) predictReadings(m modelFile, file, data string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	spec, err := features.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	plan, err := spec.Plan(features.Model{Names: m.Describe().FeatureNames, Count: m.Features()}, features.Device{}, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	readings, err := c.deviceReadings(&dataFlags{}, []string{data}, spec.Devices)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(c.out)
	fmt.Fprintln(out, "TS,Device,prediction,score")
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
			line := ts.Append(out.AvailableBuffer())
			line = append(append(append(line, ','), device...), ',', '0'+byte(said.Predictions[0]), ',')
			_, err := out.Write(append(strconv.AppendFloat(line, said.Scores[0], 'g', -1, 64), '\n'))
			return err
		})
		if err != nil {
			return err
		}
		readings = readings[n:]
	}
	return out.Flush()
}
