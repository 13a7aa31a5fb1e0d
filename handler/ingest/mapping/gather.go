package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/notation"
)

// gatherer gathers the readings of one JSON value as rows. A row has the device, sensor, time
// and value as the JSON has them. [Reader.readingOf] checks and converts it.
type gatherer struct {
	*Reader
	rows      []row
	envelopes int // how many envelopes enclose the value that is being read
}

// maxEnvelopes is how many envelopes may enclose a value.
const maxEnvelopes = 8

// maxRows bounds the readings of one value.
const maxRows = 1 << 18

// row appends a row. The row after the last possible one is an error.
func (g *gatherer) row(x row) {
	if len(g.rows) == maxRows {
		x = row{err: fmt.Errorf("%w: it holds more than %d readings", fleet.ErrInvalid, maxRows)}
	}
	if len(g.rows) <= maxRows {
		g.rows = append(g.rows, x)
	}
}

// refuse appends a row with an error, which wraps [fleet.ErrInvalid].
func (g *gatherer) refuse(format string, args ...any) { g.refuseOf(nil, nil, format, args...) }

// refuseOf is refuse for a device and sensor that are known.
func (g *gatherer) refuseOf(device, sensor any, format string, args ...any) {
	g.row(row{device: device, sensor: sensor, err: fmt.Errorf("%w: "+format, append([]any{fleet.ErrInvalid}, args...)...)})
}

// scope is what the parents of an object say about the measurements in it.
type scope struct {
	device, ts any  // nil: not known
	bad        bool // the quality is bad
	sensor     any  // the sensor of values that name none
	name       any  // the parent's name, which is the sensor's if the object is only a value
	lists      bool // the object is an element of a list of measurements, where id is a sensor
}

// object gathers the readings of an object. The object is a reading itself, or its members
// are measurements, or they are objects and lists that hold measurements.
func (g *gatherer) object(o *members, in scope) {
	before := len(g.rows)
	if key, twice := g.repeated(o); twice {
		g.refuse("%.80s is given twice", key)
		return
	}
	if g.relative(o) || g.table(o, in) {
		return
	}
	if state := o.object("new_state"); state != nil { // an event of Home Assistant; old_state is beside it
		g.object(state, in)
		return
	}
	in, device := g.head(o, in)
	sensor, at := g.pick(o, sensorKind, isName), g.pick(o, valueKind, isScalar)
	switch {
	case sensor < 0 && in.lists:
		sensor = index(o, "id")
	case sensor >= 0 && at < 0 && notation.Plain(o.keys[sensor]) == "entityid":
		at = index(o, "state")
	case o.has("event", "data", "coreid"): // Particle's webhooks
		if v, _ := o.get("data"); isScalar(v) && !isPacked(v) {
			sensor, at = index(o, "event"), index(o, "data")
		}
	}
	in.sensor = g.sensor(o, sensor, at >= 0, in)
	if in.sensor == nil && at >= 0 && in.lists {
		in.sensor = in.name
	}
	in.name = g.nameIn(o)
	if in.sensor != nil && at >= 0 {
		g.row(row{device: in.device, sensor: in.sensor, ts: in.ts, value: o.values[at], bad: in.bad})
		return
	}
	if sensor >= 0 && g.nestedValue(o, in, o.values[sensor]) || in.sensor != nil && g.nestedValue(o, in, in.sensor) {
		return
	}
	if sensor >= 0 && g.valueless(o, sensor) {
		g.refuseOf(in.device, o.values[sensor], "value is missing: %.40q names a sensor, and no member is its value. Where the others are measurements, a mapping must say so", o.keys[sensor])
		return
	}
	if g.ofDevices(o, in) {
		return
	}
	g.members(o, in, "", device)
	switch {
	case at >= 0 && g.oneMeasurement(g.rows[before:]):
		g.rows = append(g.rows[:before], row{err: fmt.Errorf("%w: sensor is missing", fleet.ErrInvalid)})
	case len(g.rows) > before:
	case sensor >= 0:
		g.refuseOf(in.device, o.values[sensor], "value is missing")
	default:
		g.refuse("it holds no measurement")
	}
}

// oneMeasurement reports whether exactly one of rows is a number. The others must be text or
// truth values.
func (g *gatherer) oneMeasurement(rows []row) bool {
	n := 0
	for _, x := range rows {
		if x.err != nil {
			return false
		}
		if _, truth := x.value.(bool); truth {
			continue
		}
		if _, _, ok, _ := numberOf(x.value); ok {
			n++
		}
	}
	return n == 1
}

// sensor returns the sensor of an object: its member i, or the sensor of the scope if i is
// negative. A name or type can be that of anything. It is the sensor only if the object has
// a value too.
func (g *gatherer) sensor(o *members, i int, value bool, in scope) any {
	if i < 0 {
		return in.sensor
	}
	switch notation.Plain(o.keys[i]) {
	case "name", "key", "n", "type", "quantity":
		if !value {
			return in.sensor
		}
	}
	return o.values[i]
}

// sensorNames are the beginnings of names that mean a sensor and nothing else.
var sensorNames = strings.Fields("sensor tag signal metric variable channel point datapoint parameter nodeid entityid containerid")

