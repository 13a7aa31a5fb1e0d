package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// flagged is what the name of a sensor ends with that says of another one's readings
// that a rule refuses them.
const flagged = ".flag"

// series is what a rule knows of the readings of a sensor in an event.
type series struct {
	any    bool
	time   fleet.Millis   // of the last
	latest float64        // its value
	equal  int            // how many in a row have it
	passed *fleet.Reading // the last that did
}

type seriesKey struct {
	rule int
	id   fleet.ID
}

// Apply returns what becomes of the readings of one event, each at its place. Step
// and stuck look at a sensor's readings in the order of time. Of several at one
// time the first counts; the others are not compared.
func (r *Rules) Apply(readings []fleet.Reading) []Verdict {
	verdicts := make([]Verdict, len(readings))
	chains := make([]*chain, len(readings))
	compared := false
	for i, x := range readings {
		chains[i] = r.of(x.ID)
		compared = compared || chains[i].in
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
	known := map[seriesKey]*series{}
	for _, i := range order {
		verdicts[i] = r.judge(readings[i], chains[i], known)
	}
	return verdicts
}

// judge applies the rules of a chain to a reading.
func (r *Rules) judge(x fleet.Reading, c *chain, known map[seriesKey]*series) Verdict {
	var v Verdict
	flag := false
	for _, l := range c.links {
		rule := &r.rules[l.rule]
		x.ID = l.id
		if rule.Drop {
			return Verdict{Reading: x, Err: r.refuse(l.rule, "it is dropped"), Counted: true}
		}
		if rule.Convert != nil {
			before := x.Value
			if x.Value = rule.Convert.of(x.Value); !finite(x.Value) {
				x.Value = before
				return Verdict{Reading: x, Err: r.refuse(l.rule, "the value %v cannot be converted: it gets too large", before)}
			}
		}
		why := rule.outside(x.Value)
		if rule.Step != nil || rule.Stuck != nil {
			key := seriesKey(l)
			s := known[key]
			if s == nil {
				s = &series{}
				known[key] = s
			}
			why = cmp.Or(why, s.fault(rule, x))
			s.add(x, why == "")
		}
		switch {
		case why == "":
		case rule.Else == toFlag:
			flag = true
		default:
			return Verdict{Reading: x, Err: r.refuse(l.rule, "%s", why), Counted: rule.Else == toCount}
		}
	}
	x.ID = c.id
	if c.unusable != nil {
		return Verdict{Reading: x, Err: c.unusable}
	}
	if v.Reading = x; flag {
		v.Flag = fleet.Reading{ID: fleet.ID{Device: x.ID.Device, Sensor: x.ID.Sensor + flagged}, Time: x.Time, Value: 1}
		if err := v.Flag.Validate(); err != nil {
			return Verdict{Reading: x, Err: err}
		}
	}
	return v
}

// fault says how a reading fails step or stuck, "" if it does not.
func (s *series) fault(r *rule, x fleet.Reading) string {
	if !s.any || x.Time == s.time {
		return ""
	}
	if last := s.passed; r.Step != nil && last != nil && (r.Step.within == 0 || x.Time-last.Time <= r.Step.within) {
		if d := math.Abs(x.Value - last.Value); d > r.Step.Most {
			return fmt.Sprintf("the value %v differs by %v from %v, the last that passed, more than %v", x.Value, d, last.Value, r.Step.Most)
		}
	}
	if r.Stuck != nil && x.Value == s.latest && s.equal >= r.Stuck.Readings {
		return fmt.Sprintf("the value %v comes more than %d times in a row", x.Value, r.Stuck.Readings)
	}
	return ""
}

// add takes a reading, which passed or did not.
func (s *series) add(x fleet.Reading, passed bool) {
	if s.any && x.Time == s.time {
		return
	}
	if s.any && x.Value == s.latest {
		s.equal++
	} else {
		s.equal = 1
	}
	s.latest = x.Value
	if passed {
		s.passed = &x
	}
	s.any, s.time = true, x.Time
}
