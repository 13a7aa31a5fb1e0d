package mapping

import (
	"strings"
)

// shape gathers what a value holds that is written in one way.
type shape func(g *gatherer, v any)

// builtin is a mapping that has a name.
type builtin struct {
	name  string
	about string // what it reads, for people
	shape shape
}

// builtins are the mappings that have names, but for auto and readings, in the order in
// which [auto] tries what they are made for.
var builtins []builtin

func init() { // they call one another: a cloud event may hold any
	builtins = []builtin{
		{"cloudevents", "CloudEvents in JSON, structured, in binary mode or in batches", cloudEvents},
		{"opcua-publisher", "OPC UA PubSub and the samples of OPC Publisher, in JSON", opcUA},
		{"eventgrid", "IoT Hub's telemetry and other events in the schema of Event Grid", eventGrid},
		{"lorawan-ttn", "uplinks of The Things Stack (2 and 3) and of ChirpStack", loraWAN},
		{"sparkplug-json", "payloads of Sparkplug B in JSON", sparkplug},
		{"senml", "SenML (RFC 8428)", senML},
		{"iotcentral", "telemetry exported by IoT Central", iotCentral},
		{"iothub", "objects whose members are measurements, of the device that IoT Hub knows", iotHub},
		{"iotedge", "the same from modules of IoT Edge", iotHub},
		{"wide", "objects whose members are measurements", wide},
	}
}

// wide reads objects that are readings, or whose members are measurements.
func wide(g *gatherer, v any) { g.each(v, g.scope(), g.object) }

// each calls f with the objects that v is or holds.
func (g *gatherer) each(v any, in scope, f func(*members, scope)) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			if o, ok := objectOf(e); ok {
				f(o, in)
			} else {
				g.refuse("%s stands where an object should be", shown(e))
			}
		}
		return
	}
	if o, ok := objectOf(v); ok {
		f(o, in)
		return
	}
	g.refuse("%s stands where an object should be", shown(v))
}

// scope is what the hub says of all that an event holds.
func (g *gatherer) scope() scope { return scope{device: g.device()} }

// iotHub reads objects of the device that IoT Hub knows the sender as, whatever
// they say themselves.
func iotHub(g *gatherer, v any) {
	device := g.device()
	from := len(g.rows)
	wide(g, v)
	for i := range g.rows[from:] {
		if g.rows[from+i].err == nil && device != nil {
			g.rows[from+i].device = device
		}
	}
}

// iotCentral reads what IoT Central exports of telemetry.
func iotCentral(g *gatherer, v any) {
	g.each(v, g.scope(), func(o *members, in scope) {
		if s := o.text("messageSource"); s != "" && s != "telemetry" {
			g.refuse("a message of IoT Central about %.40q holds no telemetry", s)
			return
		}
		if device, ok := o.get("deviceId"); ok {
			in.device = device
		}
		if ts, ok := o.get("enqueuedTime"); ok {
			in.ts = ts
		}
		telemetry, _ := o.get("telemetry")
		switch t := telemetry.(type) {
		case []any:
			g.list("telemetry", t, in, true)
		default:
			inner, ok := objectOf(t)
			if !ok {
				g.refuse("telemetry is missing")
				return
			}
			if component := o.text("component"); component != "" {
				g.members(inner, in, component+".", -1)
			} else {
				g.body(inner, in, "")
			}
		}
	})
}

// cloudEvents reads events in the JSON format of CloudEvents 1.0. The device is
// the source, unless the data names one.
func cloudEvents(g *gatherer, v any) {
	if binary := g.attributes(); binary != nil && !isCloudEvent(v) {
		in := scope{device: binary["source"], ts: binary["time"]}
		g.payload(v, binary["subject"], in)
		return
	}
	g.each(v, scope{}, func(o *members, in scope) {
		in.device, _ = o.get("source")
		in.ts, _ = o.get("time")
		data, ok := o.get("data")
		if encoded := o.text("data_base64"); !ok && encoded != "" {
			inner, read := unwrapped(encoded)
			if !read {
				g.refuse("data_base64 is no JSON in base64")
				return
			}
			data, ok = inner, true
		}
		if !ok {
			g.refuse("data is missing")
			return
		}
		name, _ := o.get("subject")
		if name == nil {
			name, _ = o.get("type")
		}
		g.payload(data, name, in)
	})
}

