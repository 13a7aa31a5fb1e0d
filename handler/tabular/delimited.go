package tabular

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

const (
	maxLine   = 4 << 20 // bytes of a line
	maxJoined = 20      // further lines of a record with a line break in quotes
)

// lines reads lines and counts them.
type lines struct {
	*bufio.Reader
	n    int    // the number of the last line, from 1
	long []byte // the last line, if it is longer than the buffer
}

// next returns the next line without its end. The line is valid until the next call. If it is
// longer than maxLine bytes, it is cut and tooLong is true.
func (l *lines) next() (line []byte, tooLong bool, err error) {
	line, err = l.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		l.long = append(l.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = l.ReadSlice('\n')
			if len(l.long)+len(line) > maxLine {
				tooLong = true
			} else {
				l.long = append(l.long, line...)
			}
		}
		line = l.long
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	l.n++
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), tooLong, err
}

// delimited reads a file of lines, whose fields are separated by a delimiter. The first line
// names the columns; comments and titles may stand before it.
func (t *table) delimited() error {
	in := &lines{Reader: t.source.Reader}
	head, l, err := t.header(in, &t.opt)
	if err != nil {
		return err
	}
	if err := t.ignore(l); err != nil {
		return fmt.Errorf("%s:%d: %w", t.source.name, in.n, err)
	}
	below := in.n
	var fields []cell
	var record, space []byte
	place := func() string { return fmt.Sprintf("%s:%d", t.source.name, in.n) }
	for {
		line, tooLong, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return t.broken(in.n, err)
		}
		if tooLong {
			t.reader.report.Rows++
			if err := t.reader.refuse(place(), fmt.Errorf("%w: the line has more than %d bytes", fleet.ErrInvalid, maxLine)); err != nil {
				return err
			}
			continue
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if odd(line) {
			// A field in quotes continues in the next line, or a quote is part of the text.
			record = append(record[:0], line...)
			record = joined(in, record, byte(t.opt.Delimiter), len(head))
			line = record
		}
		if isAnnotation(line) { // another table of InfluxDB follows, with other columns
			if head, l, err = t.header(in, &t.opt); errors.Is(err, errNoHeader) {
				return nil
			}
			if err == nil {
				err = t.ignore(l)
			}
			if err != nil {
				return err
			}
			continue
		}
		fields, space = split(fields[:0], space[:0], line, byte(t.opt.Delimiter))
		if in.n <= below+maxUnitLines && t.isUnits(l, fields) {
			t.reader.report.Ignored = append(t.reader.report.Ignored, place()+": units")
			continue
		}
		if repeats(head, fields) {
			continue
		}
		if surplus(head, fields) {
			t.reader.report.Rows++
			if err := t.reader.refuse(place(), fmt.Errorf("%w: the row has %d fields for %d columns: is %q part of a number, or of a text without quotes?", fleet.ErrInvalid, len(fields), len(head), t.opt.Delimiter)); err != nil {
				return err
			}
			continue
		}
		if err := t.row(l, fields, place); err != nil {
			return err
		}
	}
}

// surplus reports whether a line has fields for which there is no column. A field may
// have been divided then, and any of them would be read into the wrong column. Empty
// fields at the end are delimiters at the end of a line.
func surplus(head []string, fields []cell) bool {
	return len(fields) > len(head) && slices.ContainsFunc(fields[len(head):], func(f cell) bool { return f.kind != text || len(f.text) > 0 || f.stray })
}

// maxUnitLines is how many lines with units or descriptions may follow the names of the
// columns.
const maxUnitLines = 2

// isUnits reports whether a line of a wide file has units or descriptions of the columns: it has
// words in place of numbers, and no time.
func (t *table) isUnits(l *layout, fields []cell) bool {
	if l.value != none || len(fields) != len(l.names) {
		return false
	}
	says := false
	for _, f := range fields {
		says = says || !f.isMissing()
		if _, err := t.opt.value(f); err == nil {
			return false
		}
		if _, err := t.opt.parseTime(f.text); err == nil || f.stray {
			return false
		}
	}
	return says && len(fields[l.time].text) <= 4 // s, ms, TS or nothing
}

