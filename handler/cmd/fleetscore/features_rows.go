package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

func featuresCommand(c console) *cobra.Command {
	var flags dataFlags
	var file, out, attributes string
	cmd := &cobra.Command{
		Use:   "features DATA...",
		Short: "Write the rows that a features file makes of readings",
		Long: `Write the rows that a features file makes of readings, as CSV: TS, Device, and a
column per feature. These are the very rows that package features makes for a
model: whoever trains on them trains on what is scored. The readings are held in
memory. docs/features.md describes the file.` + dataHelp,
		Example: `  fleetscore features readings.csv --features pump.features.json -o rows.csv`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if file == "" {
				return usageError{fmt.Errorf("--features FILE is missing")}
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			spec, err := features.Parse(data)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			readings, err := c.deviceReadings(&flags, args, spec.Devices)
			if err != nil {
				return err
			}
			properties, err := readAttributes(attributes)
			if err != nil {
				return err
			}
			if out == "" {
				return writeFeatures(bufio.NewWriter(c.out), spec, readings, properties)
			}
			f, err := os.Create(out)
			if err != nil {
				return err
			}
			if err := writeFeatures(bufio.NewWriter(f), spec, readings, properties); err != nil {
				f.Close()
				return err
			}
			return f.Close()
		},
	}
	cmd.Flags().StringVar(&file, "features", "", "the features file")
	cmd.Flags().StringVarP(&out, "out", "o", "", "the CSV file to write (default: stdout)")
	cmd.Flags().StringVar(&attributes, "attributes", "", "the file devices.csv: attributes of devices, whose names stand in the column device")
	flags.add(cmd)
	return cmd
}

// deviceReadings returns the readings of the devices that match, sorted by device,
// time and sensor.
func (c console) deviceReadings(flags *dataFlags, args []string, devices features.Patterns) ([]fleet.Reading, error) {
	files, err := flags.open(c, args)
	if err != nil {
		return nil, err
	}
	var all []fleet.Reading
	for r, err := range files.All() {
		if err != nil {
			return nil, err
		}
		if devices.Match(r.ID.Device) {
			all = append(all, r)
		}
	}
	for _, w := range warnings(files.Report()) {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no reading of a device that the features file is for in %s", strings.Join(args, ", "), counts(files.Report()))
	}
	slices.SortStableFunc(all, func(a, b fleet.Reading) int {
		return cmp.Or(cmp.Compare(a.ID.Device, b.ID.Device), cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID.Sensor, b.ID.Sensor))
	})
	return all, nil
}

// writeFeatures writes the rows of each device. readings are sorted by device, then
// time.
func writeFeatures(out *bufio.Writer, spec *features.Spec, readings []fleet.Reading, attributes map[string]map[string]string) error {
	w := csv.NewWriter(out)
	head := false
	for len(readings) > 0 {
		device := readings[0].ID.Device
		n := slices.IndexFunc(readings, func(r fleet.Reading) bool { return r.ID.Device != device })
		if n < 0 {
			n = len(readings)
		}
		plan, err := spec.Plan(features.Model{}, features.Device{Attributes: attributes[device]}, 0)
		if err != nil {
			return fmt.Errorf("device %q: %w", device, err)
		}
		if !head {
			head = true
			if err := w.Write(append([]string{"TS", "Device"}, plan.Columns()...)); err != nil {
				return err
			}
		}
		err = deviceFeatures(plan, readings[:n], func(ts fleet.Millis, x []float64) error {
			row := []string{ts.String(), device}
			for _, v := range x[:len(plan.Columns())] {
				text := ""
				if !math.IsNaN(v) {
					text = strconv.FormatFloat(v, 'g', -1, 64)
				}
				row = append(row, text)
			}
			return w.Write(row)
		})
		if err != nil {
			return err
		}
		readings = readings[n:]
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return out.Flush()
}

// readAttributes reads devices.csv: by device, its attributes by their names. No
// name is no attributes.
func readAttributes(name string) (map[string]map[string]string, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s is empty: its first line must name the columns, device among them", name)
	}
	at := slices.IndexFunc(rows[0], func(h string) bool { return strings.EqualFold(strings.TrimPrefix(h, "\ufeff"), "device") })
	if at < 0 {
		return nil, fmt.Errorf("%s has no column device; it has %s", name, strings.Join(rows[0], ", "))
	}
	all := make(map[string]map[string]string, len(rows))
	for i, row := range rows[1:] {
		if all[row[at]] != nil {
			return nil, fmt.Errorf("%s: row %d names the device %q a second time", name, i+2, row[at])
		}
		of := make(map[string]string, len(row))
		for k, field := range row {
			of[rows[0][k]] = field
		}
		all[row[at]] = of
	}
	return all, nil
}

// deviceFeatures makes the rows of one device, from its first reading to its last
// and, on a grid, the end of the last bucket.
func deviceFeatures(plan *features.Plan, readings []fleet.Reading, row func(fleet.Millis, []float64) error) error {
	last := readings[len(readings)-1].Time
	end := min(fleet.MaxMillis, last+1000+fleet.Millis(plan.Lookback().Milliseconds()))
	window, err := outwards(readings[0].Time, end)
	if err != nil {
		return err
	}
	rows := plan.Start(window, row)
	for _, r := range readings {
		if i := slices.Index(plan.Sensors(), r.ID.Sensor); i >= 0 {
			if err := rows.Add(i, r.Time, r.Value); err != nil {
				return err
			}
		}
	}
	return rows.Close()
}