// payload gathers what an envelope holds. Name is the sensor of a value that
// stands alone.
func (g *gatherer) payload(v, name any, in scope) {
	if s, ok := v.(string); ok {
		if inner, ok := unwrapped(s); ok {
			v = inner
		}
	}
	switch v := v.(type) {
	case []any:
		g.each(v, in, g.object)
		return
	case *members, map[string]any:
		o, _ := objectOf(v)
		which := shapeOf(v)
		switch {
		case o.has("body", "systemProperties") && g.envelopes < maxEnvelopes: // Event Grid's, in a cloud event
			g.envelopes++
			g.telemetry(o, in)
			g.envelopes--
		case which == nil || which.name == "wide":
			g.object(o, in)
		case g.envelopes == maxEnvelopes:
			g.refuse("envelopes stand in one another, more than %d", maxEnvelopes)
		default:
			g.envelopes++
			which.shape(g, v)
			g.envelopes--
		}
		return
	}
	g.row(row{device: in.device, sensor: name, ts: in.ts, value: v})
}

// attributes returns the attributes of a CloudEvent in binary mode, which are
// properties of the event; nil if it is none.
func (g *gatherer) attributes() map[string]any {
	p := g.properties()
	for _, prefix := range []string{"cloudEvents:", "cloudEvents_", "ce-", "ce_"} {
		if _, ok := p.get(prefix + "specversion"); !ok {
			continue
		}
		all := map[string]any{}
		for _, name := range []string{"source", "time", "subject", "type"} {
			all[name], _ = p.get(prefix + name)
		}
		return all
	}
	return nil
}

// eventGrid reads events in the schema of Event Grid: IoT Hub's telemetry, of the device that
// IoT Hub knows, and others, of the device that they name or else their subject.
func eventGrid(g *gatherer, v any) {
	g.each(v, scope{}, func(o *members, in scope) {
		data := o.object("data")
		if data == nil {
			g.refuse("data is missing")
			return
		}
		in.ts, _ = o.get("eventTime")
		in.device = strings.TrimPrefix(o.text("subject"), "devices/")
		if !g.telemetry(data, in) {
			g.object(data, in)
		}
	})
}

// telemetry gathers what IoT Hub says to Event Grid of a message: its body, and the
// device and time in its system properties. It reports false of anything else.
func (g *gatherer) telemetry(data *members, in scope) bool {
	body, ok := data.get("body")
	if !ok {
		return false
	}
	if system := data.object("systemProperties"); system != nil {
		if device, ok := system.get("iothub-connection-device-id"); ok {
			in.device = device
		}
		if at, ok := system.get("iothub-enqueuedtime"); ok {
			in.ts = at
		}
	}
	g.payload(body, nil, in)
	return true
}

// opcUA reads PubSub's network messages and data set messages in JSON (OPC UA
// part 14), and the samples of OPC Publisher.
func opcUA(g *gatherer, v any) {
	g.each(v, g.scope(), func(o *members, in scope) {
		kind := o.text("MessageType")
		messages, ok := o.get("Messages")
		list, isList := messages.([]any)
		one, isOne := objectOf(messages)
		switch {
		case kind == "ua-metadata" || kind == "ua-keepalive" || kind == "ua-discovery" || kind == "ua-status" || kind == "ua-connection":
			g.refuse("a message of the type %s holds no values", kind)
		case ok && isList:
			for _, m := range list {
				if data, ok := objectOf(m); ok {
					g.dataSet(data, o, in)
				} else {
					g.refuse("%s stands where a data set message should be", shown(m))
				}
			}
		case ok && isOne:
			g.dataSet(one, o, in)
		case o.has("Payload"):
			g.dataSet(o, o, in)
		case o.has("NodeId") || o.has("DisplayName"):
			g.sample(o, in)
		default:
			g.refuse("there is neither Messages nor Payload nor NodeId")
		}
	})
}

// dataSet gathers a data set message of a network message.
func (g *gatherer) dataSet(o, network *members, in scope) {
	in.device = first(network, "PublisherId", o, "PublisherId", o, "DataSetWriterName", network, "DataSetWriterGroup", o, "DataSetWriterGroup")
	if in.device == nil {
		writer := first(o, "DataSetWriterId") // a number says less than the sender's own name
		if in.device = g.device(); in.device == nil || isText(writer) {
			in.device = writer
		}
	}
	in.ts = first(o, "Timestamp", network, "Timestamp")
	if status, ok := o.get("Status"); ok && badStatus(status) {
		in.bad = true
	}
	if o.text("MessageType") == "ua-keepalive" {
		return
	}
	payload := o.object("Payload")
	if payload == nil {
		g.refuse("Payload is missing")
		return
	}
	for i, name := range payload.keys {
		g.dataValue(name, payload.values[i], in)
	}
}

func isText(v any) bool { _, ok := v.(string); return ok }