// repeats reports whether fields are the names of the columns. They are repeated in files that
// were concatenated.
func repeats(head []string, fields []cell) bool {
	return slices.EqualFunc(head, fields, func(name string, f cell) bool { return f.kind == text && name == string(bytes.TrimSpace(f.text)) })
}

// isAnnotation reports whether a line is an annotation, which InfluxDB writes above each table.
// https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/
func isAnnotation(line []byte) bool {
	for _, begin := range []string{"#datatype,", "#group,", "#default,"} {
		if bytes.HasPrefix(line, []byte(begin)) {
			return true
		}
	}
	return false
}

// maxTitles is how many comments and titles may stand before the names of the columns.
const maxTitles = 100

// header reads the line that names the columns, and skips the lines before it. It detects the
// delimiter if opt has none. A line "sep=;", which spreadsheets write, names the delimiter. If
// no line names the columns, the error is that of the first line with several fields.
func (t *table) header(in *lines, opt *Options) ([]string, *layout, error) {
	var first, nearest error
	for titles := 0; ; {
		line, tooLong, err := in.next()
		switch {
		case errors.Is(err, io.EOF) && first != nil:
			return nil, nil, cmp.Or(nearest, first)
		case errors.Is(err, io.EOF):
			return nil, nil, fmt.Errorf("%s: %w: %w: its first line must name the columns", t.source.name, fleet.ErrInvalid, errNoHeader)
		case err != nil:
			return nil, nil, t.broken(in.n, err)
		case tooLong || bytes.IndexByte(line, 0) >= 0:
			return nil, nil, fmt.Errorf("%s:%d: %w: this is no text: CSV, JSON lines and Parquet are read", t.source.name, in.n, fleet.ErrInvalid)
		}
		if sep, ok := bytes.CutPrefix(line, []byte("sep=")); ok && len(sep) == 1 {
			opt.Delimiter = rune(sep[0])
			continue
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if bytes.HasPrefix(line, []byte("LabVIEW Measurement")) {
			return nil, nil, fmt.Errorf("%s: %w: times in LabVIEW's measurement files count from the time in their header: export a table with absolute times", t.source.name, fleet.ErrInvalid)
		}
		names, comment := bytes.CutPrefix(line, []byte("#"))
		between := opt.Delimiter
		if between == 0 {
			between = delimiter(names)
		}
		fields, _ := split(nil, nil, names, byte(between))
		head := make([]string, len(fields))
		for i, f := range fields {
			head[i] = strings.TrimSpace(string(f.text))
		}
		l, err := opt.locate(head, t.source.name)
		if err == nil && !(head[l.time] == "" && (comment || nearest != nil)) && !opt.hasMoment(head) {
			opt.Delimiter = between
			return head, l, nil
		}
		if err != nil {
			err = fmt.Errorf("%s:%d: %w", t.source.name, in.n, err)
			first = cmp.Or(first, err)
			if !comment && len(fields) > 1 {
				nearest = cmp.Or(nearest, err)
			}
		}
		if titles++; titles > maxTitles {
			return nil, nil, cmp.Or(nearest, first)
		}
	}
}

// errNoHeader says that a file has no lines, or none after an annotation.
var errNoHeader = errors.New("the file is empty")

// hasMoment reports whether one of the names is a date or time. The line is then a title that
// says when the file was made. A number may be the name of a column.
func (o Options) hasMoment(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		if strings.Trim(name, "0123456789.,eE+-") == "" {
			return false
		}
		_, err := o.parseTime([]byte(name))
		return err == nil
	})
}

// delimiter returns the character among comma, semicolon, tab and | that divides a line into
// most fields. One that divides a text in quotes is used only if no other divides the line.
func delimiter(line []byte) rune {
	best, most, clean := ',', 0, false
	for _, d := range []byte(",;\t|") {
		fields, _ := split(nil, nil, line, d)
		whole := len(fields) > 1 && !slices.ContainsFunc(fields, func(f cell) bool { return f.stray })
		if whole && !clean || whole == clean && len(fields) > most {
			best, most, clean = rune(d), len(fields), whole
		}
	}
	return best
}

// broken returns the error of content that cannot be read after a line, such as that of a
// damaged archive.
func (t *table) broken(line int, err error) error {
	return fmt.Errorf("%s:%d: %w: the file is damaged or cut off: %w", t.source.name, line, fleet.ErrInvalid, err)
}

