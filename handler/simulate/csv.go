package simulate

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// columns are the names, in lower case, that a CSV header may give to what a
// reading is made of; the first of each is the one that error texts use.
var columns = [...][]string{
	{"ts", "time", "timestamp"},
	{"device", "deviceid"},
	{"sensor", "sensorid"},
	{"val", "value"},
}

const header = "TS,Device,Sensor,Val"

// ReadCSV yields the readings of a CSV file, one at a time. Its first line
// names the columns: TS (or Time, Timestamp), Device, Sensor and Val (or
// Value), in any order and case; others are passed over. TS is written as
// [fleet.ParseMillis] reads it.
//
// It ends at the first row that cannot be accepted. The error wraps
// [fleet.ErrInvalid] and names the file and line.
func ReadCSV(name string, r io.Reader) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		rows := csv.NewReader(withoutMark(r))
		rows.ReuseRecord = true
		head, err := rows.Read()
		if err != nil {
			yield(fleet.Reading{}, readError(name, err))
			return
		}
		at, err := locate(head)
		if err != nil {
			yield(fleet.Reading{}, fmt.Errorf("%s:1: %w", name, err))
			return
		}
		for {
			row, err := rows.Read()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(fleet.Reading{}, readError(name, err))
				return
			}
			reading, err := parseRow(row, at)
			if err != nil {
				line, _ := rows.FieldPos(0)
				yield(fleet.Reading{}, fmt.Errorf("%s:%d: %w", name, line, err))
				return
			}
			if !yield(reading, nil) {
				return
			}
		}
	}
}

// withoutMark passes over the byte order mark that some spreadsheets write.
func withoutMark(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	if mark, _ := b.Peek(3); string(mark) == "\ufeff" {
		_, _ = b.Discard(3)
	}
	return b
}

// locate returns the position in head of each of [columns].
func locate(head []string) (at [len(columns)]int, err error) {
	for i, names := range columns {
		at[i] = slices.IndexFunc(head, func(h string) bool {
			return slices.Contains(names, strings.ToLower(strings.TrimSpace(h)))
		})
		if at[i] < 0 {
			return at, fmt.Errorf("%w: there is no column %s; the first line must name the columns %s (in any order and case), not %.200q",
				fleet.ErrInvalid, names[0], header, strings.Join(head, ","))
		}
	}
	return at, nil
}

func parseRow(row []string, at [len(columns)]int) (fleet.Reading, error) {
	field := func(i int) string { return strings.TrimSpace(row[at[i]]) }
	ts, err := fleet.ParseMillis(field(0))
	if err != nil {
		return fleet.Reading{}, err
	}
	value, err := strconv.ParseFloat(field(3), 64)
	if err != nil {
		return fleet.Reading{}, fmt.Errorf("%w: value %.80q is not a number", fleet.ErrInvalid, field(3))
	}
	// Clone: the row's memory is used again for the next.
	id := fleet.ID{Device: strings.Clone(field(1)), Sensor: strings.Clone(field(2))}
	reading := fleet.Reading{ID: id, Time: ts, Value: value}
	return reading, reading.Validate()
}

// readError names where the CSV reader stopped.
func readError(name string, err error) error {
	var parse *csv.ParseError
	switch {
	case err == io.EOF:
		return fmt.Errorf("%s: %w: the file is empty; its first line must name the columns %s", name, fleet.ErrInvalid, header)
	case errors.As(err, &parse):
		return fmt.Errorf("%s:%d: %w: %w", name, parse.Line, fleet.ErrInvalid, parse.Err)
	}
	return fmt.Errorf("%s: %w", name, err)
}
