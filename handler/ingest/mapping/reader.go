package mapping

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/rules"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

// Options say how to read what an event alone leaves open.
type Options struct {
	// Format says how to read times without a zone, and dates of ambiguous order.
	Format timestamp.Format
	// Future is how far a reading's time may lie after the time at which its event reached
	// the hub. 0: any time is accepted.
	Future time.Duration
	// CSV names the columns of events in CSV, separated by commas. [Header] says that each
	// event's first line names them. Empty: no event is read as CSV.
	CSV string
	// Rules are applied to the readings. It may be nil.
	Rules *rules.Rules
}

// Reader reads the events of a batch one after the other. It drops equal copies of a reading.
// It keeps readings of the same sensor and time with different values, if they come in
// different events; the store decides between them. A Reader is not safe for concurrent use.
type Reader struct {
	Found
	m     *Mapping
	opt   Options
	roles map[string][]role
	names map[string]string // valid names, so that all readings share one string
	seen  map[key]seen

	// State of the event that is being read.
	event   Event
	index   int          // of the event in the batch
	element int          // index of the next element
	refused int          // how many elements are refused
	whole   bool         // an element cannot be read alone: it was compressed, or the first line names the columns
	latest  fleet.Millis // the latest time that is accepted
	mapped  bool         // it is not in the project's own format
	// contradicts says that two of its readings have the same key and different values.
	contradicts bool
}

// seen is the first value of a key in a batch, and the index of its event.
type seen struct {
	value float64
	event int
}

// key identifies a reading.
type key struct {
	id   fleet.ID
	time fleet.Millis
}

// NewReader returns a reader for a batch of about n readings.
func NewReader(m *Mapping, opt Options, n int) *Reader {
	r := &Reader{m: m, opt: opt, names: make(map[string]string), seen: make(map[key]seen, n)}
	r.Readings, r.Origins = make([]fleet.Reading, 0, n), make([]Origin, 0, n)
	return r
}

// Reset empties Found, so that the reader can read another batch.
func (r *Reader) Reset() {
	r.Found = Found{}
	clear(r.seen)
}

// Read reads an event and adds its readings and refusals to Found. Index is the event's index
// in the batch.
func (r *Reader) Read(index int, ev Event) {
	r.event, r.index, r.element, r.refused, r.whole = ev, index, 0, 0, false
	r.mapped, r.contradicts = false, false
	r.latest = fleet.MaxMillis
	if r.opt.Future > 0 && !ev.Enqueued.IsZero() {
		r.latest = fleet.MillisOf(ev.Enqueued.Add(r.opt.Future))
	}
	before := r.mark()
	if err := r.try(ev.Body); err != nil {
		r.rewind(before)
		r.refuse(ev.Body, err)
	}
	r.setOrigins(before)
	if r.opt.Rules != nil {
		r.applyRules(before)
	}
	if r.contradicts && r.mapped {
		r.contradictions(before)
	}
}

// applyRules replaces the readings found since the mark by what the rules make of them.
func (r *Reader) applyRules(since mark) {
	readings, origins := slices.Clone(r.Readings[since.readings:]), slices.Clone(r.Origins[since.readings:])
	r.Readings, r.Origins = r.Readings[:since.readings], r.Origins[:since.readings]
	counted := map[string]int{} // from a reason to its index in Refused
	lastCounted, lastKept, kept := 0, 0, 0
	for i, v := range r.opt.Rules.Apply(readings) {
		if v.Err == nil {
			r.store(v.Reading, origins[i])
			if v.Flag.ID.Sensor != "" {
				r.store(v.Flag, origins[i])
			}
			continue
		}
		r.fault(Fault{ID: v.Reading.ID, Refused: 1})
		at, known := counted[v.Err.Error()]
		switch {
		case v.Counted && known:
			r.Refused[at].Count++
			continue
		case v.Counted && len(counted) == MaxRefused: // reasons name the values, so there may be many
			r.Refused[lastCounted].Count++
			continue
		case v.Counted:
			lastCounted = len(r.Refused)
			counted[v.Err.Error()] = lastCounted
		case kept > MaxRefused: // the whole event will be refused
			r.Refused[lastKept].Count++
			continue
		default:
			lastKept = len(r.Refused)
			kept++
		}
		r.Refused = append(r.Refused, Refused{Origin: origins[i], Count: 1, Reading: &v.Reading, Err: v.Err, Counted: v.Counted})
	}
}

