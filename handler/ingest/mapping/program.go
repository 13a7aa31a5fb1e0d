package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Limits of a program, for each value that it is run on. A program may execute maxSteps
// instructions, and stepsPerByte more for each byte of the value.
const (
	maxSteps     = 200_000
	stepsPerByte = 20
	maxTime      = 5 * time.Second // for instructions that take long
	maxOutputs   = 100_000         // values that the program yields
)

// machine runs a program. Only one goroutine may use it at a time.
type machine struct {
	code *gojq.Code
	uses struct{ system, properties bool } // which of $system and $properties the program reads
	g    *gatherer                         // gathers the readings of the present value
	run  budget                            // what remains for the present value
}

// variables are what a program can read beside the value.
var variables = []string{"$system", "$properties", "$enqueued", "$partition"}

func compile(text string) (m *machine, err error) {
	defer func() {
		if v := recover(); v != nil { // a fault of gojq's compiler
			m, err = nil, fmt.Errorf("%w: mapping: the program cannot be compiled: %v", fleet.ErrInvalid, v)
		}
	}()
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, syntaxError(text, err)
	}
	if len(query.Imports) > 0 {
		return nil, fmt.Errorf("%w: mapping: a program may not import", fleet.ErrInvalid)
	}
	if err := guard(query); err != nil {
		return nil, err
	}
	query.FuncDefs = append(prelude().FuncDefs, query.FuncDefs...)
	m = &machine{}
	m.uses.system, m.uses.properties = strings.Contains(text, "$system"), strings.Contains(text, "$properties")
	options := append(m.functions(), gojq.WithVariables(variables))
	if m.code, err = gojq.Compile(query, options...); err != nil {
		return nil, fmt.Errorf("%w: mapping: %w", fleet.ErrInvalid, err)
	}
	return m, nil
}

// syntaxError returns an error with the line and column of a program's mistake, and the text
// from the beginning of the line.
func syntaxError(text string, err error) error {
	var parse *gojq.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("%w: mapping: %w", fleet.ErrInvalid, err)
	}
	at := max(0, min(parse.Offset-len(parse.Token), len(text)))
	line := 1 + strings.Count(text[:at], "\n")
	begin := strings.LastIndexByte(text[:at], '\n') + 1
	rest, _, _ := strings.Cut(text[begin:], "\n")
	return fmt.Errorf("%w: mapping, line %d, column %d: %w: %.120s", fleet.ErrInvalid, line, at-begin+1, err, rest)
}

// program runs a program on a value, whose text has size bytes, and gathers the readings that
// it yields.
func (g *gatherer) program(m *machine, v any, size int) {
	m.g, m.run = g, newBudget(maxSteps+stepsPerByte*size)
	defer func() { m.g = nil }()
	args := make([]any, len(variables))
	if m.uses.system {
		args[0] = g.decoded(g.detail().System)
	}
	if m.uses.properties {
		args[1] = g.decoded(g.detail().Properties)
	}
	if !g.event.Enqueued.IsZero() {
		args[2] = fleet.MillisOf(g.event.Enqueued).String()
	}
	args[3] = g.event.Partition
	outputs := m.code.RunWithContext(&m.run, v, args...)
	for n := 0; ; n++ {
		out, ok := outputs.Next()
		if !ok {
			return
		}
		if err, failed := out.(error); failed {
			var halt *gojq.HaltError
			if errors.As(err, &halt) && halt.Value() == nil {
				return
			}
			g.refuse("mapping: %w", clipped(err))
			return
		}
		if n == maxOutputs {
			g.refuse("mapping: the program yields more than %d values", maxOutputs)
			return
		}
		g.output(out)
	}
}

// clipped shortens an error of gojq, which may have the whole value in its text.
func clipped(err error) error {
	const enough = 300
	if s := err.Error(); len(s) > enough {
		return errors.New(strings.ToValidUTF8(s[:enough], "") + "…")
	}
	return err
}

// decoded reads a JSON object of an event's metadata. It returns an empty object if raw is none.
func (g *gatherer) decoded(raw json.RawMessage) any {
	if docs := documents(raw, true); len(docs) == 1 && docs[0].err == nil && docs[0].value != nil {
		return docs[0].value
	}
	return map[string]any{}
}

// output gathers the readings in a value that a program yields:
//
//	{device, sensor, ts, value}
//	{device, ts, values: {sensor: value, …}}
//	{refused: reason}
//
// or a list of them.
func (g *gatherer) output(v any) {
	if err := fits(v); err != nil {
		g.row(row{err: err})
		return
	}
	g.item(v)
}

func (g *gatherer) item(v any) {
	if list, ok := v.([]any); ok {
		for _, e := range list {
			if _, nested := e.([]any); nested {
				g.refuse("mapping: the program yields lists in lists")
				return
			}
			g.item(e)
		}
		return
	}
	o, ok := v.(map[string]any)
	if !ok {
		g.refuse("mapping: the program yields %s: an object with device, sensor, ts and value is wanted, or one with device, ts and values", shown(v))
		return
	}
	if reason, ok := o["refused"]; ok {
		g.refuse("%s", shownName(reason))
		return
	}
	ts := o["ts"]
	if ts == nil {
		g.refuse("ts is missing: $enqueued is when the event reached the hub")
		return
	}
	if values, wide := o["values"]; wide {
		inner, ok := objectOf(values)
		if !ok {
			g.refuse("values is %s: an object with a member for each sensor is wanted", shown(values))
			return
		}
		g.values(inner, scope{device: o["device"], ts: ts}, "")
		return
	}
	value, ok := o["value"]
	if !ok {
		g.refuseOf(o["device"], o["sensor"], "value is missing")
		return
	}
	g.row(row{device: o["device"], sensor: o["sensor"], ts: ts, value: value})
}

// values gathers the members of an object as readings, each of the sensor with the member's
// name. Nested objects add their names and a point in front.
func (g *gatherer) values(o *members, in scope, prefix string) {
	for i, key := range o.keys {
		if inner, ok := objectOf(o.values[i]); ok {
			g.values(inner, in, prefix+key+".")
			continue
		}
		g.row(row{device: in.device, sensor: prefix + key, ts: in.ts, value: o.values[i], note: true})
	}
}

// budget is a context that ends when Done has been called a number of times. gojq calls it
// before each instruction. So a program ends at the same instruction on every machine. The
// limit of time is for programs whose instructions take long.
type budget struct {
	steps int
	until time.Time
	err   error
}

func newBudget(steps int) budget { return budget{steps: steps, until: time.Now().Add(maxTime)} }

// ended is a closed channel.
var ended = func() <-chan struct{} { c := make(chan struct{}); close(c); return c }()

func (b *budget) Done() <-chan struct{} {
	b.steps--
	switch {
	case b.steps <= 0:
		b.err = errors.New("the program takes too many steps: it is cut off")
	case b.steps%256 != 0:
	case time.Now().After(b.until):
		b.err = fmt.Errorf("the program takes longer than %v: it is cut off", maxTime)
	}
	if b.err != nil {
		return ended
	}
	return nil
}

func (b *budget) Err() error                  { return b.err }
func (b *budget) Deadline() (time.Time, bool) { return time.Time{}, false }
func (b *budget) Value(any) any               { return nil }
