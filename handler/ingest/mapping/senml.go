package mapping

import "strings"

// senML reads records of SenML (RFC 8428). The device is the base name and the sensor is the
// record's name. If one of them is missing, the other one is divided at its last slash or
// colon.
func senML(g *gatherer, v any) {
	list, ok := v.([]any)
	if !ok {
		if list = packOf(v); list == nil {
			list = []any{v}
		}
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

// packOf returns the records of a pack in the form of SenML's early drafts: an object with the
// base values and a list e of records. It is nil if v has another form.
func packOf(v any) []any {
	o, ok := objectOf(v)
	if !ok || !o.has("e") {
		return nil
	}
	base := &members{}
	var records []any
	for i, key := range o.keys {
		if key == "e" {
			records, _ = o.values[i].([]any)
		} else {
			base.keys, base.values = append(base.keys, key), append(base.values, o.values[i])
		}
	}
	if len(records) == 0 {
		return nil
	}
	all := append([]any{base}, records...)
	if len(base.keys) == 0 {
		all = records
	}
	if !isSenML(all) {
		return nil
	}
	return all
}

// record gathers the reading in a record of SenML.
func (g *gatherer) record(o *members, device string, baseTime, baseValue any) {
	v, ok := o.get("v")
	if ok {
		v = sum(v, baseValue)
	} else if v, ok = o.get("vb"); !ok {
		return // the record has text, bytes, a sum, or only base values
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
