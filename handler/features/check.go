package features

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/jsonfile"
)

// check returns an error for a mistake that the JSON Schema cannot express.
func (s *Spec) check() error {
	if err := s.Rows.check(); err != nil {
		return err
	}
	names := newNames(s)
	for i := range s.Derived {
		if err := s.checkColumn(&s.Derived[i], []string{"columns", strconv.Itoa(i)}, names); err != nil {
			return err
		}
	}
	for i, name := range s.Features {
		if err := names.use(name, []string{"features", strconv.Itoa(i)}); err != nil {
			return err
		}
	}
	if s.Residual != "" {
		if err := names.use(s.Residual, []string{"residual_of"}); err != nil {
			return err
		}
		if l := s.Limit; (l.Absolute > 0) == (l.Sigmas > 0) {
			return jsonfile.Wrong([]string{"limit"}, `"limit" is either "absolute", or "sigmas" with "sigma"`)
		}
	}
	return nil
}

func (s *Source) check() error {
	given := 0
	for _, is := range []bool{s.Together != nil, s.Carried != nil, s.Grid != 0} {
		if is {
			given++
		}
	}
	if given > 1 {
		return jsonfile.Wrong([]string{"rows"}, `rows are either "together", or "carried", or on a "grid"`)
	}
	if s.On != "" && !slices.Contains(s.Carried, s.On) {
		return jsonfile.Wrong([]string{"rows", "on"}, `%q is none of the sensors in "carried"`, s.On)
	}
	seen := map[string]bool{}
	for i := range s.Columns {
		c := &s.Columns[i]
		if c.Name == "" {
			c.Name = c.Sensor + "_" + c.Aggregate
		}
		if seen[c.Name] {
			return jsonfile.Wrong([]string{"rows", "columns", strconv.Itoa(i)}, "a second column is named %q", c.Name)
		}
		seen[c.Name] = true
	}
	return nil
}

// base returns the names of the columns that are readings or aggregates of readings, or nil if
// the file does not list them.
func (s *Source) base() []string {
	switch {
	case s.Together != nil:
		return s.Together
	case s.Carried != nil:
		return s.Carried
	}
	var names []string
	for _, c := range s.Columns {
		names = append(names, c.Name)
	}
	return names
}

// names checks the names of columns. A column may only use columns that are above it in the
// file.
type names struct {
	base    []string        // see Source.base; if nil, every name that is no column's is a sensor's
	columns map[string]bool // all derived columns
	known   map[string]bool // the columns above
}

func newNames(s *Spec) *names {
	n := &names{base: s.Rows.base(), columns: map[string]bool{}, known: map[string]bool{}}
	for _, b := range n.base {
		n.known[b] = true
	}
	for _, c := range s.Derived {
		n.columns[c.Name] = true
	}
	return n
}

// use checks that a name is that of a column above.
func (n *names) use(name string, path []string) error {
	switch {
	case n.known[name]:
		return nil
	case n.columns[name]:
		return jsonfile.Wrong(path, "the column %q stands below: move it above this one", name)
	case n.base == nil:
		n.known[name] = true
		return nil
	}
	known := append([]string(nil), n.base...)
	for c := range n.columns {
		known = append(known, c)
	}
	slices.Sort(known)
	return jsonfile.Wrong(path, "there is no column %q; there are %s", name, list(known))
}

// define adds a column.
func (n *names) define(name string, path []string) error {
	if n.known[name] {
		return jsonfile.Wrong(append(path, "name"), "a second column is named %q", name)
	}
	n.known[name] = true
	return nil
}

