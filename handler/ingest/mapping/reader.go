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

// Options say what an event alone does not.
type Options struct {
	// Format says how times are meant that name no zone or order.
	Format timestamp.Format
	// Future is how far a reading's time may lie ahead of the moment at which its
	// event reached the hub; 0: as far as it likes.
	Future time.Duration
	// CSV says what the columns of events are that are CSV: their names with
	// commas between, or "header" where the first line names them. Empty: no event is CSV.
	CSV string
	// Rules say what is done with readings before they are stored; nil: nothing.
	Rules *rules.Rules
}

// Reader reads events one after the other and gathers what they hold. Equal
// copies of a reading are dropped; another value under the same key is left for
// the store to judge. A Reader is not safe for concurrent use.
type Reader struct {
	Found
	m     *Mapping
	opt   Options
	roles map[string][]role
	names map[string]string // valid names, each once
	seen  map[key]seen

	// Of the event that is being read:
	event   Event
	index   int
	element int
	refused int  // elements
	whole   bool // its elements mean nothing without it: they were unpacked, or its first line names columns
	latest  fleet.Millis
	mapped  bool // a shape or program gave its readings
	// contradicts says that two of its readings have one key and different values.
	contradicts bool
}

// seen is the first value of a reading in a batch, and the event that it came in.
type seen struct {
	value float64
	event int
}

// key is what makes two readings the same one.
type key struct {
	id   fleet.ID
	time fleet.Millis
}

// NewReader returns a reader of about n events, which turns them into readings
// by m.
func NewReader(m *Mapping, opt Options, n int) *Reader {
	r := &Reader{m: m, opt: opt, names: make(map[string]string), seen: make(map[key]seen, n)}
	r.Readings, r.Origins = make([]fleet.Reading, 0, n), make([]Origin, 0, n)
	return r
}

// Reset forgets what was found, so that the reader can go on with other events.
func (r *Reader) Reset() {
	r.Found = Found{}
	clear(r.seen)
}

// Read reads an event, whose index in its batch is given.
func (r *Reader) Read(index int, ev Event) {
	r.event, r.index, r.element, r.refused, r.whole = ev, index, 0, 0, false
	r.mapped, r.contradicts = false, false
	r.latest = fleet.MaxMillis
	if r.opt.Future > 0 && !ev.Enqueued.IsZero() {
		r.latest = fleet.MillisOf(ev.Enqueued.Add(r.opt.Future))
	}
	before := r.mark()
	if err := r.try(ev.Body); err != nil {
		r.back(before)
		r.refuse(ev.Body, err)
	}
	r.settle(before)
	if r.opt.Rules != nil {
		r.rule(before)
	}
	if r.contradicts && r.mapped {
		r.contradictions(before)
	}
}

// contradictions refuses the readings of an event that have another value than one of the
// same sensor and time in it: samples whose times are written in some way that is not known, say,
// or of two sensors that have one name here. Which is stored would else be chance.
func (r *Reader) contradictions(since mark) {
	values := make(map[key]float64)
	contradicted := make(map[key]bool)
	for _, x := range r.Readings[since.readings:] {
		k := key{x.ID, x.Time}
		if v, ok := values[k]; ok && v != x.Value {
			contradicted[k] = true
		}
		values[k] = x.Value
	}
	kept, n := since.readings, 0
	var first fleet.Reading
	for i := since.readings; i < len(r.Readings); i++ {
		x := r.Readings[i]
		k := key{x.ID, x.Time}
		if !contradicted[k] {
			r.Readings[kept], r.Origins[kept] = x, r.Origins[i]
			kept++
			continue
		}
		if n++; n == 1 {
			first = x
		}
		r.fault(Fault{ID: x.ID, Refused: 1})
		if r.seen[k].event == r.index {
			delete(r.seen, k)
		}
	}
	if n == 0 {
		return
	}
	r.Readings, r.Origins = r.Readings[:kept], r.Origins[:kept]
	r.Refused = append(r.Refused, Refused{Origin: Origin{r.index, -1, r.event.Body}, Count: n, Err: fmt.Errorf(
		"%w: the event has several values of %v at %v: a mapping must say how their sensors or times differ", fleet.ErrInvalid, first.ID, first.Time)})
}

// rule applies the rules to the readings of an event.
func (r *Reader) rule(since mark) {
	readings, origins := slices.Clone(r.Readings[since.readings:]), slices.Clone(r.Origins[since.readings:])
	r.Readings, r.Origins = r.Readings[:since.readings], r.Origins[:since.readings]
	counted := map[string]int{} // where in Refused a reason stands
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
		case v.Counted && len(counted) == MaxRefused: // reasons differ by their values
			r.Refused[lastCounted].Count++
			continue
		case v.Counted:
			lastCounted = len(r.Refused)
			counted[v.Err.Error()] = lastCounted
		case kept > MaxRefused: // the event is refused as one
			r.Refused[lastKept].Count++
			continue
		default:
			lastKept = len(r.Refused)
			kept++
		}
		r.Refused = append(r.Refused, Refused{Origin: origins[i], Count: 1, Reading: &v.Reading, Err: v.Err, Counted: v.Counted})
	}
}