// odd reports whether a line has an odd number of quotes.
func odd(line []byte) bool { return bytes.Count(line, []byte{'"'})%2 == 1 }

// joined appends lines to record, up to the line that closes its quotes. It returns record as
// it is if no line nearby closes them, or if the result does not have as many fields as the
// header. The quote is then part of the text.
func joined(in *lines, record []byte, delimiter byte, columns int) []byte {
	ahead, _ := in.Peek(min(in.Size(), 16<<10))
	whole, n := len(record), 0
	for rest := ahead; n < maxJoined; {
		line, after, ok := bytes.Cut(rest, []byte{'\n'})
		if !ok {
			break
		}
		record = append(append(record, '\n'), bytes.TrimSuffix(line, []byte("\r"))...)
		n++
		if odd(line) {
			if fields, _ := split(nil, nil, record, delimiter); len(fields) != columns {
				break
			}
			for range n {
				_, _, _ = in.next()
			}
			return record
		}
		rest = after
	}
	return record[:whole]
}

// split appends the fields of a line to fields. It appends the text of quoted fields, without
// the doubled quotes, to space. A quote inside a field is part of the text, and so is one that
// is not closed.
func split(fields []cell, space, line []byte, delimiter byte) ([]cell, []byte) {
	for {
		start := bytes.TrimLeft(line, " ")
		opens := len(start) > 0 && start[0] == '"'
		if opens {
			if field, rest, more, grown, ok := quoted(start[1:], space, delimiter); ok {
				fields, space = append(fields, cell{text: field}), grown
				if !more {
					return fields, space
				}
				line = rest
				continue
			}
		}
		i := bytes.IndexByte(line, delimiter)
		if i < 0 {
			return append(fields, cell{text: bytes.TrimSpace(line), stray: opens}), space
		}
		fields = append(fields, cell{text: bytes.TrimSpace(line[:i]), stray: opens})
		line = line[i+1:]
	}
}

// quoted reads a field after its opening quote. More says that another field follows, in rest.
// Grown is space with the field appended. ok is false if the quote is not closed at the end of
// the field.
func quoted(line, space []byte, delimiter byte) (field, rest []byte, more bool, grown []byte, ok bool) {
	grown = space
	from := len(grown)
	for {
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			return nil, nil, false, space, false
		}
		grown = append(grown, line[:i]...)
		line = line[i+1:]
		if len(line) > 0 && line[0] == '"' {
			grown, line = append(grown, '"'), line[1:]
			continue
		}
		after := bytes.TrimLeft(line, " ")
		switch {
		case len(after) == 0:
			return grown[from:], nil, false, grown, true
		case after[0] == delimiter:
			return grown[from:], after[1:], true, grown, true
		}
		return nil, nil, false, space, false
	}
}

// ignore drops the columns of a wide file that have words, and no number, at the beginning of
// the file: notes, states, units.
func (t *table) ignore(l *layout) error {
	head, _ := t.source.Peek(peekSize)
	numbers, words := make([]int, len(l.names)), make([]int, len(l.names))
	var fields []cell
	var space []byte
	for line := range bytes.Lines(head) {
		if line[len(line)-1] != '\n' && len(head) == peekSize {
			break // cut
		}
		fields, space = split(fields[:0], space[:0], bytes.TrimRight(line, "\r\n"), byte(t.opt.Delimiter))
		for _, i := range l.sensors {
			if i >= len(fields) || fields[i].isMissing() {
				continue
			}
			if t.opt.isWord(fields[i]) {
				words[i]++
			} else {
				numbers[i]++
			}
		}
	}
	return t.drop(l, func(i int) bool { return words[i] > 0 && numbers[i] == 0 })
}

// drop removes the columns for which wordy is true from the sensors of a wide file, and lists
// them in the report. It returns the error of [layout.doubt].
func (t *table) drop(l *layout, wordy func(column int) bool) error {
	kept := l.sensors[:0]
	var dropped []int
	for _, i := range l.sensors {
		if wordy(i) {
			dropped = append(dropped, i)
			t.reader.report.Ignored = append(t.reader.report.Ignored, fmt.Sprintf("%s: %.80s", t.source.name, l.names[i]))
			continue
		}
		kept = append(kept, i)
	}
	l.sensors = kept
	return l.doubt(t.opt, dropped)
}