// dataValue gathers a value: alone, or with its time and status.
func (g *gatherer) dataValue(name any, v any, in scope) {
	o, ok := objectOf(v)
	if ok && !o.has("Body") {
		if _, value := o.get("Value"); !value && !o.has("SourceTimestamp") && !o.has("StatusCode") && !o.has("ServerTimestamp") {
			ok = false // a structure
		}
	} else if ok {
		v, _ = o.get("Body")
		ok = false
	}
	if ok {
		v, _ = o.get("Value")
		if at := first(o, "SourceTimestamp", o, "ServerTimestamp", o, "Timestamp"); at != nil {
			in.ts = at
		}
		if status, ok := o.get("StatusCode"); ok && badStatus(status) {
			in.bad = true
		}
		if typed, is := objectOf(v); is && typed.has("Body") { // reversible encoding: {"Type":…,"Body":…}
			v, _ = typed.get("Body")
		}
	}
	if !isScalar(v) && !in.bad {
		g.refuse("%.80s is %s, not one value", shownName(name), shown(v))
		return
	}
	if !isScalar(v) {
		v = nil
	}
	g.row(row{device: in.device, sensor: name, ts: in.ts, value: v, bad: in.bad, note: true})
}

func shownName(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return shown(v)
}

// sample gathers a sample of a node.
func (g *gatherer) sample(o *members, in scope) {
	if device := first(o, "ApplicationUri", o, "DataSetWriterGroup", o, "EndpointUrl"); device != nil {
		in.device = device
	}
	in.ts = first(o, "SourceTimestamp", o, "Timestamp")
	for _, key := range []string{"Status", "StatusCode"} {
		if status, ok := o.get(key); ok && badStatus(status) {
			in.bad = true
		}
	}
	v, ok := o.get("Value")
	if !ok && !in.bad {
		g.refuse("Value is missing")
		return
	}
	g.dataValue(first(o, "NodeId", o, "DisplayName"), v, in)
}

// first returns the first member that is there and not null, of pairs of an
// object and a name.
func first(pairs ...any) any {
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := pairs[i].(*members).get(pairs[i+1].(string)); ok && v != nil && v != "" {
			return v
		}
	}
	return nil
}

// loraWAN reads uplinks whose payload the network has decoded.
func loraWAN(g *gatherer, v any) {
	g.each(v, scope{}, func(o *members, in scope) {
		var payload *members
		if data := o.object("data"); data != nil && o.has("identifiers") { // an event of The Things Stack's
			o = data
		}
		switch {
		case o.has("end_device_ids"): // The Things Stack, version 3
			uplink := o.object("uplink_message")
			if uplink == nil {
				g.refuse("it is no uplink: uplink_message is missing")
				return
			}
			in.device, _ = o.object("end_device_ids").get2("device_id", "dev_eui")
			in.ts = first(o, "received_at", uplink, "received_at")
			payload = uplink.object("decoded_payload")
		case o.has("dev_id"): // version 2
			in.device, _ = o.get("dev_id")
			if m := o.object("metadata"); m != nil {
				in.ts, _ = m.get("time")
			}
			payload = o.object("payload_fields")
		default: // ChirpStack
			if info := o.object("deviceInfo"); info != nil {
				in.device, _ = info.get2("deviceName", "devEui")
			} else {
				in.device, _ = o.get2("deviceName", "devEUI")
			}
			if in.ts = first(o, "time", o, "publishedAt"); in.ts == nil { // version 3: when gateways received it
				if list, ok := o.get("rxInfo"); ok {
					in.ts = receivedAt(list)
				}
			}
			payload = o.object("object")
		}
		if payload == nil {
			g.refuse("the payload is not decoded: set a payload formatter for the device")
			return
		}
		in.ts = orTime(g, payload, in.ts)
		g.members(payload, in, "", -1)
	})
}

// receivedAt returns the time of the first gateway that gave one.
func receivedAt(gateways any) any {
	list, _ := gateways.([]any)
	for _, e := range list {
		if o, ok := objectOf(e); ok {
			if at := first(o, "time"); at != nil {
				return at
			}
		}
	}
	return nil
}

// object2 is object of what may be nil.
func (m *members) object2(key string) *members {
	if m == nil {
		return nil
	}
	return m.object(key)
}

// orTime returns the time that o names, else ts.
func orTime(g *gatherer, o *members, ts any) any {
	if at := g.pick(o, timeKind, isTime); at >= 0 {
		return o.values[at]
	}
	return ts
}

// get2 returns the first of two members that is there.
func (m *members) get2(a, b string) (any, bool) {
	if m == nil {
		return nil, false
	}
	if v, ok := m.get(a); ok && v != nil {
		return v, true
	}
	return m.get(b)
}

