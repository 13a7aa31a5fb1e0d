package ingest

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// origin says where an element came from.
type origin struct {
	event   int    // index in the batch
	element int    // index in the event, -1 for all of it
	raw     []byte // the element's bytes; the whole event if it is the only one
}

// parsed is what a batch holds. origins has the origin of each reading.
type parsed struct {
	readings []fleet.Reading
	origins  []origin
	bad      []bad
}

// parser reads the events of a batch. Equal copies of a reading are dropped;
// another value under the same key is left for the store to judge.
type parser struct {
	parsed
	names map[string]string // each name once
	seen  map[key]float64

	event, element int
	rejected       int // elements of the event
}

// key is what makes two readings the same one.
type key struct {
	id   fleet.ID
	time fleet.Millis
}

// parse reads all events of b.
func parse(b Batch) parsed {
	n := len(b.Bodies)
	p := parser{
		parsed: parsed{readings: make([]fleet.Reading, 0, n), origins: make([]origin, 0, n)},
		names:  make(map[string]string),
		seen:   make(map[key]float64, n),
	}
	for i, body := range b.Bodies {
		p.event, p.element, p.rejected = i, 0, 0
		p.parse(body)
		if p.element == 1 {
			p.whole(body)
		}
	}
	return p.parsed
}

// parse reads one event.
func (p *parser) parse(body []byte) {
	i := space(body, 0)
	switch {
	case i == len(body):
		p.reject(body, fmt.Errorf("%w: the event is empty", fleet.ErrInvalid))
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		p.reject(body, fmt.Errorf("%w: the event begins with a byte order mark; send UTF-8 without one", fleet.ErrInvalid))
	case body[i] == '[':
		p.array(body, i)
	default:
		p.lines(body, i)
	}
}

// array reads the event body, whose array opens at open.
func (p *parser) array(body []byte, open int) {
	i := space(body, open+1)
	if i < len(body) && body[i] == ']' {
		p.end(body, i+1)
		return
	}
	for {
		r, end, next, err := p.arrayElement(body, i)
		p.add(body[i:end], r, err)
		if next == len(body) {
			return
		}
		if body[next] == ']' {
			p.end(body, next+1)
			return
		}
		i = space(body, next+1)
	}
}

// arrayElement reads the element at body[i]. It returns where that ends, and
// where the comma or bracket after it is: len(body) if there is none.
func (p *parser) arrayElement(body []byte, i int) (r fleet.Reading, end, next int, err error) {
	r, end, err = p.object(body, i)
	if err == nil {
		next = space(body, end)
		if next < len(body) && (body[next] == ',' || body[next] == ']') {
			return r, end, next, nil
		}
		err = fault(body, next, "a comma or the end of the array")
	}
	end, next = elementEnd(body, i)
	return r, end, next, err
}

// end rejects what follows an array that ends before i.
func (p *parser) end(body []byte, i int) {
	if i = space(body, i); i < len(body) {
		p.reject(body[i:], fmt.Errorf("%w: there is text after the array", fleet.ErrInvalid))
	}
}

// lines reads the event body as objects on lines of their own, from i on.
func (p *parser) lines(body []byte, i int) {
	for i < len(body) {
		begin := i
		r, end, err := p.object(body, begin)
		if err == nil {
			if i = lineEnd(body, end); i < 0 {
				err = fmt.Errorf("%w: there is text after the object", fleet.ErrInvalid)
			}
		}
		if err != nil {
			end = lineElementEnd(body, begin)
			i = end
		}
		p.add(body[begin:end], r, err)
		i = space(body, i)
	}
}

// add takes a reading, or what is wrong with the element raw.
func (p *parser) add(raw []byte, r fleet.Reading, err error) {
	if err == nil && !utf8.Valid(raw) {
		err = fmt.Errorf("%w: it is not UTF-8", fleet.ErrInvalid)
	}
	if err != nil {
		p.reject(raw, err)
		return
	}
	k := key{r.ID, r.Time}
	if v, ok := p.seen[k]; !ok || v != r.Value {
		if !ok {
			p.seen[k] = r.Value
		}
		p.readings = append(p.readings, r)
		p.origins = append(p.origins, origin{p.event, p.element, raw})
	}
	p.element++
}

// reject notes that the element raw is bad. One more than an event may have dead
// letters of its own says that there are too many: see [merge].
func (p *parser) reject(raw []byte, err error) {
	if p.rejected <= maxLetters {
		p.bad = append(p.bad, bad{origin{p.event, p.element, raw}, nil, err})
	}
	p.rejected++
	p.element++
}

// whole makes the event's bytes those of its only element.
func (p *parser) whole(body []byte) {
	if n := len(p.bad); n > 0 && p.bad[n-1].event == p.event {
		p.bad[n-1].raw = body
	}
	if n := len(p.origins); n > 0 && p.origins[n-1].event == p.event {
		p.origins[n-1].raw = body
	}
}
