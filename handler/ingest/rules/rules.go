// Package rules says what is done with readings between the mapping and the store:
// they are converted, renamed, dropped, or refused because their values cannot be right.
//
// Whatever a rule decides follows from the event alone in which a reading came: not
// from what is stored, nor from other events. So an event that is delivered again, to
// whichever instance, beside whichever others, comes to the same.
package rules

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/jsonfile"
)

// Schema is the JSON Schema of rules.
//
//go:embed rules.schema.json
var Schema []byte

// maxFile is the size of the largest rules that are read.
const maxFile = 1 << 20

// Rules are what is done with readings. They are safe for concurrent use.
type Rules struct {
	rules []rule
	known sync.Map // of chain by fleet.ID
	count sync.Mutex
	n     int // how many are known
}

// rule is a rule as the file has it.
type rule struct {
	Description string
	Device      patterns
	Sensor      patterns
	Drop        bool
	Convert     *convert
	Range       *struct{ Min, Max *float64 }
	Step        *step
	Stuck       *struct{ Readings int }
	Else        string
	Rename      *struct{ Device, Sensor string }
}

type step struct {
	Most   float64
	Within string
	within fleet.Millis
}

// What becomes of a reading that a rule refuses.
const (
	toCount = "count"
	toFlag  = "flag"
)

// convert is the name of a conversion, or a scale and an offset.
type convert struct{ conversion }

func (c *convert) UnmarshalJSON(data []byte) error {
	var name string
	if json.Unmarshal(data, &name) == nil {
		c.conversion = conversions[name]
		return nil
	}
	linear := struct{ Scale, Offset *float64 }{}
	err := json.Unmarshal(data, &linear)
	c.conversion = conversion{0, 1, 1, 0}
	if linear.Scale != nil {
		c.times = *linear.Scale
	}
	if linear.Offset != nil {
		c.after = *linear.Offset
	}
	return err
}

// patterns are one pattern or several; none fit anything.
type patterns []string

func (p *patterns) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*p = patterns{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(p))
}

func (p patterns) fit(name string) bool {
	for _, pattern := range p {
		if fits(pattern, name) {
			return true
		}
	}
	return len(p) == 0
}

// fits reports whether name is as pattern says, in which * stands for any text and ?
// for one character. Its time is the product of both lengths at most.
func fits(pattern, name string) bool {
	p, s := []rune(pattern), []rune(name)
	i, j, star, after := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, after = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i, j = i+1, j+1
		case star >= 0:
			after++
			i, j = star+1, after
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == ""
}

var schema = sync.OnceValue(func() *jsonfile.Schema {
	return jsonfile.Compile(Schema, map[string]func(string) error{
		"conversion": checkConversion,
		"duration-go": func(text string) error {
			if d, err := time.ParseDuration(text); err != nil || d <= 0 {
				return fmt.Errorf("%q is no length of time: write one such as 30s, 10m or 1h", text)
			}
			return nil
		},
	})
})

// Parse reads rules. Its error wraps [fleet.ErrInvalid], and names line and column of
// the first mistake.
func Parse(data []byte) (*Rules, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%w: rules: %d bytes are more than %d", fleet.ErrInvalid, len(data), maxFile)
	}
	var file struct{ Rules []rule }
	err := schema().Read(data, &file, func() error {
		for i := range file.Rules {
			if err := file.Rules[i].check([]string{"rules", strconv.Itoa(i)}); err != nil {
				return err
			}
		}
		return nil
	})
	var mistake *jsonfile.Error
	switch {
	case errors.As(err, &mistake):
		return nil, fmt.Errorf("%w: rules, %w", fleet.ErrInvalid, err)
	case err != nil:
		return nil, fmt.Errorf("%w: rules: %w", fleet.ErrInvalid, err)
	}
	return &Rules{rules: file.Rules}, nil
}