// try reads a body. An event that makes it panic is refused like any other: it
// would else come again for ever, and hold up those after it.
func (r *Reader) try(body []byte) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: reading it failed: %v", fleet.ErrInvalid, v)
		}
	}()
	r.read(body)
	return nil
}

// text reads the readings in body, whose first character is no blank.
func (r *Reader) text(body []byte) {
	if i := space(body, 0); body[i] == '[' {
		r.array(body, i)
	} else {
		r.lines(body, i)
	}
}

// array reads the event body, whose array opens at open.
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

// arrayElement reads the element at body[i]. It returns where that ends, and
// where the comma or bracket after it is: len(body) if there is none.
func (r *Reader) arrayElement(body []byte, i int) (o object, end, next int, err error) {
	o, end, err = r.object(body, i)
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

// end refuses what follows an array that ends before i.
func (r *Reader) end(body []byte, i int) {
	if i = space(body, i); i < len(body) {
		r.refuse(body[i:], fmt.Errorf("%w: there is text after the array", fleet.ErrInvalid))
	}
}

// lines reads the event body as objects on lines of their own, from i on.
func (r *Reader) lines(body []byte, i int) {
	for i < len(body) {
		begin := i
		o, end, err := r.object(body, begin)
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

// add takes what the element raw holds, or what is wrong with it.
func (r *Reader) add(raw []byte, o object, err error) {
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

// keep takes a reading. Rules see copies too: what they decide follows from an event
// alone, not from those before it.
func (r *Reader) keep(reading fleet.Reading, from Origin) {
	if r.opt.Rules != nil {
		r.Readings = append(r.Readings, reading)
		r.Origins = append(r.Origins, from)
		return
	}
	r.store(reading, from)
}

// store takes a reading to be stored, unless it is a copy.
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

// fault notes what is wrong about a sensor in the event. What follows for the same
// sensor and hour is added to it.
func (r *Reader) fault(f Fault) {
	f.Event = r.index
	if n := len(r.Faults); n > 0 {
		if last := &r.Faults[n-1]; last.Event == f.Event && last.ID == f.ID && last.Time.Hour().Equal(f.Time.Hour()) {
			last.Copies += f.Copies
			last.Refused += f.Refused
			return
		}
	}
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, f)
	}
}

// spoiled notes that the row x is no reading, if it names a sensor.
func (r *Reader) spoiled(x row) {
	device, err := r.nameOf(x.device)
	if err != nil {
		return
	}
	if sensor, err := r.nameOf(x.sensor); err == nil {
		r.fault(Fault{ID: fleet.ID{Device: device, Sensor: sensor}, Refused: 1})
	}
}

// ahead says that a time lies too far ahead.
func (r *Reader) ahead(m fleet.Millis) error {
	enqueued := fleet.MillisOf(r.event.Enqueued)
	return fmt.Errorf("%w: its time %v lies %s after it was enqueued, more than INGEST_FUTURE, which is %v: the device's clock is wrong",
		fleet.ErrInvalid, m, span(m-enqueued), r.opt.Future)
}

// span writes a time of many days as people would say it.
func span(m fleet.Millis) string {
	const day = 24 * time.Hour
	d := time.Duration(min(m, fleet.Millis(1<<62/time.Millisecond))) * time.Millisecond
	switch {
	case d >= 730*day:
		return fmt.Sprintf("%d years", int64(m)/(365.2425*24*3600*1000))
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	}
	return d.Round(time.Second).String()
}

// refuse notes that the element raw is no reading.
func (r *Reader) refuse(raw []byte, err error) { r.refuseMany(raw, err, 1) }

// refuseMany notes that n readings of the element raw are none.
func (r *Reader) refuseMany(raw []byte, err error, n int) {
	r.refused++
	if r.refused > MaxRefused+1 { // already too many: see [MaxRefused]
		r.Refused[len(r.Refused)-1].Count += n
	} else {
		r.Refused = append(r.Refused, Refused{Origin: Origin{r.index, r.element, raw}, Count: n, Err: err})
	}
	r.element++
}

// settle makes the event's bytes those of its only element, or, where they mean
// nothing without it, of each.
func (r *Reader) settle(since mark) {
	if r.element != 1 && !r.whole {
		return
	}
	for i := range r.Refused[since.refused:] {
		r.Refused[since.refused+i].Origin = r.origin(r.Refused[since.refused+i].Origin)
	}
	for i := range r.Origins[since.readings:] {
		r.Origins[since.readings+i] = r.origin(r.Origins[since.readings+i])
	}
}

func (r *Reader) origin(o Origin) Origin {
	if o.Raw = r.event.Body; r.element != 1 {
		o.Element = -1
	}
	return o
}
