package ncrontab

import (
	"sort"
	"time"
)

// In returns the schedule in the local time of a zone. When clocks are put forward, times in the
// skipped hour fire once, at its end. When clocks are put back, times in the repeated hour fire
// only the first time.
func (s Schedule) In(zone *time.Location) Schedule {
	s.zone = zone
	return s
}

// Zone returns the zone of the schedule.
func (s Schedule) Zone() *time.Location {
	if s.zone == nil {
		return time.UTC
	}
	return s.zone
}

const (
	shift = 48 * time.Hour // more than any change of clocks
	apart = 6 * time.Hour  // less than the time between two changes of clocks
)

// latest returns the latest local time of a zone up to t. It is the local time at t or, if
// clocks were put back shortly before, the local time just before that. Local times are
// represented as times in UTC with the same date and clock.
//
// Changes of clocks are found by comparing offsets, because [time.Time.ZoneBounds] is wrong on
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

// reached returns the time at which the local time of a zone is first wall or later. It may be
// later if the clocks skip wall.
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

// shown returns the local time of a zone at t.
func shown(zone *time.Location, t time.Time) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
