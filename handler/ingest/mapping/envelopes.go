package mapping

import "strings"

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
		if twin := o.text("subject"); twin != "" && strings.EqualFold(o.text("type"), "microsoft.iot.telemetry") {
			in.device = twin // of Azure Digital Twins, whose source is all of them
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

// isCloudEvent reports whether v has what a CloudEvent must have.
func isCloudEvent(v any) bool {
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	o, ok := objectOf(v)
	return ok && o.has("specversion", "source", "type")
}
