package tabular

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// Options say how to read files. With the zero value everything is detected.
type Options struct {
	// Time, Device, Sensor and Value name columns. An empty one means the usual names. If
	// a file has no column with the name in Device or Sensor, that name is the device or
	// sensor of all readings. A wide file without a device has the file's name as device.
	Time, Device, Sensor, Value string
	// Delimiter separates the fields of a line. 0: it is detected among comma, semicolon, tab
	// and |.
	Delimiter rune
	// Decimal is the decimal point, "." or ",". Empty: it is detected in each number.
	Decimal string
	// DateOrder is the order of a date such as 03/04/2026. If it is not set, such a date
	// is refused. A date with points, 27.11.2026, always begins with the day.
	DateOrder timestamp.Order
	// Zone is the time zone of times without an offset; nil means UTC.
	Zone *time.Location
	// Unzoned is called once, with the first file whose times have no offset and are read
	// as UTC, if Zone is nil; nil: nobody is told. Only the first time of each file is looked
	// at.
	Unzoned func(file string, first fleet.Millis)
	// Strict stops at the first row that is refused.
	Strict bool
	// Stdin is what the file name "-" reads, each time from its beginning if it can seek.
	Stdin io.Reader
}

// Report counts the rows of files by their result. A row of a wide file counts once in
// Rows, and each of its cells in the other counts.
type Report struct {
	Files   int `json:"files"`
	Rows    int `json:"rows"`    // lines of CSV and JSON lines, rows of Parquet; without headers and empty lines
	Read    int `json:"read"`    // readings yielded
	Missing int `json:"missing"` // cells whose value is missing
	Refused int `json:"refused"` // rows that are no reading; in wide files, cells
	// First are the places and reasons of the first ten that were refused.
	First []string `json:"first,omitempty"`
	// Ignored are the columns of wide files without numbers, as "file: column".
	Ignored []string `json:"ignored,omitempty"`
}

// maxShown is the number of refused rows that a [Report] lists.
const maxShown = 10

// Reader reads files, once or several times. It is not safe for concurrent
// use.
type Reader struct {
	files  []string
	opt    Options
	report Report
	names  names
	told   bool // Unzoned was called
}

// Open finds the files that the patterns name. A pattern is a file, a folder, a glob as in
// [filepath.Match], or "-" for stdin. Of a folder, all files below it with one of [Suffixes]
// are read. The error wraps [fleet.ErrInvalid] if an option is not valid, or a pattern matches
// no file.
func Open(patterns []string, opt Options) (*Reader, error) {
	switch {
	case !slices.Contains([]timestamp.Order{timestamp.Unsaid, timestamp.DayFirst, timestamp.MonthFirst}, opt.DateOrder):
		return nil, fmt.Errorf("%w: date order %q: use dmy or mdy", fleet.ErrInvalid, opt.DateOrder)
	case opt.Decimal != "" && opt.Decimal != "." && opt.Decimal != ",":
		return nil, fmt.Errorf("%w: decimal %q: use . or ,", fleet.ErrInvalid, opt.Decimal)
	case opt.Delimiter == '"' || opt.Delimiter == '\n' || opt.Delimiter == '\r' || opt.Delimiter >= 0x80:
		return nil, fmt.Errorf("%w: delimiter %q: use another single ASCII character", fleet.ErrInvalid, opt.Delimiter)
	}
	files, err := find(patterns)
	if err != nil {
		return nil, err
	}
	return &Reader{files: files, opt: opt, names: names{known: make(map[fleet.ID]int32)}}, nil
}

// Files returns the names of the files, in the order in which they are read.
func (r *Reader) Files() []string { return r.files }

// Report counts the rows of the last [Reader.All].
func (r *Reader) Report() Report { return r.report }

// errStop ends the reading of a file when the caller wants no more readings.
var errStop = errors.New("stop")

// All yields the readings of all files, in the order of their rows. It ends with an error at
// the first file that cannot be read. With [Options.Strict] it also ends at the first row that
// is refused. The error wraps [fleet.ErrInvalid] if the file's content is at fault.
func (r *Reader) All() iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		r.report = Report{}
		for _, name := range r.files {
			r.report.Files++
			err := r.file(name, func(reading fleet.Reading) bool { return yield(reading, nil) })
			if errors.Is(err, errStop) {
				return
			}
			if err != nil {
				yield(fleet.Reading{}, err)
				return
			}
		}
	}
}

// file calls each with the readings of one file, until each returns false.
func (r *Reader) file(name string, each func(fleet.Reading) bool) error {
	src, err := r.open(name)
	if err != nil {
		return err
	}
	defer src.close()
	t := &table{reader: r, opt: r.opt, source: src, each: each}
	switch {
	case src.parquet():
		return t.parquet()
	case src.json():
		return t.json()
	}
	return t.delimited()
}

// refuse counts a row or cell that is not a reading. With [Options.Strict] it returns an
// error.
func (r *Reader) refuse(place string, err error) error {
	r.report.Refused++
	if len(r.report.First) < maxShown {
		r.report.First = append(r.report.First, place+": "+err.Error())
	}
	if r.opt.Strict {
		return fmt.Errorf("%s: %w", place, err)
	}
	return nil
}
