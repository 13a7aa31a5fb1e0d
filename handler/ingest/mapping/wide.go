package mapping

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/notation"
)

// reader of one value: it gathers the rows of a shape.
type gatherer struct {
	*Reader
	rows      []row
	envelopes int // in which the value stands that is being read
}

// maxEnvelopes bounds how many envelopes may stand in one another.
const maxEnvelopes = 8

// maxRows bounds the readings of one value.
const maxRows = 1 << 18

func (g *gatherer) row(x row) {
	if len(g.rows) == maxRows {
		x = row{err: fmt.Errorf("%w: it holds more than %d readings", fleet.ErrInvalid, maxRows)}
	}
	if len(g.rows) <= maxRows {
		g.rows = append(g.rows, x)
	}
}

func (g *gatherer) refuse(format string, args ...any) { g.refuseOf(nil, nil, format, args...) }

// refuseOf is refuse of what names a sensor.
func (g *gatherer) refuseOf(device, sensor any, format string, args ...any) {
	g.row(row{device: device, sensor: sensor, err: fmt.Errorf("%w: "+format, append([]any{fleet.ErrInvalid}, args...)...)})
}

// scope is what holds for all measurements below an object.
type scope struct {
	device, ts any
	bad        bool
	sensor     any  // of values that name none
	name       any  // of what the object stands in: the sensor's, if the object is a value and no more
	lists      bool // the object is an element of a list of measurements, in which id is a name
}

// object gathers the readings of an object that is one, or holds some: with a
// member a measurement, members that hold them, or lists of either.
func (g *gatherer) object(o *members, in scope) {
	before := len(g.rows)
	if key, twice := g.twice(o); twice {
		g.refuse("%.80s is given twice", key)
		return
	}
	if g.relative(o) || g.table(o, in) {
		return
	}
	if state := o.object("new_state"); state != nil { // an event of Home Assistant's has the old one too
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
		if v, _ := o.get("data"); isScalar(v) && !g.isPacked(v) {
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
	if sensor >= 0 && g.inner(o, in, o.values[sensor]) || in.sensor != nil && g.inner(o, in, in.sensor) {
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
	case at >= 0 && g.alone(g.rows[before:]):
		g.rows = append(g.rows[:before], row{err: fmt.Errorf("%w: sensor is missing", fleet.ErrInvalid)})
	case len(g.rows) > before:
	case sensor >= 0:
		g.refuseOf(in.device, o.values[sensor], "value is missing")
	default:
		g.refuse("it holds no measurement")
	}
}

// alone reports whether one of rows is a measurement, and the others are text or truth
// values.
func (g *gatherer) alone(rows []row) bool {
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

// sensor returns the sensor that o names, at its member i, or else that of the object
// which o stands in. A name or type may be that of anything: it is the sensor's
// beside a value only.
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

// sure are the names that are a sensor's beyond doubt.
var sure = strings.Fields("sensor tag signal metric variable channel point datapoint parameter nodeid entityid containerid")

// valueless reports whether o names a sensor beyond doubt, but has numbers under
// other names alone: what they are is not known.
func (g *gatherer) valueless(o *members, sensor int) bool {
	plain := notation.Plain(o.keys[sensor])
	if !slices.ContainsFunc(sure, func(s string) bool { return strings.HasPrefix(plain, s) }) {
		return false
	}
	if almost(o.values[sensor]) != nil {
		return false
	}
	if number, _ := o.values[sensor].(json.Number); number != "" && !strings.HasPrefix(plain, "sensor") && !isKey(plain) {
		return false // a signal of -67 dBm is a measurement
	}
	for i, v := range o.values {
		if !isScalar(v) && !g.beside(o.keys[i], v) {
			return false // it may hold the values
		}
	}
	return true
}

// ofDevices gathers an object whose members are devices, each with a list of what it
// measured at a time: {"pump": [{"ts": …, "values": {…}}]}, as ThingsBoard's gateways write it.
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

// nameIn returns what o is called, nil if it is not. It may be a sensor, or a device, or
// a group of either.
func (g *gatherer) nameIn(o *members) any {
	for i, key := range o.keys {
		if notation.Plain(key) == "name" && isName(o.values[i]) {
			return o.values[i]
		}
	}
	return nil
}

// inner gathers the value of a sensor that is an object with its own time and
// quality.
func (g *gatherer) inner(o *members, in scope, sensor any) bool {
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

// twice returns a member of o that says what another one says, in another case.
func (g *gatherer) twice(o *members) (string, bool) {
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

// head returns what o says of all that it holds, and where it names the device.
func (g *gatherer) head(o *members, in scope) (scope, int) {
	device := g.pick(o, deviceKind, isDevice)
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
	for i, key := range o.keys { // what stands apart holds for the whole
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

func index(o *members, key string) int {
	for i, k := range o.keys {
		if k == key {
			return i
		}
	}
	return -1
}

func isScalar(v any) bool {
	switch v.(type) {
	case *members, map[string]any, []any:
		return false
	}
	return true
}

// isName reports whether v can be the name of a sensor.
func isName(v any) bool {
	_, truth := v.(bool)
	return v != nil && !truth && isScalar(v)
}

// isDevice reports whether v can name a device, or is an object that does.
func isDevice(v any) bool { return isName(deviceOf(v)) }

// deviceOf returns the name in an object that is a device.
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

// isTime reports whether v stands for a time: what is wrong with it is said
// when it is read.
func isTime(v any) bool {
	list, is := v.([]any)
	return v != nil && (!is || len(list) == 0)
}
