package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ocf"
)

// read reads the body of an event with the reader's mapping.
func (r *Reader) read(body []byte) {
	if mayBePacked(body) {
		var err error
		if body, r.whole, err = unpack(body); err != nil {
			r.refuse(r.event.Body, err)
			return
		}
		if bytes.HasPrefix(body, []byte(ocf.Magic)) {
			r.whole = true
			docs, err := records(body)
			if err != nil {
				r.refuse(body, err)
				return
			}
			r.documents(docs)
			return
		}
		body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	}
	if space(body, 0) == len(body) {
		r.refuse(body, fmt.Errorf("%w: the event is empty", fleet.ErrInvalid))
		return
	}
	switch {
	case r.isCSV(body):
		r.whole = r.whole || r.opt.CSV == Header
		r.documents(r.csv(body, r.m.program != nil))
	case r.m.name == plain:
		r.plain(body)
	case r.m.name == Auto:
		// Most events are in the project's own format. Others are read again.
		before := r.mark()
		if r.plain(body); r.refused > 0 {
			r.rewind(before)
			r.documents(r.split(body))
		}
	case r.m.shape != nil:
		r.documents(r.split(body))
	default:
		docs, ok := points(body, true)
		if !ok {
			docs = documents(body, true)
		}
		r.documents(docs)
	}
}

// split returns the values in body. An array's elements are values of their own, except in
// SenML, where they depend on one another.
func (r *Reader) split(body []byte) []document {
	if list, whole := elements(body); len(list) > 0 {
		all := make([]any, len(list))
		for i, d := range list {
			all[i] = d.value
		}
		if whole && isSenML(all) {
			return []document{{raw: body, value: all}}
		}
		return list
	}
	if docs, ok := points(body, false); ok {
		return docs
	}
	return documents(body, false)
}

// points calls [pointLines], unless body cannot be in InfluxDB's protocol.
func points(body []byte, asMaps bool) ([]document, bool) {
	if i := space(body, 0); strings.IndexByte("{[\"", body[i]) >= 0 || !utf8.Valid(body) {
		return nil, false
	}
	return pointLines(body, asMaps)
}

// documents reads the readings in values.
func (r *Reader) documents(docs []document) {
	r.mapped = true
	g := &gatherer{Reader: r}
	for _, d := range docs {
		if d.err != nil {
			r.refuse(d.raw, d.err)
			continue
		}
		r.value(g, d)
	}
}

// value reads the readings in one value.
func (r *Reader) value(g *gatherer, d document) {
	g.rows = g.rows[:0]
	if r.m.program == nil {
		f := r.m.shape
		if f == nil {
			f = wide // the mapping readings, for an event in CSV or Avro
		}
		f(g, d.value)
	} else {
		m := r.m.program.machine()
		g.program(m, d.value, len(d.raw))
		r.m.program.machines.Put(m)
	}
	from := Origin{r.index, r.element, d.raw}
	found := len(g.rows) == 0 && (r.m.program != nil || isEmpty(d.value))
	var first error
	refused := 0
	for i := range g.rows {
		reading, missing, ok, err := r.readingOf(g.rows[i])
		switch {
		case err != nil:
			if refused++; first == nil {
				first = err
			}
			r.rowFault(g.rows[i])
		case !ok:
			continue
		case missing:
			r.Missing++
		default:
			r.keep(reading, from)
		}
		found = true
	}
	switch {
	case first != nil:
		r.refuseMany(d.raw, first, refused)
	case !found:
		r.refuse(d.raw, fmt.Errorf("%w: it holds no measurement, only text", fleet.ErrInvalid))
	default:
		r.element++
	}
}

// isEmpty reports whether v is an empty list. It is no error that an empty list has no readings.
func isEmpty(v any) bool {
	list, ok := v.([]any)
	return ok && len(list) == 0
}

// mark is a state of a reader's [Found] that [Reader.rewind] restores.
type mark struct{ readings, refused, copies, missing, faults int }

func (r *Reader) mark() mark {
	return mark{len(r.Readings), len(r.Refused), r.Copies, r.Missing, len(r.Faults)}
}

// rewind forgets what was found since m. The mark must be of the same event.
func (r *Reader) rewind(m mark) {
	for _, x := range r.Readings[m.readings:] {
		if k := (key{x.ID, x.Time}); r.seen[k].event == r.index {
			delete(r.seen, k)
		}
	}
	r.Readings, r.Origins, r.Refused, r.Missing = r.Readings[:m.readings], r.Origins[:m.readings], r.Refused[:m.refused], m.missing
	r.Copies, r.Faults = m.copies, r.Faults[:m.faults]
	r.element, r.refused, r.contradicts = 0, 0, false
}

// detail returns the metadata of the event.
func (g *gatherer) detail() Detail {
	if g.event.Detail == nil {
		return Detail{}
	}
	return g.event.Detail(g.index)
}

// device returns the device that IoT Hub authenticated, or else the one that the event's
// properties name. It is nil if there is neither.
func (g *gatherer) device() any {
	if id, ok := parsed(g.detail().System).get("iothub-connection-device-id"); ok && isName(id) {
		return id
	}
	p := g.properties()
	if at := g.pick(p, deviceKind, isName); at >= 0 {
		return p.values[at]
	}
	return nil
}

// properties returns the properties that the event's sender set.
func (g *gatherer) properties() *members { return parsed(g.detail().Properties) }

// parsed reads a JSON object. It returns an empty object if raw is none.
func parsed(raw json.RawMessage) *members {
	if len(raw) > 2 {
		if docs := documents(raw, false); len(docs) == 1 && docs[0].err == nil {
			if o, ok := docs[0].value.(*members); ok {
				return o
			}
		}
	}
	return &members{}
}