// list returns the first names, separated by commas.
func list(names []string) string {
	const most = 20
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// ways returns the operations of a column. A valid column has exactly one.
func (c *Column) ways() []string {
	var ways []string
	for _, way := range []struct {
		name string
		is   bool
	}{
		{"rolling", c.Rolling != nil}, {"ewm", c.Ewm != nil}, {"shift", c.Shift > 0}, {"diff", c.Diff > 0}, {"pct_change", c.PctChange > 0},
		{"sum", c.Sum != nil}, {"difference", c.Difference != nil}, {"product", c.Product != nil}, {"ratio", c.Ratio != nil},
		{"log1p", c.Log1p != ""}, {"abs", c.Abs != ""}, {"clip", c.Clip != ""}, {"clock", c.Clock != ""}, {"attribute", c.Attribute != ""},
	} {
		if way.is {
			ways = append(ways, way.name)
		}
	}
	return ways
}

// inputs returns the names of the columns that c is computed from.
func (c *Column) inputs() []string {
	for _, pair := range [][]string{c.Sum, c.Difference, c.Product, c.Ratio} {
		if pair != nil {
			return pair
		}
	}
	for _, name := range []string{c.Of, c.Log1p, c.Abs, c.Clip} {
		if name != "" {
			return []string{name}
		}
	}
	return nil
}

// periods returns how many rows back a column looks, or 0 if it does not count rows.
func (c *Column) periods() int {
	if c.Rolling != nil && c.Rolling.Rows > 0 {
		return c.Rolling.Rows - 1
	}
	return max(c.Shift, c.Diff, c.PctChange)
}

// countsRows reports whether a column looks back by rows.
func (c *Column) countsRows() bool {
	return c.Rolling != nil && c.Rolling.Rows > 0 || c.Shift+c.Diff+c.PctChange > 0
}

func (s *Spec) checkColumn(c *Column, path []string, names *names) error {
	ways := c.ways()
	if len(ways) == 0 {
		return jsonfile.Wrong(path, "the column %q does not say how it is made: by rolling, ewm, shift, diff, pct_change, sum, difference, product, ratio, log1p, abs, clip, clock or attribute", c.Name)
	}
	if len(ways) > 1 {
		return jsonfile.Wrong(append(path, ways[1]), "the column %q is made by %s and by %s: make two columns of it", c.Name, ways[0], ways[1])
	}
	way := ways[0]
	if looks := slices.Contains([]string{"rolling", "ewm", "shift", "diff", "pct_change"}, way); c.Of != "" && !looks {
		return jsonfile.Wrong(append(path, "of"), `%s takes no "of"`, way)
	}
	if c.MinPeriods != nil && way != "rolling" && way != "ewm" {
		return jsonfile.Wrong(append(path, "min_periods"), `%s takes no "min_periods"`, way)
	}
	for _, name := range c.inputs() {
		if err := names.use(name, append(path, way)); err != nil {
			return err
		}
	}
	if err := s.checkWithin(c, path); err != nil {
		return err
	}
	switch way {
	case "rolling":
		if c.Rolling.Rows > 0 && c.MinPeriods != nil && *c.MinPeriods > c.Rolling.Rows {
			return jsonfile.Wrong(append(path, "min_periods"), "min_periods %d is more than the %d rows of the window", *c.MinPeriods, c.Rolling.Rows)
		}
	case "ewm":
		given := 0
		for _, v := range []float64{c.Ewm.Span, c.Ewm.Alpha, c.Ewm.Halflife} {
			if v > 0 {
				given++
			}
		}
		if given != 1 {
			return jsonfile.Wrong(append(path, "ewm"), "ewm takes one of span, alpha and halflife")
		}
	case "clip":
		if c.Lower == nil && c.Upper == nil {
			return jsonfile.Wrong(append(path, "clip"), `clip needs "lower", "upper" or both`)
		}
		if c.Lower != nil && c.Upper != nil && *c.Lower > *c.Upper {
			return jsonfile.Wrong(append(path, "lower"), "lower is above upper")
		}
	}
	return names.define(c.Name, path)
}

// checkWithin checks that a column which counts rows has a limit in time, so that the lookback
// is known. On a grid the number of rows is such a limit.
func (s *Spec) checkWithin(c *Column, path []string) error {
	needs := c.Ewm != nil || c.countsRows() && s.Rows.Grid == 0
	if c.Within != 0 && !needs {
		return jsonfile.Wrong(append(path, "within"), `the column %q has a bound in time already: leave "within" out`, c.Name)
	}
	if needs && c.Within == 0 && s.Within == 0 {
		return jsonfile.Wrong(path, `the column %q may look back without end: say how far in "within", such as "2h"`, c.Name)
	}
	return nil
}
