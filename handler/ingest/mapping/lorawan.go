package mapping

// loraWAN reads uplinks of The Things Stack, ChirpStack and ThingPark. The network server
// must have decoded the payload.
func loraWAN(g *gatherer, v any) {
	g.each(v, scope{}, func(o *members, in scope) {
		var payload *members
		if data := o.object("data"); data != nil && o.has("identifiers") { // an event of The Things Stack's
			o = data
		}
		switch uplink := o.object("DevEUI_uplink"); {
		case uplink != nil: // ThingPark
			in.device, _ = uplink.get("DevEUI")
			in.ts, _ = uplink.get("Time")
			payload = uplink.object("payload")
		case o.has("end_device_ids"): // The Things Stack, version 3
			uplink := o.object("uplink_message")
			if uplink == nil {
				g.refuse("it is no uplink: uplink_message is missing")
				return
			}
			in.device, _ = o.object("end_device_ids").either("device_id", "dev_eui")
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
				in.device, _ = info.either("deviceName", "devEui")
			} else {
				in.device, _ = o.either("deviceName", "devEUI")
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

// receivedAt returns the first time in a list of gateways, nil if there is none.
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

// orTime returns the time that o has, else ts.
func orTime(g *gatherer, o *members, ts any) any {
	if own := g.when(o); own != nil {
		return own
	}
	return ts
}
