// Package rules converts, renames, drops and refuses readings after the mapping has read
// them and before they are stored.
//
// A rule's decision depends only on the event that a reading came in. It does not depend
// on what is stored, nor on other events. So an event that Event Hubs delivers twice
// gives the same result on any instance and in any batch.
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

// maxFile is the largest size of a rules file, in bytes.
const maxFile = 1 << 20

// Rules are the rules of a file, in its order. They are safe for concurrent use.
type Rules struct {
	rules  []rule
	chains sync.Map   // from fleet.ID to *chain
	count  sync.Mutex // guards n
	n      int        // how many chains are stored
}

// rule is an element of "rules" in the file. rules.schema.json describes its members.
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
	Within string       // a duration such as 10m; empty: no limit
	within fleet.Millis // Within in milliseconds
}

// Values of "else", which says what happens to a reading that range, step or stuck refuses.
// The third, deadletter, is the default.
const (
	toCount = "count"
	toFlag  = "flag"
)

// convert is "convert" in the file: the name of a conversion, or a scale and an offset.
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

// patterns is "device" or "sensor" in the file: one pattern or a list of them. An empty
// list matches every name.
type patterns []string

func (p *patterns) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*p = patterns{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(p))
}

func (p patterns) match(name string) bool { return fleet.Match(p, name) }

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

// Parse reads rules in JSON, as Schema describes them. Its error wraps [fleet.ErrInvalid]
// and names the line and column of the first mistake.
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

// check returns the first mistake of a rule that the schema cannot find. Path leads to
// the rule in the file.
func (r *rule) check(path []string) error {
	at := func(names ...string) []string { return append(append([]string{}, path...), names...) }
	refuses := r.Range != nil || r.Step != nil || r.Stuck != nil
	switch {
	case !r.Drop && r.Convert == nil && r.Rename == nil && !refuses:
		return jsonfile.Wrong(path, "the rule does nothing: give it drop, convert, range, step, stuck or rename")
	case r.Drop && (r.Convert != nil || r.Rename != nil || refuses):
		return jsonfile.Wrong(at("drop"), "what is dropped cannot be converted, renamed or checked")
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
			return err // cannot happen: the schema has checked it
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

// link is one rule in the chain of a sensor.
type link struct {
	rule int      // index in Rules.rules
	id   fleet.ID // the sensor's names before the rule is applied
}

// chain lists the rules that apply to the readings of one sensor. It follows from the
// sensor's names alone.
type chain struct {
	links    []link
	id       fleet.ID // the names after the last rule
	compares bool     // a rule has step or stuck, which compare readings
	invalid  error    // why id cannot be stored; nil if it can
}

// maxChains is how many chains are stored. Those of further sensors are made each time.
const maxChains = 1 << 17

// chain returns the chain of a sensor.
func (r *Rules) chain(id fleet.ID) *chain {
	if c, ok := r.chains.Load(id); ok {
		return c.(*chain)
	}
	c := &chain{id: id}
	for i := range r.rules {
		x := &r.rules[i]
		if !x.Device.match(c.id.Device) || !x.Sensor.match(c.id.Sensor) {
			continue
		}
		c.links = append(c.links, link{i, c.id})
		c.compares = c.compares || x.Step != nil || x.Stuck != nil
		if x.Rename != nil {
			if x.Rename.Device != "" {
				c.id.Device = x.Rename.Device
			}
			if x.Rename.Sensor != "" {
				c.id.Sensor = x.Rename.Sensor
			}
		}
	}
	c.invalid = c.id.Validate()
	r.count.Lock()
	defer r.count.Unlock()
	if r.n < maxChains {
		if _, loaded := r.chains.LoadOrStore(id, c); !loaded {
			r.n++
		}
	}
	return c
}

// Verdict is what the rules decide about a reading.
type Verdict struct {
	// Reading is the reading to store. If a rule refused it, it has the names and the
	// value that the rule saw.
	Reading fleet.Reading
	// Err says why the reading is refused. It wraps [fleet.ErrInvalid], and is nil if the
	// reading is stored.
	Err error
	// Counted says that the refused reading is only counted, and not written to the dead
	// letters.
	Counted bool
	// Flag is another reading to store: the value 1 of the sensor NAME.flag at the same
	// time. It is zero if no rule asks for it.
	Flag fleet.Reading
}

// refuse returns the error of a reading that rules[i] refuses.
func (r *Rules) refuse(i int, format string, args ...any) error {
	name := "rule " + strconv.Itoa(i+1)
	if d := r.rules[i].Description; d != "" {
		name += " (" + d + ")"
	}
	return fmt.Errorf("%w: %s: "+format, append([]any{fleet.ErrInvalid, name}, args...)...)
}

// outside says how a value lies outside the rule's range. It is empty if it does not.
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

// BlobName returns the name of the blob if the text of a setting is config/NAME.json. ok
// is false if the text is rules.
func BlobName(text string) (name string, ok bool) {
	name, ok = strings.CutPrefix(strings.TrimSpace(text), "config/")
	return name, ok && strings.HasSuffix(name, ".json") && !strings.ContainsAny(name, " \t\r\n{")
}