// valueless reports whether the member sensor certainly names a sensor, while no member can
// be its value. The meaning of the other members is then unknown.
func (g *gatherer) valueless(o *members, sensor int) bool {
	plain := notation.Plain(o.keys[sensor])
	if !slices.ContainsFunc(sensorNames, func(s string) bool { return strings.HasPrefix(plain, s) }) {
		return false
	}
	if almost(o.values[sensor]) != nil {
		return false
	}
	if number, _ := o.values[sensor].(json.Number); number != "" && !strings.HasPrefix(plain, "sensor") && !isKey(plain) {
		return false // a signal of -67 dBm is a measurement
	}
	for i, v := range o.values {
		if !isScalar(v) && !g.describes(o.keys[i], v) {
			return false // it may hold the values
		}
	}
	return true
}

// ofDevices gathers the telemetry of ThingsBoard's gateways: {"pump": [{"ts": …, "values":
// {…}}]}, where the members are devices. It reports whether o is in this format.
func (g *gatherer) ofDevices(o *members, in scope) bool {
	for _, v := range o.values {
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return false
		}
		for _, e := range list {
			if m, ok := objectOf(e); !ok || len(m.keys) != 2 || !m.has("ts", "values") || m.object("values") == nil {
				return false
			}
		}
	}
	for i, key := range o.keys {
		for _, e := range o.values[i].([]any) {
			m, _ := objectOf(e)
			ts, _ := m.get("ts")
			g.members(m.object("values"), scope{device: key, ts: ts, bad: in.bad}, "", -1)
		}
	}
	return true
}

// nameIn returns the member name of o, nil if there is none. It may be the name of a sensor,
// a device or a group.
func (g *gatherer) nameIn(o *members) any {
	for i, key := range o.keys {
		if notation.Plain(key) == "name" && isName(o.values[i]) {
			return o.values[i]
		}
	}
	return nil
}

// nestedValue gathers the value of a sensor if it is an object, which has a value and perhaps
// a time and quality. The result is false if o has no such member.
func (g *gatherer) nestedValue(o *members, in scope, sensor any) bool {
	isValue := func(v any) bool {
		inner, ok := objectOf(v)
		return ok && g.pick(inner, valueKind, isScalar) >= 0
	}
	at := g.pick(o, valueKind, isValue)
	if at < 0 {
		return false
	}
	inner, _ := objectOf(o.values[at])
	in, _ = g.head(inner, in)
	g.row(row{device: in.device, sensor: sensor, ts: in.ts, value: inner.values[g.pick(inner, valueKind, isScalar)], bad: in.bad})
	return true
}

// repeated returns a member of o whose name differs from another member's only in case or
// separators, if both name the device, sensor, time or value.
func (g *gatherer) repeated(o *members) (string, bool) {
	var seen [len(fieldNames)][]int
	for _, key := range o.keys {
		for i, k := range [...]kind{deviceKind, sensorKind, timeKind, valueKind} {
			rank, is := g.role(key, k)
			if is && slices.Contains(seen[i], rank) {
				return key, true
			}
			if is {
				seen[i] = append(seen[i], rank)
			}
		}
	}
	return "", false
}

// head returns the scope of the measurements in o: the scope in, changed by the members of o
// that name a device, time or quality. Device is the index of the member that names the
// device, or -1.
func (g *gatherer) head(o *members, in scope) (_ scope, device int) {
	device = g.pick(o, deviceKind, isDevice)
	if device >= 0 {
		in.device = deviceOf(o.values[device])
	}
	own := g.when(o)
	if at := index(o, "t"); own == nil && at >= 0 && in.lists && isTime(o.values[at]) {
		own = o.values[at]
	}
	if own != nil {
		in.ts = own
	}
	if at := g.pick(o, qualityKind, nil); at >= 0 && badStatus(o.values[at]) {
		in.bad = true
	}
	for i, key := range o.keys { // a header or a source may name device and time too
		inner, is := objectOf(o.values[i])
		if _, head := g.role(key, headKind); !is || !head {
			continue
		}
		if at := g.pick(inner, deviceKind, isDevice); at >= 0 && device < 0 {
			in.device = deviceOf(inner.values[at])
		}
		if id, ok := inner.get("id"); ok && device < 0 && notation.Plain(key) == "source" && isName(id) { // Cumulocity's
			in.device = id
		}
		if ts := g.when(inner); ts != nil && own == nil {
			in.ts = ts
		}
	}
	return in, device
}

func index(o *members, key string) int { return slices.Index(o.keys, key) }

func isScalar(v any) bool {
	switch v.(type) {
	case *members, map[string]any, []any:
		return false
	}
	return true
}

// isName reports whether v can be a name: a string or number.
func isName(v any) bool {
	_, truth := v.(bool)
	return v != nil && !truth && isScalar(v)
}

// isDevice reports whether v can be the name of a device, or is an object with such a name.
func isDevice(v any) bool { return isName(deviceOf(v)) }

// deviceOf returns the name of a device. If v is an object, the name is one of its members,
// nil if it has none.
func deviceOf(v any) any {
	o, ok := objectOf(v)
	if !ok {
		return v
	}
	for _, key := range []string{"id", "deviceId", "device_id", "name", "Id", "Name", "friendlyName", "ieeeAddr"} {
		if name, ok := o.get(key); ok && isName(name) {
			return name
		}
	}
	return nil
}

// isTime reports whether v may be a time. Whether it can be read as one is checked later, so
// that the error names it.
func isTime(v any) bool {
	list, is := v.([]any)
	return v != nil && (!is || len(list) == 0)
}