// try reads a body. A panic becomes an error, so that the event is refused. Otherwise Event
// Hubs would deliver it for ever, and later events would wait.
func (r *Reader) try(body []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: reading it failed: %v", fleet.ErrInvalid, v)
		}
	}()
	r.read(body)
	return nil
}

// plain reads a body in the project's own format: an array of objects, or objects one after
// the other.
func (r *Reader) plain(body []byte) {
	if i := space(body, 0); body[i] == '[' {
		r.array(body, i)
	} else {
		r.lines(body, i)
	}
}

// array reads a body whose array opens at body[open].
func (r *Reader) array(body []byte, open int) {
	i := space(body, open+1)
	if i < len(body) && body[i] == ']' {
		r.end(body, i+1)
		return
	}
	for {
		o, end, next, err := r.arrayElement(body, i)
		r.add(body[i:end], o, err)
		if next == len(body) {
			return
		}
		if body[next] == ']' {
			r.end(body, next+1)
			return
		}
		i = space(body, next+1)
	}
}

// arrayElement reads the element that begins at body[i]. It returns the index after it, and
// that of the comma or bracket that follows. Without one, next is len(body).
func (r *Reader) arrayElement(body []byte, i int) (o plainReading, end, next int, err error) {
	o, end, err = r.plainReading(body, i)
	if err == nil {
		next = space(body, end)
		if next < len(body) && (body[next] == ',' || body[next] == ']') {
			return o, end, next, nil
		}
		err = fault(body, next, "a comma or the end of the array")
	}
	end, next = elementEnd(body, i)
	return o, end, next, err
}

// end refuses text after an array. The array ends before body[i].
func (r *Reader) end(body []byte, i int) {
	if i = space(body, i); i < len(body) {
		r.refuse(body[i:], fmt.Errorf("%w: there is text after the array", fleet.ErrInvalid))
	}
}

// lines reads the objects in body, from i on. Each must end its line.
func (r *Reader) lines(body []byte, i int) {
	for i < len(body) {
		begin := i
		o, end, err := r.plainReading(body, begin)
		if err == nil {
			if i = lineEnd(body, end); i < 0 {
				err = fmt.Errorf("%w: there is text after the object", fleet.ErrInvalid)
			}
		}
		if err != nil {
			end = lineElementEnd(body, begin)
			i = end
		}
		r.add(body[begin:end], o, err)
		i = space(body, i)
	}
}

// add adds the reading of the element raw to Found, or refuses the element if err is not nil.
func (r *Reader) add(raw []byte, o plainReading, err error) {
	if err == nil && !utf8.Valid(raw) {
		err = fmt.Errorf("%w: it is not UTF-8", fleet.ErrInvalid)
	}
	if err == nil && !o.missing && o.Time > r.latest {
		err = r.ahead(o.Time)
	}
	switch {
	case err != nil:
		if o.ID.Device != "" && o.ID.Sensor != "" {
			r.fault(Fault{ID: o.ID, Refused: 1})
		}
		r.refuse(raw, err)
		return
	case o.missing:
		r.Missing++
	default:
		r.keep(o.Reading, Origin{r.index, r.element, raw})
	}
	r.element++
}

// keep adds a reading to Found. If there are rules, it leaves copies in, because the rules'
// decisions must not depend on earlier events.
func (r *Reader) keep(reading fleet.Reading, from Origin) {
	if r.opt.Rules != nil {
		r.Readings = append(r.Readings, reading)
		r.Origins = append(r.Origins, from)
		return
	}
	r.store(reading, from)
}

// store adds a reading that will be stored to Found, unless it is a copy.
func (r *Reader) store(reading fleet.Reading, from Origin) {
	k := key{reading.ID, reading.Time}
	v, ok := r.seen[k]
	switch {
	case ok && v.value == reading.Value:
		r.Copies++
		r.fault(Fault{ID: reading.ID, Time: reading.Time, Copies: 1})
		return
	case ok:
		r.contradicts = r.contradicts || v.event == r.index
	default:
		r.seen[k] = seen{reading.Value, r.index}
	}
	r.Readings = append(r.Readings, reading)
	r.Origins = append(r.Origins, from)
}
