package devhost

import (
	"bytes"
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// This file writes JSON values as .NET and Json.NET do.

var isoDate = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d)?$`)

// dateText returns what becomes of a string that Json.NET takes for a date:
// its invariant text, in UTC (the host's zone here). ok is false for others.
func dateText(s string) (text string, ok bool) {
	m := isoDate.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	layout := "2006-01-02T15:04:05.999999999"
	if m[2] != "" {
		layout += "Z07:00"
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return "", false
	}
	return t.UTC().Format("01/02/2006 15:04:05"), true
}

// number returns a JSON number as .NET's ToString writes it: integers as they
// are, others in the shortest form, with an exponent from 1E+15 and 1E-05 on.
func number(n json.Number) string {
	if s := n.String(); !strings.ContainsAny(s, ".eE") {
		return s
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	return double(f)
}

func double(f float64) string {
	abs := math.Abs(f)
	if f == 0 || abs >= 1e-4 && abs < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	mantissa, exp, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	return mantissa + "E" + exp // Go writes at least two digits and a sign, as .NET does
}

// jsonDouble is a floating-point number as Json.NET writes it: with a point;
// one that is too large as text.
func jsonDouble(f float64) string {
	if math.IsInf(f, 0) {
		return map[bool]string{true: `"Infinity"`, false: `"-Infinity"`}[f > 0]
	}
	s := double(f)
	if !strings.ContainsAny(s, ".E") {
		s += ".0"
	}
	return s
}

// scalarText returns the .NET text of a JSON scalar; ok is false for null,
// arrays and objects.
func scalarText(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		if d, ok := dateText(v); ok {
			return d, true
		}
		return v, true
	case json.Number:
		return number(v), true
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	}
	return "", false
}

// decodeFirst reads the first JSON value of data as Json.NET does, ignoring
// what follows and a byte order mark before. Objects keep their order.
func decodeFirst(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))))
	dec.UseNumber()
	return decodeValue(dec)
}

// members is a JSON object in the order it was written.
type members []member

type member struct {
	name  string
	value any
}

func decodeValue(dec *json.Decoder) (any, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch tok {
	case json.Delim('{'):
		obj := members{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeValue(dec)
			if err != nil {
				return nil, err
			}
			obj = append(obj, member{name.(string), v})
		}
		_, err := dec.Token()
		return obj, err
	case json.Delim('['):
		arr := []any{}
		for dec.More() {
			v, err := decodeValue(dec)
			if err != nil {
				return nil, err
			}
			arr = append(arr, v)
		}
		_, err := dec.Token()
		return arr, err
	}
	return tok, nil
}

// get returns the member called name, exactly.
func (m members) get(name string) (any, bool) {
	for _, x := range m {
		if x.name == name {
			return x.value, true
		}
	}
	return nil, false
}

// getFold is get without regard to case.
func (m members) getFold(name string) (any, bool) {
	for _, x := range m {
		if strings.EqualFold(x.name, name) {
			return x.value, true
		}
	}
	return nil, false
}

// appendValue appends v as Json.NET serializes it: compact, or over several
// lines if indent is not negative.
func appendValue(b []byte, v any, indent int) []byte {
	switch v := v.(type) {
	case string:
		return appendJSONString(b, v)
	case json.Number:
		if s := v.String(); !strings.ContainsAny(s, ".eE") {
			return append(b, s...)
		}
		f, _ := v.Float64()
		return append(b, jsonDouble(f)...)
	case bool:
		return strconv.AppendBool(b, v)
	case members:
		return appendList(b, '{', '}', len(v), indent, func(b []byte, i, in int) []byte {
			b = append(appendJSONString(b, v[i].name), ':')
			if in >= 0 {
				b = append(b, ' ')
			}
			return appendValue(b, v[i].value, in)
		})
	case []any:
		return appendList(b, '[', ']', len(v), indent, func(b []byte, i, in int) []byte {
			return appendValue(b, v[i], in)
		})
	}
	return append(b, "null"...)
}

func appendList(b []byte, open, end byte, n, indent int, element func(b []byte, i, indent int) []byte) []byte {
	newline := func(b []byte, depth int) []byte {
		if indent < 0 {
			return b
		}
		return append(append(b, '\n'), strings.Repeat("  ", depth)...)
	}
	inner := indent
	if indent >= 0 {
		inner++
	}
	b = append(b, open)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(newline(b, indent+1), i, inner)
	}
	if n > 0 {
		b = newline(b, indent)
	}
	return append(b, end)
}

func compact(v any) string  { return string(appendValue(nil, v, -1)) }
func indented(v any) string { return string(appendValue(nil, v, 0)) }

// lift adds to o the properties that the host takes from a JSON object's top
// level: scalars as text, objects as they are, arrays and nulls not at all.
func lift(o *object, v any) {
	obj, _ := v.(members)
	for _, m := range obj {
		if text, ok := scalarText(m.value); ok {
			o.set(m.name, twice(text))
		} else if nested, ok := m.value.(members); ok {
			o.set(m.name, appendValue(nil, nested, -1))
		}
	}
}
