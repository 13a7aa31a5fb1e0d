package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// signs are the members by which [auto] knows what a value is written in: it
// has all those of one of the lists. No value has those of two but by intent,
// and then the first counts.
var signs = map[string][][]string{
	"cloudevents":     {{"specversion", "source", "type"}},
	"opcua-publisher": {{"Messages", "PublisherId"}, {"Messages", "MessageType"}, {"Messages", "MessageId"}, {"DataSetWriterId", "Payload"}, {"DataSetWriterName", "Payload"}, {"NodeId", "Value"}, {"NodeId", "StatusCode"}},
	"eventgrid":       {{"eventType", "eventTime", "data"}, {"eventType", "subject", "data"}},
	"lorawan-ttn":     {{"end_device_ids"}, {"dev_id", "payload_fields"}, {"deviceInfo", "object"}, {"devEUI", "object"}, {"identifiers", "data"}, {"DevEUI_uplink"}},
	"sparkplug-json":  {{"metrics", "timestamp", "seq"}, {"metrics", "timestamp"}},
	"iotcentral":      {{"applicationId", "messageSource"}, {"deviceId", "enqueuedTime", "telemetry"}},
}

// senMLNames are the members that a record of SenML may have.
var senMLNames = strings.Fields("bn bt bu bv bs bver ver n u v sv bv vs vb vd s t ut")

// shapeOf returns the mapping that is made for what v is written in, by the
// members that it has; nil for what has none of theirs.
func shapeOf(v any) *builtin {
	if isSenML(v) || packOf(v) != nil {
		return named1("senml")
	}
	if list, ok := v.([]any); ok { // as its elements are
		if len(list) == 0 {
			return nil
		}
		v = list[0]
	}
	o, ok := objectOf(v)
	if !ok {
		return nil
	}
	for i := range builtins {
		for _, names := range signs[builtins[i].name] {
			if o.has(names...) && plausible(builtins[i].name, o) {
				return &builtins[i]
			}
		}
	}
	if (topicDevice(o.text("topic")) != "" || topicObject(o) != "") && o.has("payload") {
		return named1("sparkplug-json")
	}
	return named1("wide")
}

// plausible tells shapes apart whose members have names that others use too.
func plausible(shape string, o *members) bool {
	switch shape {
	case "lorawan-ttn":
		return !o.has("identifiers") || o.object("data").object2("end_device_ids") != nil
	case "sparkplug-json":
	default:
		return true
	}
	metrics, _ := o.get("metrics")
	list, ok := metrics.([]any)
	if !ok {
		return false
	}
	for _, m := range list {
		if metric, ok := objectOf(m); !ok || !metric.has("name") && !metric.has("alias") {
			return false
		}
	}
	return !o.has("device") && !o.has("deviceId") || o.has("seq")
}

func named1(name string) *builtin {
	i := slices.IndexFunc(builtins, func(b builtin) bool { return b.name == name })
	return &builtins[i]
}

// isSenML reports whether v is a pack of SenML: a list of objects with no other
// members than the standard's, each with a name or value, and one with a value.
func isSenML(v any) bool {
	list, ok := v.([]any)
	if !ok {
		return false
	}
	value, name := false, false
	for _, e := range list {
		o, ok := objectOf(e)
		if !ok || len(o.keys) == 0 {
			return false
		}
		for _, k := range o.keys {
			if !slices.Contains(senMLNames, strings.TrimSuffix(k, "_")) {
				return false
			}
			value = value || k[0] == 'v' || k == "s"
			name = name || k == "n" || k == "bn"
		}
	}
	return value && name
}

// auto reads a value by the shape that it has.
func auto(g *gatherer, v any) {
	if s, ok := v.(string); ok { // JSON that was written as JSON once more
		if inner, ok := unwrapped(s); ok {
			v = inner
		}
	}
	which := shapeOf(v)
	if which != nil && which.name == "wide" && g.attributes() != nil {
		which = named1("cloudevents")
	}
	if which == nil {
		if list, ok := v.([]any); ok && len(list) == 0 {
			return
		}
		g.refuse("%s stands where an object should be: no mapping reads it; the nearest is readings", shown(v))
		return
	}
	from := len(g.rows)
	which.shape(g, v)
	// What is wrong is said once more precisely: which mapping was nearest.
	for i := range g.rows[from:] {
		if x := &g.rows[from+i]; x.err != nil {
			x.err = fmt.Errorf("%w (read as %s, the nearest that auto knows)", x.err, which.name)
		} else if x.device == nil && !x.note {
			x.err = errNoDevice(which.name)
		}
	}
	if which.name != "wide" || len(g.rows) == from {
		return
	}
	// An object without a device is refused as one, not measurement by measurement.
	for _, x := range g.rows[from:] {
		if x.err != nil || x.device != nil {
			return
		}
	}
	g.rows = append(g.rows[:from], row{err: errNoDevice(which.name)})
}

func errNoDevice(shape string) error {
	return fmt.Errorf("%w: device is missing: no member names it, and IoT Hub does not (read as %s, the nearest that auto knows)", fleet.ErrInvalid, shape)
}
