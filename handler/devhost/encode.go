package devhost

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// object is a JSON object under construction. Its members keep their order,
// and their names are compared without case, as .NET's binding data are: a
// second value replaces the first in its place.
type object struct {
	keys   []string
	values [][]byte
}

func (o *object) set(key string, raw []byte) {
	for i, k := range o.keys {
		if strings.EqualFold(k, key) {
			o.values[i] = raw
			return
		}
	}
	o.keys = append(o.keys, key)
	o.values = append(o.values, raw)
}

func (o *object) appendTo(b []byte) []byte {
	b = append(b, '{')
	for i, k := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSONString(b, k)
		b = append(b, ':')
		b = append(b, o.values[i]...)
	}
	return append(b, '}')
}

// appendJSONString appends s as Json.NET writes it: quotes, backslash, control
// characters, U+0085, U+2028 and U+2029 escaped, all else as it is.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i, r := range s {
		esc := ""
		switch {
		case r == '"':
			esc = `\"`
		case r == '\\':
			esc = `\\`
		case r == '\n':
			esc = `\n`
		case r == '\r':
			esc = `\r`
		case r == '\t':
			esc = `\t`
		case r == '\b':
			esc = `\b`
		case r == '\f':
			esc = `\f`
		case r < ' ', r == 0x85, r == 0x2028, r == 0x2029:
			esc = fmt.Sprintf(`\u%04x`, r)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			b = append(b, s[start:i]...)
			b = append(b, "\uFFFD"...)
			start = i + 1
			continue
		default:
			continue
		}
		b = append(b, s[start:i]...)
		b = append(b, esc...)
		start = i + utf8.RuneLen(r)
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// once encodes s as one JSON string.
func once(s string) []byte { return appendJSONString(make([]byte, 0, len(s)+16), s) }

// twice encodes s as the JSON string of a JSON string: how the host sends
// every .NET string.
func twice(s string) []byte { return once(string(once(s))) }

// wholeSeconds is a .NET DateTimeOffset that went through ToString: its
// fraction is cut.
func wholeSeconds(t time.Time) []byte { return once(t.UTC().Format("2006-01-02T15:04:05-07:00")) }

// offsetTime and zoneless are the forms of Json.NET for local and unspecified
// times: up to seven digits, none if the fraction is zero.
const (
	offsetTime = "2006-01-02T15:04:05.9999999-07:00"
	zoneless   = "2006-01-02T15:04:05.9999999"
)

// call is one run of a function: what its trigger made for the handler.
type call struct {
	fn     *function
	reason string // for the log, as the host words it
	detail string // "Trigger Details", if any
	data   []byte // the JSON value of the trigger's Data
	meta   object // Metadata before sys
	lifted object // Metadata after sys, over all before
	http   *httpCall
}

// envelope returns the body for the handler. retry is nil without a policy.
func (c *call) envelope(now time.Time, retry *retryContext) []byte {
	b := make([]byte, 0, len(c.data)+4096)
	b = append(b, `{"Data":{`...)
	b = appendJSONString(b, c.fn.trigger.Name)
	b = append(b, ':')
	b = append(b, c.data...)
	b = append(b, `},"Metadata":`...)
	meta := object{keys: append([]string(nil), c.meta.keys...), values: append([][]byte(nil), c.meta.values...)}
	meta.set("sys", fmt.Appendf(nil, `{"MethodName":%s,"UtcNow":"%s","RandGuid":"%s"}`,
		once(c.fn.name), now.UTC().Format(zoneless+"Z"), uuid.NewString()))
	for i, k := range c.lifted.keys {
		if !strings.HasSuffix(strings.ToLower(k), "trigger") {
			meta.set(k, c.lifted.values[i])
		}
	}
	if retry != nil {
		meta.set("RetryContext", retry.encode())
	}
	return append(meta.appendTo(b), '}')
}
