package fleet

import (
	"fmt"
	"strings"
	"time"
)

// Window is a half-open interval of time, [From, To), in UTC. Both are whole seconds.
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

const runTime = "20060102T150405Z"

// NewWindow returns the window [from, to). Both must be whole seconds of the years 1
// to 9999, and from must be before to. Otherwise the error wraps [ErrInvalid].
func NewWindow(from, to time.Time) (Window, error) {
	for _, t := range [...]time.Time{from, to} {
		if t.Nanosecond() != 0 {
			return Window{}, fmt.Errorf("%w: window bound %s is not a whole second", ErrInvalid, t.Format(time.RFC3339Nano))
		}
		if m := MillisOf(t); m < MinMillis || m > MaxMillis {
			return Window{}, fmt.Errorf("%w: window bound %s lies outside the years 1 to 9999", ErrInvalid, t.Format(time.RFC3339))
		}
	}
	if !from.Before(to) {
		return Window{}, fmt.Errorf("%w: window is empty: from %s is not before to %s", ErrInvalid, from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return Window{from.UTC(), to.UTC()}, nil
}

// RunID returns the id of the run over w, such as 20180828T230000Z-20180829T000000Z.
// Ids sort like the beginnings of their windows.
func (w Window) RunID() string {
	return w.From.Format(runTime) + "-" + w.To.Format(runTime)
}

// Contains reports whether m is in w.
func (w Window) Contains(m Millis) bool {
	return MillisOf(w.From) <= m && m < MillisOf(w.To)
}

// ParseRunID returns the window of a run's id. It accepts only the exact form of
// [Window.RunID]. The error wraps [ErrInvalid].
func ParseRunID(id string) (Window, error) {
	a, b, ok := strings.Cut(id, "-")
	if ok {
		from, err1 := time.Parse(runTime, a)
		to, err2 := time.Parse(runTime, b)
		if err1 == nil && err2 == nil {
			w, err := NewWindow(from, to)
			if err == nil && w.RunID() == id {
				return w, nil
			}
		}
	}
	return Window{}, fmt.Errorf("%w: run %.80q is not of the form 20180828T230000Z-20180829T000000Z", ErrInvalid, id)
}
