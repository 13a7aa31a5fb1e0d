package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// flagSuffix ends the name of the sensor that a flag is stored under.
const flagSuffix = ".flag"

// history is what a rule with step or stuck has seen of one sensor's readings in an
// event, in the order of time.
type history struct {
	last     *fleet.Reading // nil before the first reading
	equal    int            // how many readings in a row, the last included, have its value
	accepted *fleet.Reading // the last reading that the rule did not refuse; nil if there is none
}

// Apply applies the rules to the readings of one event. Element i of the result is for
// reading i.
//
// Step and stuck compare a sensor's readings in the order of time. Of several readings
// at the same time they use the first, and the others pass.
func (r *Rules) Apply(readings []fleet.Reading) []Verdict {
	verdicts := make([]Verdict, len(readings))
	chains := make([]*chain, len(readings))
	compared := false
	for i, x := range readings {
		chains[i] = r.chain(x.ID)
		compared = compared || chains[i].compares
	}
	if !compared {
		for i, x := range readings {
			verdicts[i] = r.judge(x, chains[i], nil)
		}
		return verdicts
	}
	order := make([]int, len(readings))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(readings[a].Time, readings[b].Time) })
	histories := map[link]*history{}
	for _, i := range order {
		verdicts[i] = r.judge(readings[i], chains[i], histories)
	}
	return verdicts
}

// judge applies the rules of a chain to a reading. It updates the histories of the rules
// that compare readings.
func (r *Rules) judge(x fleet.Reading, c *chain, histories map[link]*history) Verdict {
	flagged := false
	for _, l := range c.links {
		rule := &r.rules[l.rule]
		x.ID = l.id
		if rule.Drop {
			return Verdict{Reading: x, Err: r.refuse(l.rule, "it is dropped"), Counted: true}
		}
		if rule.Convert != nil {
			converted := rule.Convert.of(x.Value)
			if !finite(converted) {
				return Verdict{Reading: x, Err: r.refuse(l.rule, "the value %v cannot be converted: it gets too large", x.Value)}
			}
			x.Value = converted
		}
		why := rule.outside(x.Value)
		if rule.Step != nil || rule.Stuck != nil {
			h := histories[l]
			if h == nil {
				h = &history{}
				histories[l] = h
			}
			why = cmp.Or(why, h.fault(rule, x))
			h.add(x, why == "")
		}
		switch {
		case why == "":
		case rule.Else == toFlag:
			flagged = true
		default:
			return Verdict{Reading: x, Err: r.refuse(l.rule, "%s", why), Counted: rule.Else == toCount}
		}
	}
	x.ID = c.id
	if c.invalid != nil {
		return Verdict{Reading: x, Err: c.invalid}
	}
	v := Verdict{Reading: x}
	if flagged {
		v.Flag = fleet.Reading{ID: fleet.ID{Device: x.ID.Device, Sensor: x.ID.Sensor + flagSuffix}, Time: x.Time, Value: 1}
		if err := v.Flag.Validate(); err != nil {
			return Verdict{Reading: x, Err: err}
		}
	}
	return v
}

// fault says how a reading violates step or stuck. It is empty if the reading does not.
func (h *history) fault(r *rule, x fleet.Reading) string {
	if h.last == nil || x.Time == h.last.Time {
		return ""
	}
	if p := h.accepted; r.Step != nil && p != nil && (r.Step.within == 0 || x.Time-p.Time <= r.Step.within) {
		if d := math.Abs(x.Value - p.Value); d > r.Step.Most {
			return fmt.Sprintf("the value %v differs by %v from %v, the last that was accepted, more than %v", x.Value, d, p.Value, r.Step.Most)
		}
	}
	if r.Stuck != nil && x.Value == h.last.Value && h.equal >= r.Stuck.Readings {
		return fmt.Sprintf("the value %v comes more than %d times in a row", x.Value, r.Stuck.Readings)
	}
	return ""
}

// add appends a reading to the history. It ignores one at the time of the last reading.
func (h *history) add(x fleet.Reading, accepted bool) {
	if h.last != nil && x.Time == h.last.Time {
		return
	}
	if h.last != nil && x.Value == h.last.Value {
		h.equal++
	} else {
		h.equal = 1
	}
	h.last = &x
	if accepted {
		h.accepted = &x
	}
}