// sparkplug reads payloads of Sparkplug B, as JSON has them.
func sparkplug(g *gatherer, v any) {
	g.each(v, g.scope(), func(o *members, in scope) {
		topic := o.text("topic")
		if topic == "" {
			topic, _ = first(g.properties(), "topic", g.properties(), "mqtt-topic", g.properties(), "mqttTopic").(string)
		}
		if device := topicDevice(topic); device != "" {
			in.device = device
		}
		if inner := o.object("payload"); inner != nil {
			o = inner
		}
		if device, ok := o.get2("device", "deviceId"); ok && device != nil {
			in.device = device
		}
		in.ts, _ = o.get("timestamp")
		metrics, _ := o.get("metrics")
		list, ok := metrics.([]any)
		if !ok {
			g.refuse("metrics is missing")
			return
		}
		for _, m := range list {
			if metric, ok := objectOf(m); ok {
				g.metric(metric, in)
			} else {
				g.refuse("%s stands where a metric should be", shown(m))
			}
		}
	})
}

// metric gathers a metric. Text, and what controls the node, are none.
func (g *gatherer) metric(m *members, in scope) {
	name, ok := m.get("name")
	if !ok {
		g.refuse("a metric has an alias and no name: it is known only to who keeps the birth certificate")
		return
	}
	if s, _ := name.(string); s == "bdSeq" || strings.HasPrefix(s, "Node Control/") || strings.HasPrefix(s, "Device Control/") {
		return
	}
	if at, ok := m.get("timestamp"); ok && at != nil {
		in.ts = at
	}
	if q, ok := m.get2("quality", "Quality"); ok && badStatus(q) {
		in.bad = true
	}
	if p := m.object("properties"); p != nil {
		if q, ok := p.get2("Quality", "quality"); ok && badStatus(q) {
			in.bad = true
		}
	}
	v := first(m, "value", m, "doubleValue", m, "double_value", m, "floatValue", m, "float_value", m, "longValue", m, "long_value", m, "intValue", m, "int_value", m, "booleanValue", m, "boolean_value", m, "stringValue", m, "string_value")
	if !isScalar(v) {
		return // a data set or template
	}
	g.row(row{device: in.device, sensor: name, ts: in.ts, value: v, bad: in.bad, note: true})
}

// topicDevice returns the device of a topic of Sparkplug B:
// spBv1.0/group/type/node or spBv1.0/group/type/node/device.
func topicDevice(topic string) string {
	parts := strings.Split(topic, "/")
	if len(parts) < 4 || !strings.HasPrefix(parts[0], "spB") {
		return ""
	}
	return strings.Join(parts[3:], "/")
}

// senML reads records of RFC 8428. A record's name begins with the base name,
// which is the device; without one, the device is what comes before the last /
// or : of the name.
func senML(g *gatherer, v any) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var base struct {
		name  string
		time  any
		value any
	}
	for _, e := range list {
		o, ok := objectOf(e)
		if !ok {
			g.refuse("%s stands where a record of SenML should be", shown(e))
			continue
		}
		unknown := ""
		for _, key := range o.keys {
			if strings.HasSuffix(key, "_") {
				unknown = key
			}
		}
		if unknown != "" { // section 4.4
			g.refuse("the record has the member %.40q, which must be understood and is not", unknown)
			continue
		}
		if s, ok := o.get("bn"); ok {
			base.name, _ = s.(string)
		}
		if t, ok := o.get("bt"); ok {
			base.time = t
		}
		if b, ok := o.get("bv"); ok {
			base.value = b
		}
		g.record(o, base.name, base.time, base.value)
	}
}

// record gathers a record of SenML.
func (g *gatherer) record(o *members, device string, baseTime, baseValue any) {
	v, ok := o.get("v")
	if ok {
		v = sum(v, baseValue)
	} else if v, ok = o.get("vb"); !ok {
		return // text, bytes, a sum, or base values alone
	}
	sensor := o.text("n")
	x := row{device: device, sensor: sensor, value: v}
	if name := device + sensor; device == "" || sensor == "" {
		if i := strings.LastIndexAny(name, "/:"); i > 0 && i < len(name)-1 {
			x.device, x.sensor = name[:i], name[i+1:]
		} else {
			x.device, x.sensor = g.device(), name
		}
	}
	t, _ := o.get("t")
	var err error
	if x.ts, err = g.senMLTime(baseTime, t); err != nil {
		x.err = err
	}
	g.row(x)
}

// isCloudEvent reports whether v has what a CloudEvent must have.
func isCloudEvent(v any) bool {
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	o, ok := objectOf(v)
	return ok && o.has("specversion", "source", "type")
}