// check reports, as a mistake at its place, what the schema cannot say.
func (r *rule) check(path []string) error {
	at := func(names ...string) []string { return append(append([]string{}, path...), names...) }
	refuses := r.Range != nil || r.Step != nil || r.Stuck != nil
	switch {
	case !r.Drop && r.Convert == nil && r.Rename == nil && !refuses:
		return jsonfile.Wrong(path, "the rule does nothing: give it drop, convert, range, step, stuck or rename")
	case r.Drop && (r.Convert != nil || r.Rename != nil || refuses):
		return jsonfile.Wrong(at("drop"), "what is dropped cannot be converted, renamed or looked at")
	case r.Else != "" && !refuses:
		return jsonfile.Wrong(at("else"), `"else" is for what range, step or stuck refuses`)
	case r.Convert != nil && r.Convert.times == 0:
		return jsonfile.Wrong(at("convert"), "a scale of 0 makes every value the same")
	case r.Range != nil && r.Range.Min != nil && r.Range.Max != nil && *r.Range.Min > *r.Range.Max:
		return jsonfile.Wrong(at("range", "min"), "min is above max")
	}
	if r.Step != nil && r.Step.Within != "" {
		d, err := time.ParseDuration(r.Step.Within)
		if err != nil {
			return err // the schema has checked it
		}
		r.Step.within = fleet.Millis(d.Milliseconds())
	}
	if r.Rename == nil {
		return nil
	}
	for name, value := range map[string]string{"device": r.Rename.Device, "sensor": r.Rename.Sensor} {
		if err := fleet.ValidName(value); value != "" && err != nil {
			return jsonfile.Wrong(at("rename", name), "%v", err)
		}
	}
	return nil
}

// link is a rule that a sensor's readings come to, and their names then.
type link struct {
	rule int
	id   fleet.ID
}

// chain is what is done with the readings of a sensor.
type chain struct {
	links    []link
	id       fleet.ID // at the end
	in       bool     // a rule looks at others of the sensor's readings
	unusable error    // a name that comes of it
}

// maxKnown bounds the sensors whose chains are remembered.
const maxKnown = 1 << 17

// of returns the chain of a sensor.
func (r *Rules) of(id fleet.ID) *chain {
	if c, ok := r.known.Load(id); ok {
		return c.(*chain)
	}
	c := &chain{id: id}
	for i := range r.rules {
		x := &r.rules[i]
		if !x.Device.fit(c.id.Device) || !x.Sensor.fit(c.id.Sensor) {
			continue
		}
		c.links = append(c.links, link{i, c.id})
		c.in = c.in || x.Step != nil || x.Stuck != nil
		if x.Rename != nil {
			if x.Rename.Device != "" {
				c.id.Device = x.Rename.Device
			}
			if x.Rename.Sensor != "" {
				c.id.Sensor = x.Rename.Sensor
			}
		}
	}
	c.unusable = c.id.Validate()
	r.count.Lock()
	defer r.count.Unlock()
	if r.n < maxKnown {
		if _, loaded := r.known.LoadOrStore(id, c); !loaded {
			r.n++
		}
	}
	return c
}

// Verdict is what becomes of a reading.
type Verdict struct {
	Reading fleet.Reading // as it is to be stored, or as it was when it was refused
	// Err is why it is refused, nil if it is stored; it wraps [fleet.ErrInvalid].
	Err error
	// Counted says that what is refused is not to be kept.
	Counted bool
	// Flag is stored beside the reading, if it is not zero.
	Flag fleet.Reading
}

// refuse says that rule i refuses a reading.
func (r *Rules) refuse(i int, format string, args ...any) error {
	name := "rule " + strconv.Itoa(i+1)
	if d := r.rules[i].Description; d != "" {
		name += " (" + d + ")"
	}
	return fmt.Errorf("%w: %s: "+format, append([]any{fleet.ErrInvalid, name}, args...)...)
}

// outside says how a value fails a range, "" if it does not.
func (r *rule) outside(x float64) string {
	switch {
	case r.Range == nil:
	case r.Range.Min != nil && x < *r.Range.Min:
		return fmt.Sprintf("the value %v lies below %v", x, *r.Range.Min)
	case r.Range.Max != nil && x > *r.Range.Max:
		return fmt.Sprintf("the value %v lies above %v", x, *r.Range.Max)
	}
	return ""
}

// finite reports whether x can be stored.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// BlobName returns the blob that a setting names in the container config, in place of
// rules: config/NAME.json.
func BlobName(text string) (name string, ok bool) {
	name, ok = strings.CutPrefix(strings.TrimSpace(text), "config/")
	return name, ok && strings.HasSuffix(name, ".json") && !strings.ContainsAny(name, " \t\r\n{")
}
