package tabular

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/notation"
)

// json reads JSON lines, a JSON array of objects, or objects one after the other. An object is
// a row or, see [Options.oriented], many rows. Its members are the columns. Members of a nested
// object are columns too. Their names are outer.inner, or inner alone if outer is one of
// [holders].
func (t *table) json() error {
	in := &lines{Reader: t.source.Reader}
	layouts := make(map[string]*layout)
	head, _ := in.Peek(peekSize)
	t.learnHead(head)
	first, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t\r\n"), []byte{'\n'})
	if len(first) > 0 && (first[0] == '[' || !json.Valid(first) && (len(first) < len(head) || isLarge(first))) {
		return t.values(in, layouts)
	}
	place := func() string { return fmt.Sprintf("%s:%d", t.source.name, in.n) }
	for {
		line, tooLong, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return t.broken(in.n, err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var object map[string]any
		err = decode(line, &object)
		switch {
		case tooLong:
			err = fmt.Errorf("%w: the line has more than %d bytes", fleet.ErrInvalid, maxLine)
		case err != nil:
			err = fmt.Errorf("%w: the line is no JSON object: %w", fleet.ErrInvalid, err)
		default:
			err = t.object(object, layouts, place)
			if err != nil {
				return err
			}
			continue
		}
		t.reader.report.Rows++
		if err := t.reader.refuse(place(), err); err != nil {
			return err
		}
	}
}

// isLarge reports whether the object that begins with first may hold many rows: its first member
// is an object or a list. Such an object may be longer than the longest line.
func isLarge(first []byte) bool {
	d := json.NewDecoder(bytes.NewReader(first))
	open, _ := d.Token()
	_, err := d.Token()
	inner, _ := d.Token()
	return err == nil && open == json.Delim('{') && (inner == json.Delim('{') || inner == json.Delim('['))
}

// decode reads a line, which must be one JSON value. Numbers become [json.Number].
func decode(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more follows after it")
	}
	return nil
}

// values reads a stream of JSON values: objects, and arrays of objects.
func (t *table) values(in *lines, layouts map[string]*layout) error {
	d := json.NewDecoder(in)
	d.UseNumber()
	n, depth := 0, 0
	for {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) && !d.More() {
			return nil
		}
		for d.More() {
			head, err := d.Token()
			if delim, ok := head.(json.Delim); err == nil && ok && delim == '[' && depth == 0 {
				depth++
				continue
			}
			var object map[string]any
			if err == nil {
				object, err = rest(d, head)
			}
			n++
			if errors.Is(err, errNoObject) {
				return fmt.Errorf("%s: %w: %w", t.source.name, fleet.ErrInvalid, err)
			}
			if err != nil {
				return t.broken(n, err)
			}
			place := func() string { return fmt.Sprintf("%s: row %d", t.source.name, n) }
			if err := t.object(object, layouts, place); err != nil {
				return err
			}
		}
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return t.broken(n, err)
		}
		depth--
	}
}

var errNoObject = errors.New("objects are wanted, one for each row: lists and single values have no names of columns")

// rest reads an object whose first token has been read. The error is [errNoObject] if the token
// is not an opening brace.
func rest(d *json.Decoder, head json.Token) (map[string]any, error) {
	if head != json.Delim('{') {
		return nil, errNoObject
	}
	object := make(map[string]any)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		object[key.(string)] = value
	}
	_, err := d.Token()
	return object, err
}

// holders are names of members whose objects hold the values of a wide row, as [notation.Plain]
// writes them.
var holders = []string{"values", "fields", "measurements", "telemetry", "metrics", "tags", "data", "signals", "sensors", "payload", "body", "properties"}

// object reads an object that is one row or many.
func (t *table) object(object map[string]any, layouts map[string]*layout, place func() string) error {
	rows, many, err := t.opt.oriented(object)
	if err != nil {
		t.reader.report.Rows++
		return t.reader.refuse(place(), err)
	}
	if !many {
		return t.objectRow(object, layouts, place)
	}
	for _, row := range rows {
		t.learn(row)
	}
	for i, row := range rows {
		if err := t.objectRow(row, layouts, func() string { return fmt.Sprintf("%s, row %d of it", place(), i+1) }); err != nil {
			return err
		}
	}
	return nil
}

