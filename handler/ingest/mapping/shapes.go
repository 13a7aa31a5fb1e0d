package mapping

// shape gathers the readings in a JSON value of one format.
type shape func(g *gatherer, v any)

// builtin is a built-in mapping.
type builtin struct {
	name  string
	about string // a description of the format
	shape shape
}

// builtins are the built-in mappings except auto and readings, in the order in which [auto]
// tries their formats.
var builtins []builtin

func init() { // not in the declaration: the functions use builtins
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

// wide reads objects that are readings, and objects whose members are measurements.
func wide(g *gatherer, v any) { g.each(v, g.scope(), g.object) }

// each calls f with the object v, or with each object in the list v. It refuses everything
// else.
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

// scope returns the scope of a whole event: the device that the hub names.
func (g *gatherer) scope() scope { return scope{device: g.device()} }

// iotHub reads objects as wide does. The device is always the one that IoT Hub authenticated,
// if the event has one.
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

// iotCentral reads telemetry in the format of IoT Central's data export.
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

// first returns the first member that is neither missing nor null nor empty. The arguments
// are pairs: an object and the name of a member.
func first(pairs ...any) any {
	for i := 0; i < len(pairs); i += 2 {
		if v, ok := pairs[i].(*members).get(pairs[i+1].(string)); ok && v != nil && v != "" {
			return v
		}
	}
	return nil
}
