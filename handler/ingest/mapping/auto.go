package mapping

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// signatures are the members by which [auto] recognises a format: a value has it if it has
// all members of one of the format's lists. If a value fits several formats, the one that
// comes first in [builtins] counts.
var signatures = map[string][][]string{
	"cloudevents":     {{"specversion", "source", "type"}},
	"opcua-publisher": {{"Messages", "PublisherId"}, {"Messages", "MessageType"}, {"Messages", "MessageId"}, {"DataSetWriterId", "Payload"}, {"DataSetWriterName", "Payload"}, {"NodeId", "Value"}, {"NodeId", "StatusCode"}},
	"eventgrid":       {{"eventType", "eventTime", "data"}, {"eventType", "subject", "data"}},
	"lorawan-ttn":     {{"end_device_ids"}, {"dev_id", "payload_fields"}, {"deviceInfo", "object"}, {"devEUI", "object"}, {"identifiers", "data"}, {"DevEUI_uplink"}},
	"sparkplug-json":  {{"metrics", "timestamp", "seq"}, {"metrics", "timestamp"}},
	"iotcentral":      {{"applicationId", "messageSource"}, {"deviceId", "enqueuedTime", "telemetry"}},
}

// senMLNames are the members that a record of SenML may have (RFC 8428, table 1), and ver and
// sv of its drafts.
var senMLNames = strings.Fields("bn bt bu bv bs bver ver n u v sv bv vs vb vd s t ut")

// shapeOf returns the mapping for the format of v, which it recognises by its members. An
// object of no known format is read as wide. The result is nil if v is neither an object
// nor a list that begins with one.
func shapeOf(v any) *builtin {
	if isSenML(v) || packOf(v) != nil {
		return builtinNamed("senml")
	}
	if list, ok := v.([]any); ok { // the first element stands for all
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
		for _, names := range signatures[builtins[i].name] {
			if o.has(names...) && plausible(builtins[i].name, o) {
				return &builtins[i]
			}
		}
	}
	if (topicDevice(o.text("topic")) != "" || topicObject(o) != "") && o.has("payload") {
		return builtinNamed("sparkplug-json")
	}
	return builtinNamed("wide")
}

// plausible reports whether o, which has the members of a format's signature, has the format
// indeed. Some signatures are names that other senders use too.
func plausible(shape string, o *members) bool {
	switch shape {
	case "lorawan-ttn":
		return !o.has("identifiers") || o.object("data").object("end_device_ids") != nil
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

// builtinNamed returns the built-in mapping with the name, which must be one of theirs.
func builtinNamed(name string) *builtin {
	i := slices.IndexFunc(builtins, func(b builtin) bool { return b.name == name })
	return &builtins[i]
}

// isSenML reports whether v is a pack of SenML: a list of objects that have no members but
// those of SenML. At least one object must have a name, and at least one a value.
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

// auto recognises the format of a value and reads it.
func auto(g *gatherer, v any) {
	if s, ok := v.(string); ok { // JSON inside a JSON string
		if inner, ok := unwrapped(s); ok {
			v = inner
		}
	}
	which := shapeOf(v)
	if which != nil && which.name == "wide" && g.attributes() != nil {
		which = builtinNamed("cloudevents")
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
	// Each error names the mapping that read the value.
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
	// An object without a device is refused as a whole, not once for each measurement.
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
