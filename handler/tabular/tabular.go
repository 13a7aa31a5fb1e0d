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
	// Delimiter separates the fields of a line; 0: the one of , ; tab and |
	// that fits the file.
	Delimiter rune
	// Decimal is "." or ","; empty: found from each number.
	Decimal string
	// DateOrder is the order of a date such as 03/04/2026. If it is not set, such a date
	// is refused. A date with points, 27.11.2026, always begins with the day.
	DateOrder timestamp.Order
	// Zone is the time zone of times without an offset; nil means UTC.
	Zone *time.Location
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
	Missing int `json:"missing"` // cells that say that there is no value
	Refused int `json:"refused"` // rows, of wide files cells, that are no reading
	// First are the first ten that were refused: the place and the reason.
	First []string `json:"first,omitempty"`
	// Ignored are columns of wide files that hold no numbers: "file: column".
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
}

// Open finds the files that the patterns name: files, folders (the files in
// them and below whose names end as one of [Suffixes]), globs, and "-" for
// stdin. An error, which wraps [fleet.ErrInvalid], says what names no file.
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

// Report returns what became of the rows of the last [Reader.All].
func (r *Reader) Report() Report { return r.report }

// errStop ends the reading of a file whose caller has enough.
var errStop = errors.New("stop")

// All yields the readings of all files, in the order of their rows. It ends at
// the first file that cannot be read, with an error that wraps
// [fleet.ErrInvalid] if its content is at fault; so it does, with
// [Options.Strict], at the first row that is refused.
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

// file gives the readings of one file to each, until that has enough.
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
