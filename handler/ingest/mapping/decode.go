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

// Values of JSON are nil, bool, string, json.Number, []any, and members or
// map[string]any. Numbers stay as they were written: a time in nanoseconds has
// more digits than a float64. NaN and Infinity, which Python writes, are nil.

// members is an object whose members are in the order in which they were
// written: that in which sensors are listed.
type members struct {
	keys   []string
	values []any
}

func (m *members) get(key string) (any, bool) {
	if i := slices.Index(m.keys, key); i >= 0 {
		return m.values[i], true
	}
	return nil, false
}

// text returns the text of a member, "" if it has none.
func (m *members) text(key string) string {
	v, _ := m.get(key)
	s, _ := v.(string)
	return s
}

// object returns the object in a member, nil if it has none.
func (m *members) object(key string) *members {
	v, _ := m.get(key)
	o, _ := objectOf(v)
	return o
}

// has reports whether m has all the members.
func (m *members) has(keys ...string) bool {
	for _, k := range keys {
		if !slices.Contains(m.keys, k) {
			return false
		}
	}
	return true
}

// object2 is object of what may be nil.
func (m *members) object2(key string) *members {
	if m == nil {
		return nil
	}
	return m.object(key)
}

// get2 returns the first of two members that is there.
func (m *members) get2(a, b string) (any, bool) {
	if m == nil {
		return nil, false
	}
	if v, ok := m.get(a); ok && v != nil {
		return v, true
	}
	return m.get(b)
}

// objectOf returns v as members; those of a map, which a program makes, are
// sorted by their names.
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

// decoder reads JSON from text. What it returns shares the text.
type decoder struct {
	text string
	maps bool // objects become map[string]any
}

// value reads the value at text[i], and returns the index after it.
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
	for word, v := range words {
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

var words = map[string]any{"true": true, "false": false, "null": nil, "NaN": nil, "Infinity": nil, "-Infinity": nil}

func (d decoder) fault(i int, want string) error { return fault(d.text, i, want) }

// string reads the string at text[i].
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

// fewMembers is how many members are compared one by one.
const fewMembers = 32

// document is a value in an event, or what is wrong with it.
type document struct {
	raw   []byte
	value any
	err   error
}

// documents reads the values in body, one after the other, in any space between
// them. After a bad one it goes on at the next line that begins with an opening brace or bracket.
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

// foreign says what a text may be that is no JSON. It returns err if it cannot tell.
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

// elements reads the elements of the array that body begins with. After a bad one it goes on
// behind the next comma outside brackets. Whole is false if something in body is not JSON, or follows
// the array; all is empty if body begins with no array.
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
