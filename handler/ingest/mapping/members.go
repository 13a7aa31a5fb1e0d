package mapping

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/notation"
)

// members gathers the measurements among the members of o. Below another object
// their names begin with its name and a point.
func (g *gatherer) members(o *members, in scope, prefix string, device int) {
	if g.relative(o) {
		return
	}
	lists, ok := g.columns(o, in, prefix)
	if !ok {
		return
	}
	for i, key := range o.keys {
		v := o.values[i]
		if i == device || lists[i] || g.beside(key, v) || qualityOf(o, key) {
			continue
		}
		inner, isObject := objectOf(v)
		list, isList := v.([]any)
		_, body := g.role(key, bodyKind)
		_, devices := g.role(key, devicesKind)
		switch {
		case devices && isObject:
			for i, name := range inner.keys {
				if o, ok := objectOf(inner.values[i]); ok {
					g.object(o, scope{device: name, ts: in.ts, bad: in.bad})
				}
			}
		case devices && isList:
			g.devices(list, in)
		case isList && based(list):
			senML(g, list)
		case isList:
			g.list(key, list, in, body)
		case key == "state" && isObject && inner.object("reported") != nil: // a shadow of AWS: what is desired was not measured
			g.body(inner.object("reported"), in, prefix)
		case isObject && body:
			g.body(inner, in, prefix)
		case isObject:
			g.below(inner, in, prefix+key)
		case body && g.packed(v, in):
		case body && isText(v): // often bytes in hexadecimal, which may look like a number
		case body && in.name != nil && notation.Plain(key) == "value": // Telegraf's plainest field
			g.row(row{device: in.device, sensor: in.name, ts: in.ts, value: v, bad: in.bad, note: true})
		default:
			g.row(row{device: in.device, sensor: prefix + key, ts: in.ts, value: v, bad: in.bad, note: true})
		}
	}
}

// qualityOf reports whether key is the quality of another member of o, as Insights
// Hub writes it: temp_qc of temp.
func qualityOf(o *members, key string) bool {
	of, ok := strings.CutSuffix(key, "_qc")
	return ok && o.has(of)
}

// based reports whether list is a pack of SenML with a base name.
func based(list []any) bool {
	if len(list) == 0 {
		return false
	}
	o, ok := objectOf(list[0])
	return ok && o.has("bn") && isSenML(list)
}

// beside reports whether a member only says something of the measurements.
func (g *gatherer) beside(key string, v any) bool {
	for _, k := range [...]kind{timeKind, qualityKind, noteKind} {
		if _, ok := g.role(key, k); ok && isScalar(v) {
			return true
		}
	}
	if isScalar(v) && (isMoment(key, v) || says(key)) {
		return true
	}
	if list, ok := v.([]any); ok && key == "bytes" { // what a decoder was given
		return !slices.ContainsFunc(list, func(v any) bool { return !isScalar(v) })
	}
	if o, is := objectOf(v); is {
		if _, ok := g.role(key, timeKind); ok && momentIn(o) != nil {
			return true
		}
	}
	if _, ok := g.role(key, headKind); ok {
		if o, is := objectOf(v); is {
			_, body := g.role(key, bodyKind)
			return !body || g.pick(o, deviceKind, isDevice) >= 0
		}
	}
	_, device := g.role(key, deviceKind)
	_, sensor := g.role(key, sensorKind)
	if !device && !sensor || !isScalar(v) {
		return false
	}
	// A machine's pump may be a measurement; its pumpId is none.
	plain := notation.Plain(key)
	_, number := v.(json.Number)
	return sensor && (strings.HasPrefix(plain, "sensor") || !number && almost(v) == nil) || isKey(plain) || strings.HasPrefix(plain, "serial")
}

// isKey reports whether what has the name tells things apart, and measures nothing.
func isKey(plain string) bool {
	return strings.HasSuffix(plain, "id") || strings.HasSuffix(plain, "name") || plain == "channel" || plain == "tag"
}

