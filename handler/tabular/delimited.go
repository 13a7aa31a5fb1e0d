package tabular

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Bounds on a line, and on the lines that one record in quotes may take.
const (
	maxLine   = 4 << 20
	maxJoined = 20
)

// lines reads lines and counts them.
type lines struct {
	*bufio.Reader
	n    int    // of the line read last
	long []byte // of a line longer than the buffer
}

// next returns the next line without its end; it is valid until the line after
// it is read. Over maxLine bytes it is cut, with long set.
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

// delimited reads a file of fields with a delimiter between them. Its first line
// names the columns, but for comments and titles before it.
func (t *table) delimited() error {
	in := &lines{Reader: t.source.Reader}
	head, l, err := t.header(in, &t.opt)
	if err != nil {
		return err
	}
	t.ignore(l)
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
			// A field in quotes that goes on in the next lines, or a stray quote.
			record = append(record[:0], line...)
			record = joined(in, record, byte(t.opt.Delimiter), len(head))
			line = record
		}
		fields, space = split(fields[:0], space[:0], line, byte(t.opt.Delimiter))
		if err := t.row(l, fields, place); err != nil {
			return err
		}
	}
}

// maxTitles is how many lines of comments and titles may stand before the names
// of the columns.
const maxTitles = 100

// header reads the line that names the columns, and finds the delimiter if none is
// said. A line "sep=;", as spreadsheets write it, says it. Lines before it that are
// empty, begin with # or have a single field are passed over, unless they name the
// columns. The error is that of the first line that does not.
func (t *table) header(in *lines, opt *Options) ([]string, *layout, error) {
	var first error
	for titles := 0; ; {
		line, tooLong, err := in.next()
		switch {
		case errors.Is(err, io.EOF) && first != nil:
			return nil, nil, first
		case errors.Is(err, io.EOF):
			return nil, nil, fmt.Errorf("%s: %w: the file is empty: its first line must name the columns", t.source.name, fleet.ErrInvalid)
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
		if err == nil && !(comment && head[l.time] == "") {
			opt.Delimiter = between
			return head, l, nil
		}
		if first == nil && err != nil {
			first = fmt.Errorf("%s:%d: %w", t.source.name, in.n, err)
		}
		if titles++; !comment && len(fields) > 1 || titles > maxTitles {
			if comment || len(fields) == 1 {
				return nil, nil, first
			}
			return nil, nil, fmt.Errorf("%s:%d: %w", t.source.name, in.n, err)
		}
	}
}

// delimiter returns the one of , ; tab and | that divides the header into most
// fields.
func delimiter(line []byte) rune {
	best, most := ',', 0
	for _, d := range []byte(",;\t|") {
		if fields, _ := split(nil, nil, line, d); len(fields) > most {
			best, most = rune(d), len(fields)
		}
	}
	return best
}

// broken says where the content could not be read on: a damaged archive, say.
func (t *table) broken(line int, err error) error {
	return fmt.Errorf("%s:%d: %w: the file is damaged or cut off: %w", t.source.name, line, fleet.ErrInvalid, err)
}

// odd reports whether a line has an odd number of quotes.
func odd(line []byte) bool { return bytes.Count(line, []byte{'"'})%2 == 1 }

// joined adds the lines to record up to the one that closes its quotes. If
// none does nearby, or what it makes has not as many fields as the header, the
// quote was a stray one, and record stays as it is.
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

// split appends the fields of a line to fields; what was in quotes and had
// doubled ones goes to space. A quote within a field stands for itself, and so
// does one that nothing closes.
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

// quoted reads a field after its opening quote. More reports whether another
// field follows, in rest.
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

// ignore drops the columns of a wide file that hold no number in the part that
// was peeked at: notes, states, units.
func (t *table) ignore(l *layout) {
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
			if _, err := t.opt.value(fields[i]); err == nil {
				numbers[i]++
			} else {
				words[i]++
			}
		}
	}
	t.drop(l, func(i int) bool { return words[i] > 0 && numbers[i] == 0 })
}

// drop takes the columns that hold no numbers from the sensors, and says so in
// the report.
func (t *table) drop(l *layout, wordy func(column int) bool) {
	kept := l.sensors[:0]
	for _, i := range l.sensors {
		if wordy(i) {
			t.reader.report.Ignored = append(t.reader.report.Ignored, fmt.Sprintf("%s: %.80s", t.source.name, l.names[i]))
			continue
		}
		kept = append(kept, i)
	}
	l.sensors = kept
}
