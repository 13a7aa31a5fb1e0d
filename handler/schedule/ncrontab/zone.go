package ncrontab

import (
	"sort"
	"time"
)

// In returns s as it fires by the clocks of a zone. When they are put forward, what
// would have fired in the hour that they skip fires once, at its end. When they are
// put back, what fired in the hour that they repeat does not fire again.
func (s Schedule) In(zone *time.Location) Schedule {
	s.zone = zone
	return s
}

// Zone returns the zone by whose clocks s fires.
func (s Schedule) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

const (
	shift = 48 * time.Hour // more than clocks were ever put forward or back at once
	apart = 6 * time.Hour  // less than lies between two changes of clocks
)

// latest returns the latest time that the clocks of a zone have shown up to t: what
// they show at t or, if they were put back shortly before, what they showed then.
// Times on clocks are given as times in UTC that read the same.
//
// Changes are found by comparing offsets, since [time.Time.ZoneBounds] is wrong on
// the last day of leap years (Go 1.26).
func latest(zone *time.Location, t time.Time) time.Time {
	t = t.Truncate(time.Second)
	wall := shown(zone, t)
	for u := t; u.After(t.Add(-shift)); u = u.Add(-apart) {
		before := u.Add(-apart)
		offset := shown(zone, before).Sub(before)
		if shown(zone, u).Sub(u) >= offset {
			continue
		}
		seconds := sort.Search(int(apart/time.Second), func(i int) bool {
			v := before.Add(time.Duration(i) * time.Second)
			return shown(zone, v).Sub(v) < offset
		})
		last := before.Add(time.Duration(seconds-1) * time.Second)
		if w := shown(zone, last); w.After(wall) {
			wall = w
		}
	}
	return wall
}

// reached returns when the clocks of a zone first show the time wall, or a later
// one where they skip it.
func reached(zone *time.Location, wall time.Time) time.Time {
	by := func(t time.Time) bool { return !latest(zone, t).Before(wall) }
	from := wall.Add(-shift)
	if t := wall.Add(from.Sub(shown(zone, from))); by(t) && !by(t.Add(-time.Second)) {
		return t // no change of clocks
	}
	seconds := sort.Search(int(2*shift/time.Second), func(i int) bool {
		return by(from.Add(time.Duration(i) * time.Second))
	})
	return from.Add(time.Duration(seconds) * time.Second)
}

func shown(zone *time.Location, t time.Time) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
