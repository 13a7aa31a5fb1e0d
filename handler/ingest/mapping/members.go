package mapping

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/notation"
)

// members gathers the members of o that are measurements. Prefix is put before the name of
// each; it is the names of the parents, with a point after each. Device is the index of the
// member that names the device, or -1.
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
		if i == device || lists[i] || g.describes(key, v) || isQualityOf(o, key) {
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
		case key == "state" && isObject && inner.object("reported") != nil: // the shadow of an AWS IoT thing; its desired state is not measured
			g.body(inner.object("reported"), in, prefix)
		case isObject && body:
			g.body(inner, in, prefix)
		case isObject:
			g.below(inner, in, prefix+key)
		case body && g.packed(v, in):
		case body && isText(v): // a payload in hexadecimal, perhaps: it may look like a number
		case body && in.name != nil && notation.Plain(key) == "value": // Telegraf's default name of a field
			g.row(row{device: in.device, sensor: in.name, ts: in.ts, value: v, bad: in.bad, note: true})
		default:
			g.row(row{device: in.device, sensor: prefix + key, ts: in.ts, value: v, bad: in.bad, note: true})
		}
	}
}

// isQualityOf reports whether the member key is the quality of another member of o. Insights
// Hub names the quality of temp temp_qc.
func isQualityOf(o *members, key string) bool {
	of, ok := strings.CutSuffix(key, "_qc")
	return ok && o.has(of)
}

// based reports whether list is a pack of SenML whose first record has a base name.
func based(list []any) bool {
	if len(list) == 0 {
		return false
	}
	o, ok := objectOf(list[0])
	return ok && o.has("bn") && isSenML(list)
}

// describes reports whether a member is no measurement, but describes those beside it: their
// time, quality, device or sensor, or a counter or an identifier.
func (g *gatherer) describes(key string, v any) bool {
	for _, k := range [...]kind{timeKind, qualityKind, noteKind} {
		if _, ok := g.role(key, k); ok && isScalar(v) {
			return true
		}
	}
	if isScalar(v) && (isMoment(key, v) || isIdentifier(key)) {
		return true
	}
	if list, ok := v.([]any); ok && key == "bytes" { // the payload before it was decoded
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
	// pump may be a measurement, pumpId is none.
	plain := notation.Plain(key)
	_, number := v.(json.Number)
	return sensor && (strings.HasPrefix(plain, "sensor") || !number && almost(v) == nil) || isKey(plain) || strings.HasPrefix(plain, "serial")
}

// isKey reports whether a member of this name identifies something, and measures nothing.
func isKey(plain string) bool {
	return strings.HasSuffix(plain, "id") || strings.HasSuffix(plain, "name") || plain == "channel" || plain == "tag"
}

// body gathers the readings in an object of the kind [bodyKind].
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

// below gathers the readings in an object that is the member name of another one. It is one
// measurement with a time and quality, or holds several.
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

// list gathers the readings in a list of objects, which is the member key of an object. Body
// says that it is of the kind [bodyKind]. Lists of numbers are refused.
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

// devices gathers a list of objects, each with the measurements of one device.
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

// packed gathers the readings in a string that holds JSON, or JSON in base64. The result is
// false if v is no such string.
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

// isPacked reports whether v is a string that holds JSON, or JSON in base64.
func isPacked(v any) bool {
	s, ok := v.(string)
	if ok {
		_, ok = unwrapped(s)
	}
	return ok
}

// unwrapped reads the JSON object or array in a string. The string may be in base64.
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
