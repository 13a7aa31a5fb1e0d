package ncrontab

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// The fields of an expression, in their order.
const (
	seconds = iota
	minutes
	hours
	days
	months
	weekdays
)

// spec describes the values of a field.
type spec struct {
	name     string
	min, max int
	names    []string // the name of each value, beginning with min; or nil
}

var specs = [6]spec{
	{"second", 0, 59, nil},
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of month", 1, 31, nil},
	{"month", 1, 12, []string{"January", "February", "March", "April", "May", "June", "July",
		"August", "September", "October", "November", "December"}},
	{"day of week", 0, 6, []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}},
}

// parse parses the list of a field.
func (f spec) parse(text string) (set, error) {
	var all set
	for _, item := range strings.Split(text, ",") {
		s, err := f.item(item)
		if err != nil {
			return 0, err
		}
		all |= s
	}
	return all, nil
}

// item parses an item of a list: a star, a value or a range, with or without a step.
func (f spec) item(text string) (set, error) {
	text, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		var err error
		if step, err = number(stepText); err != nil {
			return 0, fmt.Errorf("step: %w", err)
		}
	}
	if text == "*" {
		return span(f.min, f.max, step), nil
	}
	a, b, ranged := strings.Cut(text, "-")
	first, err := f.value(a)
	if err != nil {
		return 0, err
	}
	last := first
	switch {
	case ranged:
		if last, err = f.value(b); err != nil {
			return 0, err
		}
	case stepped:
		last = f.max
	}
	return span(min(first, last), max(first, last), step), nil
}

// value parses a number, or the beginning of a name.
func (f spec) value(text string) (int, error) {
	if text != "" && (text[0] < '0' || text[0] > '9') && f.names != nil {
		for i, name := range f.names {
			if len(text) <= len(name) && strings.EqualFold(name[:len(text)], text) {
				return f.min + i, nil
			}
		}
		return 0, fmt.Errorf("%q is no number and no name; use %d to %d or %s to %s", text, f.min, f.max, f.names[0], f.names[len(f.names)-1])
	}
	n, err := number(text)
	if err != nil {
		return 0, err
	}
	if n < f.min || n > f.max {
		return 0, fmt.Errorf("%d lies outside %d to %d", n, f.min, f.max)
	}
	return n, nil
}

func number(text string) (int, error) {
	if text == "" {
		return 0, errors.New("a value is missing")
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number; '*', ',', '-' and '/' are the only signs", text)
	}
	return int(n), nil
}

// set is a set of numbers from 0 to 63, a bit for each.
type set uint64

// span returns the numbers from first to last in steps. A step of 0 counts as 1.
func span(first, last, step int) set {
	var s set
	for i := first; i <= last; i += min(max(step, 1), 64) {
		s |= 1 << i
	}
	return s
}

func (s set) has(n int) bool { return n < 64 && s&(1<<n) != 0 }

// first returns the smallest number of s, which must not be empty.
func (s set) first() int { return bits.TrailingZeros64(uint64(s)) }

// from returns the smallest number of s that is n or more, or false if there is none.
func (s set) from(n int) (int, bool) {
	if n > 63 {
		return 0, false
	}
	rest := s >> n << n
	return rest.first(), rest != 0
}
