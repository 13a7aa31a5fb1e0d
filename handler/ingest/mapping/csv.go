package mapping

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Header is the value of [Options.CSV] for events whose first line names the columns.
const Header = "header"

// CheckCSV checks a value of [Options.CSV]. Its error wraps [fleet.ErrInvalid].
func CheckCSV(columns string) error {
	if columns == "" || columns == Header {
		return nil
	}
	names := strings.Split(columns, ",")
	seen := map[string]bool{}
	for _, name := range names {
		name = strings.TrimSpace(name)
		if name == "" || seen[name] {
			return fmt.Errorf("%w: columns %.80q: each needs a name of its own, with commas between", fleet.ErrInvalid, columns)
		}
		seen[name] = true
	}
	if len(names) < 2 {
		return fmt.Errorf("%w: columns %.80q: name at least two, such as device,sensor,ts,value, or say %s", fleet.ErrInvalid, columns, Header)
	}
	return nil
}

// isCSV reports whether body is read as CSV: the option is set, and body does not begin as
// JSON does.
func (r *Reader) isCSV(body []byte) bool {
	i := space(body, 0)
	return r.opt.CSV != "" && i < len(body) && body[i] != '{' && body[i] != '['
}

// csv reads an event in CSV. Each line becomes an object, with the columns as members.
func (r *Reader) csv(body []byte, asMaps bool) []document {
	in := csv.NewReader(bytes.NewReader(body))
	in.Comma, in.LazyQuotes, in.FieldsPerRecord, in.TrimLeadingSpace = separator(body), true, -1, true
	var columns []string
	if r.opt.CSV != Header {
		for name := range strings.SplitSeq(r.opt.CSV, ",") {
			columns = append(columns, strings.TrimSpace(name))
		}
	}
	var all []document
	for {
		begin := in.InputOffset()
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		raw := bytes.Trim(body[begin:in.InputOffset()], "\r\n")
		if columns == nil {
			for _, f := range fields {
				columns = append(columns, strings.TrimSpace(f))
			}
			if err := CheckCSV(strings.Join(columns, ",")); err != nil {
				return append(all, document{raw: body, err: err})
			}
			continue
		}
		d := document{raw: raw}
		switch {
		case err != nil:
			d.err = fmt.Errorf("%w: CSV: %w", fleet.ErrInvalid, err)
		case len(fields) != len(columns):
			d.err = fmt.Errorf("%w: CSV: the line has %d fields, %d are wanted: %s", fleet.ErrInvalid, len(fields), len(columns), r.opt.CSV)
		default:
			d.value = csvObject(columns, fields, in.Comma == ';', asMaps)
		}
		all = append(all, d)
	}
}

// csvObject makes an object of a line. With decimalComma, a comma in a number is its decimal
// point; this is so where semicolons separate the fields.
func csvObject(columns, fields []string, decimalComma, asMaps bool) any {
	values := make([]any, len(fields))
	for i, f := range fields {
		f = strings.TrimSpace(f)
		values[i] = f
		if point := strings.Replace(f, ",", ".", 1); decimalComma && point != f && number(point) == len(point) {
			values[i] = json.Number(point)
		}
	}
	if !asMaps {
		return &members{columns, values}
	}
	m := make(map[string]any, len(columns))
	for i, c := range columns {
		m[c] = values[i]
	}
	return m
}

// separator returns the character among comma, semicolon, tab and | that is most frequent in
// the first line.
func separator(body []byte) rune {
	line, _, _ := bytes.Cut(body, []byte("\n"))
	best, most := ',', 0
	for _, c := range []byte(",;\t|") {
		if n := bytes.Count(line, []byte{c}); n > most {
			best, most = rune(c), n
		}
	}
	return best
}
