package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// A JSON value is one of nil, bool, string, json.Number, []any, and for an object *members
// or map[string]any. Numbers keep their text, because a time in nanoseconds has more digits
// than a float64. NaN and Infinity, which Python writes, become nil.

// members is an object whose members are in the order of the text. Sensors are listed in
// this order.
type members struct {
	keys   []string
	values []any
}

// get returns the value of a member. ok is false if m is nil or lacks it.
func (m *members) get(key string) (v any, ok bool) {
	if m == nil {
		return nil, false
	}
	if i := slices.Index(m.keys, key); i >= 0 {
		return m.values[i], true
	}
	return nil, false
}

// text returns a member that is a string, else "".
func (m *members) text(key string) string {
	v, _ := m.get(key)
	s, _ := v.(string)
	return s
}

// object returns a member that is an object, else nil.
func (m *members) object(key string) *members {
	v, _ := m.get(key)
	o, _ := objectOf(v)
	return o
}

// has reports whether m has all these members.
func (m *members) has(keys ...string) bool {
	for _, k := range keys {
		if !slices.Contains(m.keys, k) {
			return false
		}
	}
	return true
}

// either returns the member a if it is there and not null, else the member b.
func (m *members) either(a, b string) (any, bool) {
	if v, ok := m.get(a); ok && v != nil {
		return v, true
	}
	return m.get(b)
}

// objectOf returns the members of v. ok is false if v is no object. The members of a map,
// which a program makes, are sorted by name.
func objectOf(v any) (*members, bool) {
	switch v := v.(type) {
	case *members:
		return v, true
	case map[string]any:
		m := &members{keys: slices.Sorted(maps.Keys(v)), values: make([]any, 0, len(v))}
		for _, k := range m.keys {
			m.values = append(m.values, v[k])
		}
		return m, true
	}
	return nil, false
}

// decoder reads JSON. The strings and numbers that it returns share the memory of text.
type decoder struct {
	text string
	maps bool // return objects as map[string]any, not as *members
}

// value reads the value that begins at text[i] and returns the index after it. Depth is how
// many brackets are open.
func (d decoder) value(i, depth int) (any, int, error) {
	if depth > maxDepth {
		return nil, 0, fmt.Errorf("%w: brackets are nested deeper than %d at byte %d", fleet.ErrInvalid, maxDepth, i)
	}
	if i >= len(d.text) {
		return nil, 0, d.fault(i, "a value")
	}
	switch d.text[i] {
	case '{':
		return d.object(i, depth)
	case '[':
		return d.array(i, depth)
	case '"':
		return d.string(i)
	}
	for word, v := range literals {
		if strings.HasPrefix(d.text[i:], word) {
			return v, i + len(word), nil
		}
	}
	n := number(d.text[i:])
	if n == 0 {
		return nil, 0, d.fault(i, "a value")
	}
	return json.Number(d.text[i : i+n]), i + n, nil
}

var literals = map[string]any{"true": true, "false": false, "null": nil, "NaN": nil, "Infinity": nil, "-Infinity": nil}

func (d decoder) fault(i int, want string) error { return fault(d.text, i, want) }

// string reads the string that begins at text[i] and returns the index after it.
func (d decoder) string(i int) (any, int, error) {
	end, escaped, err := scanString(d.text, i)
	if err != nil {
		return nil, 0, err
	}
	if !escaped {
		return d.text[i+1 : end-1], end, nil
	}
	var s string
	if err := json.Unmarshal([]byte(d.text[i:end]), &s); err != nil {
		return nil, 0, fmt.Errorf("%w: %.60q is no JSON string: %v", fleet.ErrInvalid, d.text[i:end], err)
	}
	return s, end, nil
}

func (d decoder) array(i, depth int) (any, int, error) {
	list := []any{}
	for i = space(d.text, i+1); ; i = space(d.text, i+1) {
		if len(list) == 0 && i < len(d.text) && d.text[i] == ']' {
			return list, i + 1, nil
		}
		v, end, err := d.value(i, depth+1)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, v)
		if i = space(d.text, end); i < len(d.text) && d.text[i] == ']' {
			return list, i + 1, nil
		}
		if i >= len(d.text) || d.text[i] != ',' {
			return nil, 0, d.fault(i, "a comma or the end of the array")
		}
	}
}

