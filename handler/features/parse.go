package features

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // clock columns know every zone on every machine

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// MaxFile is the size of the largest features file that is read.
const MaxFile = 1 << 20

// Schema is the JSON Schema of features files.
//
//go:embed features.schema.json
var Schema []byte

// Parse reads a features file and checks it. Its error wraps
// [fleet.ErrBadModel], and names line and column of the first mistake.
func Parse(data []byte) (*Spec, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: features file: %d bytes are more than %d", fleet.ErrBadModel, len(data), MaxFile)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	places, err := locate(data)
	if err == nil {
		err = validate(data, places)
	}
	spec := &Spec{}
	if err == nil {
		err = decode(data, spec)
	}
	if err == nil {
		err = spec.check()
	}
	if err != nil {
		var m *mistake
		if errors.As(err, &m) {
			line, column := position(data, places.at(m))
			return nil, fmt.Errorf("%w: features file, line %d, column %d: %s", fleet.ErrBadModel, line, column, m.text)
		}
		return nil, fmt.Errorf("%w: features file: %w", fleet.ErrBadModel, err)
	}
	return spec, nil
}

// decode fills spec from a text that fits the schema. What it may still refuse is a
// number: 3.0 for a whole one, or one beyond float64.
func decode(data []byte, spec *Spec) error {
	err := json.Unmarshal(data, spec)
	var number *json.UnmarshalTypeError
	if errors.As(err, &number) {
		return &mistake{offset: max(1, number.Offset-1), text: fmt.Sprintf("%q cannot be read: write a whole number without point and exponent, any other within ±1.8e308", number.Field)}
	}
	return err
}

// mistake is what is wrong at a place of a features file: at its offset, or, where
// that is 0, at the value that path leads to.
type mistake struct {
	offset int64
	path   []string
	text   string
}

func (m *mistake) Error() string { return m.text }

func wrong(path []string, format string, args ...any) error {
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

// schema is compiled once.
var schema = sync.OnceValue(func() *jsonschema.Schema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "pandas-offset", Validate: func(v any) error {
		text, ok := v.(string)
		if !ok {
			return nil
		}
		_, err := parseDuration(text)
		return err
	}})
	c.RegisterFormat(&jsonschema.Format{Name: "time-zone", Validate: func(v any) error {
		text, ok := v.(string)
		if !ok {
			return nil
		}
		if _, err := time.LoadLocation(text); err != nil || text == "Local" {
			return fmt.Errorf("%q is no time zone: write its IANA name, such as Europe/Berlin", text)
		}
		return nil
	}})
	const name = "features.schema.json"
	if err := c.AddResource(name, document); err != nil {
		panic(err)
	}
	return c.MustCompile(name)
})

// validate checks a JSON text against the schema. Its error is a mistake.
func validate(data []byte, found places) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	err = schema().Validate(document)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	first := slices.MinFunc(leaves(invalid), func(a, b *jsonschema.ValidationError) int {
		return cmp.Or(cmp.Compare(found.at(&mistake{path: pathOf(a)}), found.at(&mistake{path: pathOf(b)})), strings.Compare(sentence(a), sentence(b)))
	})
	return &mistake{path: pathOf(first), text: sentence(first)}
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
