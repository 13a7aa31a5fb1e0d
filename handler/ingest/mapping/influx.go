package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// pointLines reads a body that is lines of InfluxDB's protocol, each as the JSON
// object that Telegraf writes of it: name, tags, fields and timestamp. ok is false if
// the first line is none.
//
// https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
func pointLines(body []byte, asMaps bool) (all []document, ok bool) {
	text := string(body)
	for at := 0; at < len(text); {
		if at = space(text, at); at == len(text) {
			break
		}
		if text[at] == '#' {
			at = endOfLine(text, at)
			continue
		}
		p := pointReader{text: text, at: at}
		o, err := p.point()
		if err != nil {
			if len(all) == 0 {
				return nil, false
			}
			p.at = endOfLine(text, at)
			all = append(all, document{raw: body[at:p.at], err: err})
		} else {
			all = append(all, document{raw: body[at:p.at], value: plainMaps(o, asMaps)})
		}
		at = p.at
	}
	return all, len(all) > 0
}

// endOfLine returns the index of the line break or end of s at or after i.
func endOfLine(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

// plainMaps returns o as programs want it, if they do.
func plainMaps(o *members, asMaps bool) any {
	if !asMaps {
		return o
	}
	m := make(map[string]any, len(o.keys))
	for i, k := range o.keys {
		m[k] = o.values[i]
		if inner, ok := o.values[i].(*members); ok {
			m[k] = plainMaps(inner, true)
		}
	}
	return m
}

// pointReader reads a line of InfluxDB's protocol.
type pointReader struct {
	text string
	at   int
}

func (p *pointReader) fault(want string) error { return fault(p.text, p.at, want) }

// point reads a line up to its end.
func (p *pointReader) point() (*members, error) {
	tags, fields := &members{}, &members{}
	name := p.word(", ")
	if name == "" || strings.Trim(name[:1], `{["`) == "" {
		return nil, p.fault("the name of a measurement")
	}
	for p.next(',') {
		key := p.word(",= ")
		if key == "" || !p.next('=') {
			return nil, p.fault("a tag")
		}
		if err := tags.add(key, p.word(", ")); err != nil {
			return nil, err
		}
	}
	if !p.blanks() {
		return nil, p.fault("a blank before the fields")
	}
	for first := true; first || p.next(','); first = false {
		key := p.word(",= ")
		if key == "" || !p.next('=') {
			return nil, p.fault("a field")
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		if err := fields.add(key, v); err != nil {
			return nil, err
		}
	}
	o := &members{keys: []string{"name", "tags", "fields"}, values: []any{name, tags, fields}}
	if p.blanks() {
		if n := number(p.text[p.at:]); n > 0 {
			_ = o.add("timestamp", json.Number(p.text[p.at:p.at+n]))
			p.at += n
		}
	}
	p.blanks()
	p.next('\r')
	if p.at < len(p.text) && p.text[p.at] != '\n' {
		return nil, p.fault("the end of the line")
	}
	return o, nil
}

func (m *members) add(key string, v any) error {
	if slices.Contains(m.keys, key) {
		return fmt.Errorf("%w: %.80q is given twice", fleet.ErrInvalid, key)
	}
	m.keys, m.values = append(m.keys, key), append(m.values, v)
	return nil
}

// next goes past c, if it is next.
func (p *pointReader) next(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// blanks goes past blanks, and reports whether there were any.
func (p *pointReader) blanks() (any bool) {
	for p.next(' ') {
		any = true
	}
	return any
}

// word reads up to one of the characters of end or the end of the line. A backslash
// before one of them, or an equals sign, stands for it.
func (p *pointReader) word(end string) string {
	var b strings.Builder
	for ; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		if c == '\\' && p.at+1 < len(p.text) && strings.IndexByte(", =", p.text[p.at+1]) >= 0 {
			p.at++
			b.WriteByte(p.text[p.at])
			continue
		}
		if c == '\n' || c == '\r' || strings.IndexByte(end, c) >= 0 {
			break
		}
		b.WriteByte(c)
	}
	return b.String()
}

// value reads the value of a field: a number, one with i or u at its end, a truth
// value or text in quotes.
func (p *pointReader) value() (any, error) {
	if p.next('"') {
		var b strings.Builder
		for ; p.at < len(p.text); p.at++ {
			switch c := p.text[p.at]; {
			case c == '"':
				p.at++
				return b.String(), nil
			case c == '\\' && p.at+1 < len(p.text) && strings.IndexByte(`"\`, p.text[p.at+1]) >= 0:
				p.at++
				b.WriteByte(p.text[p.at])
			default:
				b.WriteByte(c)
			}
		}
		return nil, p.fault("the rest of a string")
	}
	begin := p.at
	w := p.word(", ")
	switch w {
	case "t", "T", "true", "True", "TRUE":
		return true, nil
	case "f", "F", "false", "False", "FALSE":
		return false, nil
	}
	digits := w
	if n := len(w); n > 1 && (w[n-1] == 'i' || w[n-1] == 'u') {
		digits = w[:n-1]
	}
	if digits == "" || number(digits) != len(digits) {
		p.at = begin
		return nil, p.fault("the value of a field")
	}
	return json.Number(digits), nil
}