func (d decoder) object(i, depth int) (any, int, error) {
	m := &members{}
	byName := map[string]any{}
	for i = space(d.text, i+1); ; i = space(d.text, i+1) {
		if len(m.keys) == 0 && len(byName) == 0 && i < len(d.text) && d.text[i] == '}' {
			break
		}
		k, end, err := d.string(i)
		if err != nil {
			return nil, 0, err
		}
		if i = space(d.text, end); i >= len(d.text) || d.text[i] != ':' {
			return nil, 0, d.fault(i, "a colon")
		}
		v, end, err := d.value(space(d.text, i+1), depth+1)
		if err != nil {
			return nil, 0, err
		}
		key := k.(string)
		twice := false
		if d.maps {
			_, twice = byName[key]
			byName[key] = v
		} else {
			twice = len(m.keys) < fewMembers && slices.Contains(m.keys, key)
			m.keys, m.values = append(m.keys, key), append(m.values, v)
		}
		if twice {
			return nil, 0, fmt.Errorf("%w: %.80q is given twice", fleet.ErrInvalid, key)
		}
		i = space(d.text, end)
		if i < len(d.text) && d.text[i] == '}' {
			break
		}
		if i >= len(d.text) || d.text[i] != ',' {
			return nil, 0, d.fault(i, "a comma or a closing brace")
		}
	}
	if d.maps {
		return byName, i + 1, nil
	}
	if len(m.keys) >= fewMembers {
		seen := make(map[string]bool, len(m.keys))
		for _, k := range m.keys {
			if seen[k] {
				return nil, 0, fmt.Errorf("%w: %.80q is given twice", fleet.ErrInvalid, k)
			}
			seen[k] = true
		}
	}
	return m, i + 1, nil
}

// fewMembers is how many keys are compared one by one to find a repeated one. Larger objects
// use a map.
const fewMembers = 32

// document is one value in the body of an event.
type document struct {
	raw   []byte // its text
	value any
	err   error // why it cannot be read; value is nil then
}

// documents reads the values in body. White space may stand between them. After a value with
// an error it continues at the next line that begins with an opening brace.
func documents(body []byte, asMaps bool) []document {
	if !utf8.Valid(body) {
		return []document{{body, nil, fmt.Errorf("%w: it is not UTF-8, and neither compressed nor Avro: binary formats such as protocol buffers, CBOR or MessagePack are not read", fleet.ErrInvalid)}}
	}
	d := decoder{string(body), asMaps}
	var all []document
	for i := space(d.text, 0); i < len(d.text); i = space(d.text, i) {
		v, end, err := d.value(i, 0)
		if err != nil {
			end = lineElementEnd(body, i)
			err = foreign(d.text[i:end], err)
		} else if after := space(d.text, end); after < len(d.text) && !asMaps && lineEnd(body, end) < 0 && d.text[after] != '{' && d.text[after] != '[' {
			end = lineElementEnd(body, i)
			v, err = nil, fmt.Errorf("%w: there is text after the value", fleet.ErrInvalid)
		}
		all = append(all, document{body[i:end], v, err})
		i = end
	}
	return all
}

// foreign returns an error that names the format of a text that is no JSON. It returns err if
// it does not recognise the format.
func foreign(text string, err error) error {
	line, _, _ := strings.Cut(text, "\n")
	switch {
	case text[0] == '<':
		return fmt.Errorf("%w: it begins as XML or HTML does, which is not read: let the sender write JSON", fleet.ErrInvalid)
	case strings.HasPrefix(text, "{'") || strings.HasPrefix(text, "[{'"):
		return fmt.Errorf("%w: its names stand in single quotes, as Python prints a dict: json.dumps writes JSON", fleet.ErrInvalid)
	case text[0] != '{' && text[0] != '[' && strings.ContainsAny(line, ",;\t|"):
		return fmt.Errorf("%w: it is no JSON. If it is CSV, the setting INGEST_CSV must name its columns", fleet.ErrInvalid)
	}
	return err
}

// elements reads the elements of the array that body begins with. After an element with an
// error it continues after the next comma outside brackets. All is empty if body does not
// begin with an array. Whole is false if an element has an error, or text follows the array.
func elements(body []byte) (all []document, whole bool) {
	d := decoder{text: string(body)}
	i := space(d.text, 0)
	if i >= len(d.text) || d.text[i] != '[' || !utf8.Valid(body) {
		return nil, false
	}
	whole = true
	for i = space(d.text, i+1); ; i = space(d.text, i+1) {
		if len(all) == 0 && i < len(d.text) && d.text[i] == ']' {
			break
		}
		v, end, err := d.value(i, 1)
		next := end
		if err == nil {
			if next = space(d.text, end); next >= len(d.text) || d.text[next] != ',' && d.text[next] != ']' {
				err = d.fault(next, "a comma or the end of the array")
			}
		}
		if err != nil {
			end, next = elementEnd(body, i)
			v, whole = nil, false
		}
		all = append(all, document{body[i:end], v, err})
		if next == len(d.text) {
			return all, false
		}
		if i = next; d.text[i] == ']' {
			break
		}
	}
	if rest := space(d.text, i+1); rest < len(d.text) {
		return append(all, document{body[rest:], nil, fmt.Errorf("%w: there is text after the array", fleet.ErrInvalid)}), false
	}
	return all, whole
}
