package mapping

import "strings"

// sparkplug reads payloads of Sparkplug B that a gateway has converted to JSON.
func sparkplug(g *gatherer, v any) {
	g.each(v, g.scope(), func(o *members, in scope) {
		topic := o.text("topic")
		if topic == "" {
			topic, _ = first(g.properties(), "topic", g.properties(), "mqtt-topic", g.properties(), "mqttTopic").(string)
		}
		if device := topicDevice(topic); device != "" {
			in.device = device
		} else if device := topicObject(o); device != "" {
			in.device = device
		}
		if inner := o.object("payload"); inner != nil {
			o = inner
		}
		if device, ok := o.either("device", "deviceId"); ok && device != nil {
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

// metric gathers the reading in a metric. It ignores text, and metrics that control the node.
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
	if q, ok := m.either("quality", "Quality"); ok && badStatus(q) {
		in.bad = true
	}
	if p := m.object("properties"); p != nil {
		if q, ok := p.either("Quality", "quality"); ok && badStatus(q) {
			in.bad = true
		}
	}
	v := first(m, "value", m, "doubleValue", m, "double_value", m, "floatValue", m, "float_value", m, "longValue", m, "long_value", m, "intValue", m, "int_value", m, "booleanValue", m, "boolean_value", m, "stringValue", m, "string_value")
	if !isScalar(v) {
		return // a data set or template
	}
	g.row(row{device: in.device, sensor: name, ts: in.ts, value: v, bad: in.bad, note: true})
}

// topicObject returns the device of a topic that is an object, "" if there is none. Cirrus
// Link's injectors for Event Hubs write it so.
func topicObject(o *members) string {
	topic := o.object("topic")
	if topic == nil {
		return ""
	}
	node, device := topic.text("edgeNodeId"), topic.text("deviceId")
	if node != "" && device != "" {
		return node + "/" + device
	}
	return node
}

// topicDevice returns the device of a topic of Sparkplug B, "" if it is none. The topic is
// spBv1.0/group/type/node or spBv1.0/group/type/node/device; the device is node or
// node/device.
func topicDevice(topic string) string {
	parts := strings.Split(topic, "/")
	if len(parts) < 4 || !strings.HasPrefix(parts[0], "spB") {
		return ""
	}
	return strings.Join(parts[3:], "/")
}
