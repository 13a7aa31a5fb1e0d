// Package jsonfile reads JSON files that people write, by a JSON Schema: its errors
// say line and column of the first mistake.
package jsonfile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a zone is known on every machine

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Schema is a JSON Schema. It is safe for concurrent use.
type Schema struct{ compiled *jsonschema.Schema }

// Compile returns the schema in text. Beside the standard's formats it knows
// time-zone, a name in the IANA database, and those given, each of which says what
// is wrong with a string. A schema that is wrong is a fault of the program: it panics.
func Compile(text []byte, formats map[string]func(string) error) *Schema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	register := func(name string, check func(string) error) {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			if text, ok := v.(string); ok {
				return check(text)
			}
			return nil
		}})
	}
	register("time-zone", func(text string) error {
		if _, err := time.LoadLocation(text); err != nil || text == "Local" {
			return fmt.Errorf("%q is no time zone: write its IANA name, such as Europe/Berlin", text)
		}
		return nil
	})
	for name, check := range formats {
		register(name, check)
	}
	const name = "schema.json"
	if err := c.AddResource(name, document); err != nil {
		panic(err)
	}
	return &Schema{c.MustCompile(name)}
}

// Error is the first mistake in a file.
type Error struct {
	Line, Column int // from 1; a column is a character
	Text         string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
}

// Read reads a file, which may begin with a byte order mark, into a value, and
// then calls check, which says with [Wrong] what the schema cannot. A mistake is an
// [*Error].
func (s *Schema) Read(data []byte, into any, check func() error) error {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	places, err := locate(data)
	if err == nil {
		err = s.validate(data, places)
	}
	if err == nil {
		err = decode(data, into)
	}
	if err == nil {
		err = check()
	}
	var m *mistake
	if errors.As(err, &m) {
		line, column := position(data, places.at(m))
		return &Error{line, column, m.text}
	}
	return err
}

// decode fills a value from a text that fits the schema. What it may still refuse is a
// number: 3.0 for a whole one, or one beyond float64.
func decode(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var number *json.UnmarshalTypeError
	if errors.As(err, &number) {
		return &mistake{offset: max(1, number.Offset-1), text: fmt.Sprintf("%q cannot be read: write a whole number without point and exponent, any other within ±1.8e308", number.Field)}
	}
	return err
}

// mistake is what is wrong at a place of a file: at its offset, or, where
// that is 0, at the value that path leads to.
type mistake struct {
	offset int64
	path   []string
	text   string
}

func (m *mistake) Error() string { return m.text }

// Wrong returns the mistake at the value that path leads to.
func Wrong(path []string, format string, args ...any) error {
	return &mistake{path: path, text: fmt.Sprintf(format, args...)}
}

// places are the offsets of values by their paths, joined by NUL.
type places map[string]int64

func (p places) at(m *mistake) int64 {
	if m.offset > 0 {
		return m.offset
	}
	for n := len(m.path); n > 0; n-- {
		if offset, ok := p[strings.Join(m.path[:n], "\x00")]; ok {
			return offset
		}
	}
	return p[""]
}

// position returns the line and column of an offset, both from 1; a column is a
// character.
func position(data []byte, offset int64) (line, column int) {
	before := data[:min(int64(len(data)), offset)]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, len([]rune(string(before[bytes.LastIndexByte(before, '\n')+1:]))) + 1
}

