package main

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/series"
)

func featuresCommand(c console) *cobra.Command {
	var flags dataFlags
	var memory *series.Options
	var file, out, attributes string
	cmd := &cobra.Command{
		Use:   "features DATA...",
		Short: "Compute the rows that a features file defines",
		Long: `Compute the rows that a features file defines, from readings, and write them as CSV:
TS, Device, and a column for each feature. A run computes the same rows for a model,
so train the model on them. docs/features.md describes the features file.` + dataHelp,
		Example: `  fleetscore features readings.csv --features pump.features.json -o rows.csv`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) (err error) {
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
			properties, err := readAttributes(attributes)
			if err != nil {
				return err
			}
			d, err := c.devices(&flags, memory, args, spec.Devices)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, d.Close()) }()
			if out == "" || out == "-" {
				return writeFeatures(bufio.NewWriter(c.out), spec, d, properties)
			}
			f, err := os.Create(out)
			if err != nil {
				return err
			}
			if err := writeFeatures(bufio.NewWriter(f), spec, d, properties); err != nil {
				f.Close()
				return err
			}
			return f.Close()
		},
	}
	cmd.Flags().StringVar(&file, "features", "", "the features file")
	cmd.Flags().StringVarP(&out, "out", "o", "", "the CSV file to write; - is stdout (default: stdout)")
	cmd.Flags().StringVar(&attributes, "attributes", "", "the file devices.csv, with attributes of devices; its column device has their names")
	flags.add(cmd)
	memory = memoryFlags(cmd)
	return cmd
}

// devices are the readings of several devices, sorted by time.
type devices struct {
	*series.Set
	names   []string
	sensors map[string][]fleet.ID
	window  fleet.Window // the time range of all readings
}

// devices reads the readings of the devices that match. The caller must close the set.
func (c console) devices(flags *dataFlags, memory *series.Options, args []string, match features.Patterns) (d devices, err error) {
	files, err := flags.open(c, args)
	if err != nil {
		return d, err
	}
	d.Set = series.New(*memory)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	for r, err := range files.All() {
		if err == nil && match.Match(r.ID.Device) {
			err = d.Add(r)
		}
		if err != nil {
			return d, err
		}
	}
	for _, w := range warnings(files.Report()) {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
	if d.Len() == 0 {
		return d, fmt.Errorf("%s: none of the readings is of a device that the features file matches: %s", strings.Join(args, ", "), counts(files.Report()))
	}
	if err := d.Sort(); err != nil {
		return d, err
	}
	d.sensors = make(map[string][]fleet.ID)
	for _, id := range d.IDs() {
		if d.sensors[id.Device] == nil {
			d.names = append(d.names, id.Device)
		}
		d.sensors[id.Device] = append(d.sensors[id.Device], id)
	}
	first, last := d.Span()
	d.window, err = outwards(first, last+1)
	return d, err
}

// rows calls row for each row of a device, from its first reading to its last. On a grid
// the last row is at the end of the bucket of the last reading.
func (d devices) rows(device string, plan *features.Plan, row func(fleet.Millis, []float64) error) error {
	rows := plan.Start(d.through(plan), row)
	if err := d.each(device, plan, rows.Add); err != nil {
		return err
	}
	return rows.Close()
}

// through returns the window from the first reading to the last time at which the last
// reading can be in a row.
func (d devices) through(plan *features.Plan) fleet.Window {
	window := d.window
	window.To = window.To.Add(plan.Lookback())
	if last := fleet.MaxMillis.Time().Truncate(time.Second); window.To.After(last) {
		window.To = last
	}
	return window
}

// each calls reading for each reading of a device that the plan uses, in the order of
// time. sensor is the position of the sensor in the plan.
func (d devices) each(device string, plan *features.Plan, reading func(sensor int, ts fleet.Millis, value float64) error) error {
	var sensors []fleet.ID
	var at []int // positions of the sensors in the plan
	for _, id := range d.sensors[device] {
		if i := slices.Index(plan.Sensors(), id.Sensor); i >= 0 {
			sensors, at = append(sensors, id), append(at, i)
		}
	}
	for s, err := range d.Samples(sensors, 1) {
		if err == nil {
			err = reading(at[s.Series], s.Time, s.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// memoryFlags adds --readings-memory and --temp to a command. The result is valid when
// the command runs.
func memoryFlags(cmd *cobra.Command) *series.Options {
	opt := new(series.Options)
	var megabytes int64
	cmd.Flags().Int64Var(&megabytes, "readings-memory", 1024, "megabytes of readings to hold in memory; the rest go to temporary files (the process needs about 200 MB more, and memory for the models)")
	cmd.Flags().StringVar(&opt.Dir, "temp", "", "folder for temporary files (default: the system's)")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if megabytes < 1 || megabytes > 1<<30 {
			return usageError{fmt.Errorf("--readings-memory %d: at least one megabyte is needed", megabytes)}
		}
		opt.Memory = megabytes << 20
		return nil
	}
	return opt
}

// writeFeatures writes the rows of each device as CSV. It is an error if there is none.
func writeFeatures(out *bufio.Writer, spec *features.Spec, d devices, attributes features.Attributes) error {
	w := csv.NewWriter(out)
	written := 0
	var takes []string
	for i, device := range d.names {
		plan, err := spec.Plan(features.Model{}, features.Device{Attributes: attributes[device]}, 0)
		if err != nil {
			return fmt.Errorf("device %q: %w", device, err)
		}
		if i == 0 {
			if err := w.Write(append([]string{"TS", "Device"}, plan.Columns()...)); err != nil {
				return err
			}
		}
		takes = plan.Sensors()
		row := make([]string, 2+len(plan.Columns()))
		err = d.rows(device, plan, func(ts fleet.Millis, x []float64) error {
			written++
			row[0], row[1] = ts.String(), device
			for k, v := range x[:len(plan.Columns())] {
				row[2+k] = ""
				if !math.IsNaN(v) {
					row[2+k] = strconv.FormatFloat(v, 'g', -1, 64)
				}
			}
			return w.Write(row)
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	if err := cmp.Or(w.Error(), out.Flush()); err != nil {
		return err
	}
	if written == 0 {
		var has []string
		for _, id := range d.sensors[d.names[0]] {
			has = append(has, id.Sensor)
		}
		return fmt.Errorf("no row has a value for every feature: the features use the sensors %s; %s has %s", strings.Join(firstFew(takes), ", "), d.names[0], strings.Join(firstFew(has), ", "))
	}
	return nil
}

// readAttributes reads devices.csv. It returns nil if name is empty.
func readAttributes(name string) (features.Attributes, error) {
	if name == "" {
		return nil, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	all, err := features.ParseAttributes(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}