// body gathers what an object holds that is made to hold measurements.
func (g *gatherer) body(o *members, in scope, prefix string) {
	if o.object("new_state") != nil {
		g.object(o, in)
		return
	}
	in, device := g.head(o, in)
	sensor, at := g.pick(o, sensorKind, isName), g.pick(o, valueKind, isScalar)
	in.sensor = g.sensor(o, sensor, at >= 0, in)
	if sensor >= 0 && at >= 0 {
		g.row(row{device: in.device, sensor: o.values[sensor], ts: in.ts, value: o.values[at], bad: in.bad})
		return
	}
	g.members(o, in, prefix, device)
}

// below gathers an object that is the member name: a measurement with its time
// and quality, or several.
func (g *gatherer) below(o *members, in scope, name string) {
	at := g.pick(o, valueKind, isScalar)
	if at >= 0 && g.pick(o, deviceKind, isDevice) >= 0 && g.pick(o, sensorKind, isName) >= 0 { // a whole reading
		g.body(o, in, "")
		return
	}
	if at < 0 {
		if ts := g.when(o); ts != nil {
			in.ts = ts
		}
		g.members(o, in, name+".", -1)
		return
	}
	in, _ = g.head(o, in)
	g.row(row{device: in.device, sensor: name, ts: in.ts, value: o.values[at], bad: in.bad})
}

// list gathers a list that is the member key: of readings, or of objects with a
// member a measurement.
func (g *gatherer) list(key string, list []any, in scope, body bool) {
	in.lists = true
	if !body {
		in.name = key
	}
	words := true
	for _, v := range list {
		o, ok := objectOf(v)
		_, word := v.(string)
		words = words && word
		switch {
		case ok && (body || g.pick(o, valueKind, isScalar) >= 0):
			g.object(o, in)
		case ok:
			g.refuse("%.80s is a list of objects without values", key)
			return
		case !word:
			g.refuse("%.80s is a list of numbers: a mapping must say what they are", key)
			return
		}
	}
	if body && words && len(list) > 0 {
		g.refuse("%.80s is a list of words", key)
	}
}

// devices gathers a list of what several devices measured.
func (g *gatherer) devices(list []any, in scope) {
	for _, v := range list {
		o, ok := objectOf(v)
		if !ok {
			g.refuse("%s stands in a list of devices", shown(v))
			continue
		}
		below := in
		below.device = nil
		for _, key := range []string{"id", "Id", "ID", "name", "Name"} {
			if at := index(o, key); at >= 0 && below.device == nil && isDevice(o.values[at]) {
				below.device = o.values[at]
			}
		}
		g.object(o, below)
	}
}

// packed gathers a body that is text: JSON, or JSON in base64.
func (g *gatherer) isPacked(v any) bool {
	s, ok := v.(string)
	if ok {
		_, ok = unwrapped(s)
	}
	return ok
}

func (g *gatherer) packed(v any, in scope) bool {
	s, ok := v.(string)
	if !ok {
		return false
	}
	inner, ok := unwrapped(s)
	if !ok || g.envelopes == maxEnvelopes {
		return false
	}
	g.envelopes++
	defer func() { g.envelopes-- }()
	switch inner := inner.(type) {
	case *members:
		g.body(inner, in, "")
	case []any:
		g.list("body", inner, in, true)
	}
	return true
}

// unwrapped reads an object or list of JSON in text, or in base64.
func unwrapped(s string) (any, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nil, false
	}
	if s[0] != '{' && s[0] != '[' {
		decoded, err := base64.StdEncoding.DecodeString(s)
		if err != nil || len(decoded) == 0 || decoded[0] != '{' && decoded[0] != '[' {
			return nil, false
		}
		s = string(decoded)
	}
	docs := documents([]byte(s), false)
	if len(docs) != 1 || docs[0].err != nil {
		return nil, false
	}
	return docs[0].value, true
}