// locate finds where the values of a JSON text are. Its errors are mistakes: of
// syntax, and a name that one object has twice.
func locate(data []byte) (places, error) {
	found := places{}
	var text json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(data, &text); errors.As(err, &syntax) {
		return found, &mistake{offset: max(1, syntax.Offset-1), text: "this is no JSON: " + syntax.Error()}
	} else if err != nil {
		return found, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return found, locateValue(data, d, nil, found)
}

const maxDepth = 20

func locateValue(data []byte, d *json.Decoder, path []string, found places) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	offset := d.InputOffset()
	if _, name := token.(json.Delim); name {
		offset--
	} else {
		// Back over the token, which InputOffset stands behind.
		offset = start(data, offset, token)
	}
	if len(path) > maxDepth {
		return &mistake{offset: offset, text: "values are nested too deeply"}
	}
	found[strings.Join(path, "\x00")] = offset
	switch token {
	case json.Delim('{'):
		names := map[string]bool{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name := key.(string) // the decoder takes nothing else here
			if names[name] {
				return &mistake{offset: start(data, d.InputOffset(), key), text: fmt.Sprintf("%q stands here a second time", name)}
			}
			names[name] = true
			if err := locateValue(data, d, append(slices.Clip(path), name), found); err != nil {
				return err
			}
		}
		_, err = d.Token()
	case json.Delim('['):
		for i := 0; d.More(); i++ {
			if err := locateValue(data, d, append(slices.Clip(path), strconv.Itoa(i)), found); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

// start returns where the token begins that ends at end.
func start(data []byte, end int64, token json.Token) int64 {
	i := end - 1
	if _, text := token.(string); text {
		for i--; i > 0; i-- {
			if data[i] != '"' {
				continue
			}
			slashes := i
			for slashes > 0 && data[slashes-1] == '\\' {
				slashes--
			}
			if (i-slashes)%2 == 0 {
				break
			}
		}
		return max(0, i)
	}
	for i > 0 && !bytes.ContainsRune([]byte(" \t\r\n,:[{"), rune(data[i-1])) {
		i--
	}
	return i
}

// validate checks a JSON text against the schema. Its error is a mistake.
func (s *Schema) validate(data []byte, found places) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	err = s.compiled.Validate(document)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	first := slices.MinFunc(withoutConsequences(leaves(invalid)), func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(cmp.Compare(found.at(&mistake{path: pathOf(a)}), found.at(&mistake{path: pathOf(b)})), strings.Compare(sentence(a), sentence(b)))
	})
	return &mistake{path: pathOf(first), text: sentence(first)}
}

// withoutConsequences leaves out that a member is missing where the same object has a member
// that nobody knows: it is that member, with a typing error.
func withoutConsequences(all []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	unknown := map[string]bool{} // objects
	for _, e := range all {
		if _, is := e.ErrorKind.(*kind.AdditionalProperties); is {
			unknown[strings.Join(e.InstanceLocation, "\x00")] = true
		}
	}
	return slices.DeleteFunc(all, func(e *jsonschema.ValidationError) bool {
		_, required := e.ErrorKind.(*kind.Required)
		_, dependent := e.ErrorKind.(*kind.DependentRequired)
		return (required || dependent) && unknown[strings.Join(e.InstanceLocation, "\x00")]
	})
}

// leaves returns the mistakes that e gathers; of alternatives, the one that comes
// nearest to what was meant.
func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	if _, alternatives := e.ErrorKind.(*kind.AnyOf); !alternatives {
		return all
	}
	return []*jsonschema.ValidationError{slices.MaxFunc(all, func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(cmp.Compare(nearness(a), nearness(b)), strings.Compare(sentence(a), sentence(b)))
	})}
}

// nearness is larger for a mistake deeper in the text, and for one that is not of
// the wrong type.
func nearness(e *jsonschema.ValidationError) int {
	if _, other := e.ErrorKind.(*kind.Type); other {
		return 2 * len(e.InstanceLocation)
	}
	return 2*len(e.InstanceLocation) + 1
}

func pathOf(e *jsonschema.ValidationError) []string {
	if k, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
		return append(slices.Clip(e.InstanceLocation), slices.Min(k.Properties))
	}
	return e.InstanceLocation
}

// sentence says what is wrong with the value at which e stands.
func sentence(e *jsonschema.ValidationError) string {
	what := "the file"
	if n := len(e.InstanceLocation); n > 0 {
		what = strconv.Quote(e.InstanceLocation[n-1])
		if _, err := strconv.Atoi(e.InstanceLocation[n-1]); err == nil && n > 1 {
			what = "an element of " + strconv.Quote(e.InstanceLocation[n-2])
		}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		return fmt.Sprintf("%s takes no %q", what, slices.Min(k.Properties))
	case *kind.Required:
		return fmt.Sprintf("%s lacks %q", what, k.Missing[0])
	case *kind.DependentRequired:
		return fmt.Sprintf("%s has %q, which needs %q beside it", what, k.Prop, k.Missing[0])
	case *kind.Format:
		return fmt.Sprintf("%s: %v", what, k.Err)
	}
	return what + ": " + e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
}