// objectRow reads an object that is one row. It keeps the layout of each set of columns in
// layouts.
func (t *table) objectRow(object map[string]any, layouts map[string]*layout, place func() string) error {
	columns, cells := flattened(object)
	shape := strings.Join(columns, "\x00")
	l := layouts[shape]
	if l == nil {
		var err error
		if l, err = t.opt.locate(columns, t.source.name); err != nil {
			t.reader.report.Rows++
			return t.reader.refuse(place(), err)
		}
		if len(layouts) < maxShapes {
			layouts[shape] = l
		}
	}
	// Words are no error in a column that has had no number: they are notes.
	var wordy []int
	for _, i := range l.sensors {
		if t.numeric[l.names[i]] || cells[i].kind == missing || cells[i].isMissing() {
			continue
		}
		if t.opt.isWord(cells[i]) {
			wordy = append(wordy, i)
		} else {
			t.addNumeric(l.names[i])
		}
	}
	if err := l.doubt(t.opt, wordy); err != nil {
		t.reader.report.Rows++
		return t.reader.refuse(place(), err)
	}
	for _, i := range wordy {
		cells[i].kind = note
		t.reportIgnored(l.names[i])
	}
	return t.row(l, cells, place)
}

// addNumeric remembers that a column has numbers.
func (t *table) addNumeric(column string) {
	if t.numeric == nil {
		t.numeric = make(map[string]bool)
	}
	if len(t.numeric) < maxColumns {
		t.numeric[column] = true
	}
}

// reportIgnored adds a column to those that the report lists as ignored.
func (t *table) reportIgnored(column string) {
	line := fmt.Sprintf("%s: %.80s", t.source.name, column)
	if len(t.reader.report.Ignored) < maxColumns && !slices.Contains(t.reader.report.Ignored, line) {
		t.reader.report.Ignored = append(t.reader.report.Ignored, line)
	}
}

// learn remembers which columns of a row have numbers.
func (t *table) learn(row map[string]any) {
	columns, cells := flattened(row)
	for i, c := range cells {
		if c.kind != missing && !c.isMissing() && !t.opt.isWord(c) {
			t.addNumeric(columns[i])
		}
	}
}

// learnHead remembers which columns have numbers in the rows at the beginning of a file.
func (t *table) learnHead(head []byte) {
	d := json.NewDecoder(bytes.NewReader(head))
	d.UseNumber()
	if begin := bytes.TrimLeft(head, " \t\r\n"); len(begin) > 0 && begin[0] == '[' {
		_, _ = d.Token()
	}
	for d.More() {
		var row map[string]any
		if d.Decode(&row) != nil {
			return
		}
		if _, many, _ := t.opt.oriented(row); !many { // object learns the rows of a table
			t.learn(row)
		}
	}
}

// flattened returns the columns and cells of a row, with those of nested objects.
func flattened(object map[string]any) (columns []string, cells []cell) {
	var add func(prefix string, object map[string]any, depth int)
	add = func(prefix string, object map[string]any, depth int) {
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if inner, ok := object[key].(map[string]any); ok && depth < 4 {
				below := prefix + key + "."
				if slices.Contains(holders, notation.Plain(key)) {
					below = prefix
				}
				add(below, inner, depth+1)
				continue
			}
			columns, cells = append(columns, prefix+key), append(cells, jsonCell(object[key]))
		}
	}
	add("", object, 0)
	return columns, cells
}

const (
	maxColumns = 10_000 // columns of a JSON file that are remembered
	maxShapes  = 1000   // sets of columns whose layouts are remembered
)

// jsonCell returns a value as a cell.
func jsonCell(v any) cell {
	switch v := v.(type) {
	case nil:
		return cell{kind: missing}
	case string:
		return cell{text: []byte(strings.TrimSpace(v))}
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return cell{text: []byte(v)}
		}
		return cell{kind: number, number: f, text: []byte(v)}
	case bool:
		c := cell{kind: number, text: []byte("false")}
		if v {
			c = cell{kind: number, number: 1, text: []byte("true")}
		}
		return c
	}
	return cell{kind: other}
}
