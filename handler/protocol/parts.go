package protocol

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// A batch of events may be longer than memory should hold: host.json bounds how
// many events a batch has, not how many bytes. If it were refused, the host would
// send it again for ever, and the partition would stand still. So it goes into a
// temporary file, and its events go to their function in parts.

const (
	// maxPart is how many bytes of events a part has, unless it is one event, and
	// maxPartEvents how many events.
	maxPart, maxPartEvents = 16 << 20, 1000
	// maxEvent is the length of the longest event that is handed on whole. It is
	// three times what an event hub takes.
	maxEvent = 64 << 20
	// eventBeginning is how much is handed on of a longer one.
	eventBeginning = 48 << 10
	// maxMetadata is how long a value of an event's metadata may be.
	maxMetadata = 4 << 20
)

// column is an array of the metadata, of which each event has an element. Its
// name ends in Array; without that it is the value of a single event.
type column struct {
	name string
	set  func(p *part, text string) error // sets it in the last event of p
}

var columns = []column{
	{"SequenceNumber", func(p *part, text string) error {
		n, err := parseSequence(text)
		p.Sequences = append(p.Sequences, n)
		return err
	}},
	{"EnqueuedTimeUtc", func(p *part, text string) error {
		t, err := parseEnqueued(text)
		p.Enqueued = append(p.Enqueued, t)
		return err
	}},
	{"Offset", func(p *part, text string) error { p.last().Offset = text; return nil }},
	{"OffsetString", func(p *part, text string) error { p.last().Offset = text; return nil }},
	{"SystemProperties", func(p *part, text string) error { return setObject(&p.last().System, text) }},
	{"Properties", func(p *part, text string) error { return setObject(&p.last().Properties, text) }},
}

func setObject(to *json.RawMessage, text string) error {
	if !json.Valid([]byte(text)) {
		return errSyntax
	}
	*to = json.RawMessage(text)
	return nil
}

// part is the part of a batch that is being read.
type part struct {
	Events
	details []Detail
	bytes   int
}

func (p *part) last() *Detail { return &p.details[len(p.details)-1] }

// openColumn is a column of the batch that is being read.
type openColumn struct {
	column
	values *list
}

// parts reads a batch in parts.
type parts struct {
	hub, partition string
	events         *list
	columns        []openColumn
	f              func(Events) error
	part           part
}

// each calls f with each part.
func (p *parts) each() error {
	for {
		v, err := p.events.next(base64.StdEncoding.EncodedLen(maxEvent) + 2)
		if errors.Is(err, io.EOF) {
			return p.flush()
		}
		if err == nil && (!v.whole() || p.part.bytes+len(v.text) > maxPart) {
			err = p.flush()
		}
		if err == nil {
			err = p.add(v)
		}
		if err == nil && (!v.whole() || len(p.part.Bodies) == maxPartEvents) {
			err = p.flush()
		}
		if err != nil {
			return err
		}
	}
}

// add adds an event to the part.
func (p *parts) add(v beginning) error {
	if !v.whole() {
		p.part.Length = v.length / 4 * 3
		v.text = append(v.text[:1+base64.StdEncoding.EncodedLen(eventBeginning)], v.text[0]) // a quote
	}
	arena := make([]byte, 0, len(v.text))
	p.part.Bodies = append(p.part.Bodies, body(&arena, v.text))
	p.part.details = append(p.part.details, Detail{})
	p.part.bytes += len(v.text)
	for _, c := range p.columns {
		m, err := c.values.next(maxMetadata)
		if err != nil {
			return err
		}
		p.part.bytes += len(m.text)
		if err := c.set(&p.part, string(peel(m.text))); err != nil {
			return err
		}
	}
	return nil
}

// flush calls f with the part and begins another.
func (p *parts) flush() error {
	ev, details := p.part.Events, p.part.details
	p.part = part{}
	if len(ev.Bodies) == 0 {
		return nil
	}
	ev.Hub, ev.Partition, ev.Part = p.hub, p.partition, true
	ev.Details = func() []Detail { return details }
	return p.f(ev)
}

// inParts calls f with the events of a batch in parts.
func (sp *spool) inParts(log *slog.Logger, function, binding string, f func(Events) error) error {
	p := &parts{f: f}
	read := p.fromFile
	if sp.rest != nil {
		log.Warn("a batch is longer than the temporary file that it may have: its events are read without their metadata", "reason", sp.reason.Error())
		read = p.asTheyCome
	}
	found, err := read(sp, "Data."+binding)
	switch {
	case err != nil:
		return fmt.Errorf("invocation of %s: events %q: %w", function, binding, err)
	case !found:
		return noBinding(function, binding)
	}
	return nil
}

// fromFile reads a batch that is all on disk, each event with its metadata.
func (p *parts) fromFile(sp *spool, binding string) (found bool, err error) {
	sections, err := sp.sections()
	if err != nil {
		return false, err
	}
	at, found := sections[binding]
	if !found {
		return false, nil
	}
	n, err := sp.count(at, func(beginning) error { return nil })
	if err != nil {
		return true, err
	}
	if err := p.open(sp, sections, n); err != nil {
		return true, err
	}
	if p.events, err = sp.list(at); err != nil {
		return true, err
	}
	return true, p.each()
}

// open opens the metadata of n events. An array that has not n elements, or one
// that is not readable, is left out, as in a batch in memory.
func (p *parts) open(sp *spool, sections map[string]section, n int) error {
	if at, ok := sections["Metadata.PartitionContext"]; ok {
		v, err := newStream(sp.section(at)).value(maxMetadata)
		if err != nil {
			return err
		}
		p.hub, p.partition = partition(v.text)
	}
	for _, c := range columns {
		at, ok := sections["Metadata."+c.name+"Array"]
		if !ok {
			if at, ok = sections["Metadata."+c.name]; !ok {
				continue
			}
		}
		m, err := sp.count(at, func(v beginning) error {
			if !v.whole() {
				return errSyntax
			}
			return c.set(&part{details: make([]Detail, 1)}, string(peel(v.text)))
		})
		if err != nil || m != n {
			continue
		}
		values, err := sp.list(at)
		if err != nil {
			return err
		}
		p.columns = append(p.columns, openColumn{c, values})
	}
	return nil
}

// count returns how many elements the array in a section has. If check returns an
// error for an element, count returns that.
func (sp *spool) count(at section, check func(beginning) error) (n int, err error) {
	l, err := sp.list(at)
	if err != nil {
		return 0, err
	}
	for ; ; n++ {
		v, err := l.next(maxMetadata)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err == nil {
			err = check(v)
		}
		if err != nil {
			return n, err
		}
	}
}

// asTheyCome reads a batch of which not all is on disk. The events go on without their
// metadata, since that comes after them.
func (p *parts) asTheyCome(sp *spool, binding string) (found bool, err error) {
	s := newStream(sp.all())
	err = envelope(s, func(name string) error {
		if name != binding || found {
			_, err := s.value(0)
			return err
		}
		found = true
		if p.events, err = newList(s); err != nil {
			return err
		}
		return p.each()
	})
	return found, err
}
