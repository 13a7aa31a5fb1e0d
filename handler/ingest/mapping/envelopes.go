package mapping

import "strings"

// cloudEvents reads events in the JSON format of CloudEvents 1.0, and in binary mode, where
// the attributes are properties of the event. The device is the source, unless the data
// names one.
//
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
func cloudEvents(g *gatherer, v any) {
	if binary := g.attributes(); binary != nil && !isCloudEvent(v) {
		in := scope{device: binary["source"], ts: binary["time"]}
		g.payload(v, binary["subject"], in)
		return
	}
	g.each(v, scope{}, func(o *members, in scope) {
		in.device, _ = o.get("source")
		if twin := o.text("subject"); twin != "" && strings.EqualFold(o.text("type"), "microsoft.iot.telemetry") {
			in.device = twin // the event's source is the whole instance of Azure Digital Twins
		}
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

// payload gathers the readings in the payload of an envelope. If the payload is a single
// value, name is its sensor.
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
		case o.has("body", "systemProperties") && g.envelopes < maxEnvelopes: // IoT Hub's telemetry from Event Grid
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

// attributes returns the attributes source, time, subject and type of a CloudEvent in binary
// mode. It is nil if the event's properties are not those of a CloudEvent.
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

// eventGrid reads events in the schema of Event Grid. For IoT Hub's telemetry the device is
// the one that IoT Hub authenticated. For other events it is the one that the data names, or
// else the subject.
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

// telemetry gathers the readings of a message that IoT Hub has sent to Event Grid. Data has
// the message's body, and its device and time as system properties. The result is false if
// there is no body.
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

// isCloudEvent reports whether v, or its first element, has the members that a CloudEvent
// must have.
func isCloudEvent(v any) bool {
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	o, ok := objectOf(v)
	return ok && o.has("specversion", "source", "type")
}
