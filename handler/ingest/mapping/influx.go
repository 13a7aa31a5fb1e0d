package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// pointLines reads a body in InfluxDB's line protocol. Each line becomes the object that
// Telegraf's JSON serializer writes: name, tags, fields and timestamp. ok is false if the
// first line is not in this protocol.
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

// endOfLine returns the index of the first line break in s at or after i, or len(s).
func endOfLine(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

// plainMaps returns o with its objects as map[string]any if asMaps is set, else o.
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

// pointReader reads lines in InfluxDB's protocol.
type pointReader struct {
	text string
	at   int // the index of the next byte to read
}

func (p *pointReader) fault(want string) error { return fault(p.text, p.at, want) }

// point reads a line, without its line break.
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

// add appends a member. The error wraps [fleet.ErrInvalid] if m has it already.
func (m *members) add(key string, v any) error {
	if slices.Contains(m.keys, key) {
		return fmt.Errorf("%w: %.80q is given twice", fleet.ErrInvalid, key)
	}
	m.keys, m.values = append(m.keys, key), append(m.values, v)
	return nil
}

// next skips the next byte if it is c, and reports whether it is.
func (p *pointReader) next(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// blanks skips blanks, and reports whether there were any.
func (p *pointReader) blanks() (any bool) {
	for p.next(' ') {
		any = true
	}
	return any
}

// word reads text up to one of the bytes in end or to the end of the line. A backslash before
// a comma, blank or equals sign makes it part of the text.
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

// value reads the value of a field: a number, which may end with i or u, a truth value, or
// text in quotes.
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
