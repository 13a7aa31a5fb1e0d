package main

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // --zone works where the machine has no zones

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/tabular"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// dataFlags are the flags that say how to read files of readings.
type dataFlags struct {
	opt                   tabular.Options
	delimiter, zone, date string
}

// dataHelp is the end of the help of each command that reads files of readings.
const dataHelp = `

A file of readings is CSV with any delimiter, JSON lines or Parquet. It may be
compressed with gzip or zstd. It has a row for each reading, or a column for each
sensor. Columns are found by their usual names, such as TS, Device, Sensor and Val;
the flags name others. A folder means all files in it. A pattern such as
'data/*.csv' means the files that match it. - means stdin.`

func (f *dataFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.opt.Time, "time", "", "column of the time")
	flags.StringVar(&f.opt.Device, "device", "", "column of the device, or the device of all readings (default: the file's name)")
	flags.StringVar(&f.opt.Sensor, "sensor", "", "column of the sensor, or the sensor of all readings")
	flags.StringVar(&f.opt.Value, "value", "", "column of the value")
	flags.StringVar(&f.delimiter, "delimiter", "", `character between fields, \t for a tab (default: detected)`)
	flags.StringVar(&f.opt.Decimal, "decimal", "", "decimal separator, . or , (default: detected)")
	flags.StringVar(&f.date, "date-order", "", "order of a date such as 03/04/2026: dmy or mdy")
	flags.StringVar(&f.zone, "zone", "", "time zone of times without an offset, such as Europe/Berlin (default UTC)")
	flags.BoolVar(&f.opt.Strict, "strict", false, "stop at the first row that is not a reading")
}

// open finds the files.
func (f *dataFlags) open(c console, patterns []string) (*tabular.Reader, error) {
	opt := f.opt
	opt.Stdin, opt.DateOrder = c.in, timestamp.Order(f.date)
	switch d := []rune(f.delimiter); {
	case f.delimiter == `\t`:
		opt.Delimiter = '\t'
	case len(d) == 1:
		opt.Delimiter = d[0]
	case len(d) > 1:
		return nil, usageError{fmt.Errorf("--delimiter %q: it must be one character", f.delimiter)}
	}
	if f.zone != "" {
		zone, err := time.LoadLocation(f.zone)
		if err != nil {
			return nil, usageError{fmt.Errorf("--zone %q is no time zone: use a name such as Europe/Berlin", f.zone)}
		}
		opt.Zone = zone
	}
	opt.Unzoned = func(file string, first fleet.Millis) {
		fmt.Fprintf(c.err, "times without a zone are read as UTC, such as %s in %s: --zone names another\n", first.Time().Format(time.DateTime), file)
	}
	r, err := tabular.Open(patterns, opt)
	if errors.Is(err, fleet.ErrInvalid) {
		return nil, usageError{err}
	}
	return r, err
}

// warnings returns lines that say which rows, cells and columns were not read, and why.
func warnings(r tabular.Report) []string {
	var all []string
	if r.Refused > 0 {
		all = append(all, fmt.Sprintf("%d rows or cells are not readings:", r.Refused))
		for _, line := range r.First {
			all = append(all, "  "+line)
		}
		if more := r.Refused - len(r.First); more > 0 {
			all = append(all, fmt.Sprintf("  and %d more", more))
		}
	}
	if len(r.Ignored) > 0 {
		all = append(all, "columns and lines without numbers were not read: "+strings.Join(r.Ignored, ", "))
	}
	return all
}

// counts returns a line with the numbers of rows, files, readings, missing values and
// refused rows.
func counts(r tabular.Report) string {
	return fmt.Sprintf("%d rows of %d files: %d readings, %d missing, %d refused", r.Rows, r.Files, r.Read, r.Missing, r.Refused)
}
