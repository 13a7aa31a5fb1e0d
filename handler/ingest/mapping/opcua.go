package mapping

// opcUA reads network messages and data set messages of OPC UA PubSub in JSON (OPC UA
// part 14), and the samples of Azure's OPC Publisher.
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

// dataSet gathers the readings in a data set message. Network is the network message that
// it is part of.
func (g *gatherer) dataSet(o, network *members, in scope) {
	in.device = first(network, "PublisherId", o, "PublisherId", o, "DataSetWriterName", network, "DataSetWriterGroup", o, "DataSetWriterGroup")
	if in.device == nil {
		writer := first(o, "DataSetWriterId") // if it is a number, the sender's name says more
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

// dataValue gathers the reading in a value, which may be an object with a time and status.
func (g *gatherer) dataValue(name any, v any, in scope) {
	o, ok := objectOf(v)
	if ok && !o.has("Body") {
		if _, value := o.get("Value"); !value && !o.has("SourceTimestamp") && !o.has("StatusCode") && !o.has("ServerTimestamp") {
			ok = false // the value itself is a structure
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

// shownName returns a name for an error: a string as it is, anything else by [shown].
func shownName(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return shown(v)
}

// sample gathers the reading in a sample of OPC Publisher.
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
