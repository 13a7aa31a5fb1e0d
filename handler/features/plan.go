package features

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// DefaultMaxLookback is the longest lookback of rows if no setting says another.
const DefaultMaxLookback = 8 * 24 * time.Hour

// Model has the features that a model takes.
type Model struct {
	Names []string // feature_names_in_; nil if the model has none
	Count int      // n_features_in_; 0 if it is not known
}

// Device has the sensors and attributes of a device.
type Device struct {
	Sensors    []string          // nil if they are not known; then they are not checked
	Attributes map[string]string // its row of devices.csv
}

// Plan says how the rows of one model are made for one device. It is safe for concurrent use.
type Plan struct {
	source   Source
	sensors  []string
	base     []gridCell // the columns of a grid
	makers   []maker    // the derived columns
	out      []int      // per feature: its position among base and derived columns
	columns  []string   // the names of the features
	residual bool
	drop     bool // rows with a missing feature are left out
	infAsNaN bool
	lookback int64 // milliseconds
}

// gridCell is a column of a grid: an aggregate of the readings of a sensor.
type gridCell struct {
	sensor    int // its position in Plan.sensors
	aggregate string
}

// Plan combines the file with a model and a device. Rows may look back by at most maxLookback.
// 0 means [DefaultMaxLookback]. An error wraps [fleet.ErrBadModel] and names the feature,
// sensor or attribute that is missing or superfluous.
func (s *Spec) Plan(m Model, d Device, maxLookback time.Duration) (*Plan, error) {
	p, err := s.plan(m, d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fleet.ErrBadModel, err)
	}
	if maxLookback == 0 {
		maxLookback = DefaultMaxLookback
	}
	if p.lookback > maxLookback.Milliseconds() {
		return nil, fmt.Errorf("%w: the features look back for %v, which is more than the %v that the settings allow",
			fleet.ErrBadModel, p.Lookback(), maxLookback)
	}
	return p, nil
}

func (s *Spec) plan(m Model, d Device) (*Plan, error) {
	base, features, err := s.resolve(m)
	if err != nil {
		return nil, err
	}
	p := &Plan{source: s.Rows, columns: features, drop: s.Missing != "nan", infAsNaN: s.InfAsNaN}
	p.source.Together = nil
	switch {
	case s.Rows.Grid != 0:
		for _, c := range s.Rows.Columns {
			p.base = append(p.base, gridCell{p.sensor(c.Sensor), c.Aggregate})
		}
	default:
		for _, name := range base {
			p.sensor(name)
		}
	}
	if d.Sensors != nil {
		for _, sensor := range p.sensors {
			if !slices.Contains(d.Sensors, sensor) {
				return nil, fmt.Errorf("the features need the sensor %q, which the device does not have; it has %s", sensor, list(d.Sensors))
			}
		}
	}
	wanted := features
	if s.Residual != "" {
		wanted = append(slices.Clip(features), s.Residual)
		p.residual = true
	}
	if err := p.make(s, base, wanted, d); err != nil {
		return nil, err
	}
	return p, nil
}

// sensor returns the position of a sensor in p.sensors, and adds it if it is not there.
func (p *Plan) sensor(name string) int {
	i := slices.Index(p.sensors, name)
	if i < 0 {
		i = len(p.sensors)
		p.sensors = append(p.sensors, name)
	}
	return i
}

// resolve returns the names of the base columns (see Source.base), and of the model's features
// in the model's order.
func (s *Spec) resolve(m Model) (base, features []string, err error) {
	columns := map[string]bool{}
	for _, c := range s.Derived {
		columns[c.Name] = true
	}
	base = s.Rows.base()
	features = s.Features
	if base == nil { // every name that is no column's is a sensor's
		seen := map[string]bool{}
		use := func(name string) {
			if !columns[name] && !seen[name] && name != "" {
				seen[name] = true
				base = append(base, name)
			}
		}
		from := features
		if from == nil {
			from = m.Names
		}
		for _, name := range from {
			use(name)
		}
		for _, c := range s.Derived {
			for _, name := range c.inputs() {
				use(name)
			}
		}
		use(s.Residual)
	}
	if len(base) == 0 {
		return nil, nil, fmt.Errorf(`the model has no names of features: a features file has to name the sensors of its columns, in their order, in "rows" or in "features"`)
	}
	if features == nil {
		for _, name := range base {
			if name != s.Residual {
				features = append(features, name)
			}
		}
		for _, c := range s.Derived {
			if c.Name != s.Residual {
				features = append(features, c.Name)
			}
		}
	}
	if len(m.Names) == 0 {
		if m.Count != 0 && m.Count != len(features) {
			return nil, nil, fmt.Errorf(`the model takes %d features, the features file makes %d: %s; list those that it takes, in their order, in "features"`, m.Count, len(features), list(features))
		}
		return base, features, nil
	}
	for _, name := range m.Names {
		if !slices.Contains(features, name) {
			return nil, nil, fmt.Errorf("the model takes the feature %q, which the features file does not make; it makes %s", name, list(features))
		}
	}
	for _, name := range features {
		if !slices.Contains(m.Names, name) {
			return nil, nil, fmt.Errorf(`the features file makes the feature %q, which the model does not take; it takes %s: list those in "features"`, name, list(m.Names))
		}
	}
	return base, m.Names, nil
}

// maker computes a derived column from columns before it, or from the time.
type maker struct {
	a, b int // positions of its inputs
	// start returns a new column.
	start func() column
}

// column computes a column row by row. A and b are the values of its inputs. If it has one
// input, b is not used.
type column interface {
	next(t int64, a, b float64) float64
}

// make compiles the columns that the wanted ones need, and sums up their lookbacks.
func (p *Plan) make(s *Spec, base, wanted []string, d Device) error {
	at, back := map[string]int{}, map[string]int64{}
	for i, name := range base {
		at[name] = i
	}
	needed := map[string]bool{}
	for _, name := range wanted {
		needed[name] = true
	}
	for _, c := range slices.Backward(s.Derived) {
		for _, name := range c.inputs() {
			needed[name] = needed[name] || needed[c.Name]
		}
	}
	zone := time.UTC
	if s.Zone != "" {
		var err error
		if zone, err = time.LoadLocation(s.Zone); err != nil {
			return fmt.Errorf("tz: %w", err)
		}
	}
	for i := range s.Derived {
		c := &s.Derived[i]
		if !needed[c.Name] {
			continue
		}
		k := maker{}
		for j, name := range c.inputs() {
			back[c.Name] = max(back[c.Name], back[name])
			if j == 0 {
				k.a = at[name]
			} else {
				k.b = at[name]
			}
		}
		within := s.within(c)
		back[c.Name] += within
		var err error
		if k.start, err = c.compile(within, zone, d); err != nil {
			return err
		}
		at[c.Name] = len(base) + len(p.makers)
		p.makers = append(p.makers, k)
	}
	for _, name := range wanted {
		i, ok := at[name]
		if !ok {
			return fmt.Errorf("there is no column %q; there are %s", name, list(base))
		}
		p.out = append(p.out, i)
		p.lookback = max(p.lookback, back[name])
	}
	p.lookback += s.Rows.Tolerance.millis()
	if every := s.Rows.Grid.millis(); every > 0 {
		p.lookback += every * int64(1+s.Rows.Ffill)
	}
	return nil
}

// within returns the lookback of a column without that of its inputs, in milliseconds.
func (s *Spec) within(c *Column) int64 {
	if c.Rolling != nil && c.Rolling.Time != 0 {
		return c.Rolling.Time.millis()
	}
	if every := s.Rows.Grid.millis(); every > 0 && c.countsRows() {
		return every * int64(c.periods())
	}
	if c.Ewm == nil && !c.countsRows() {
		return 0
	}
	if c.Within != 0 {
		return c.Within.millis()
	}
	return s.Within.millis()
}

func (c *Column) compile(within int64, zone *time.Location, d Device) (func() column, error) {
	pure := func(f func(t int64, a, b float64) float64) (func() column, error) {
		return func() column { return function(f) }, nil
	}
	switch {
	case c.Rolling != nil:
		return c.compileRolling(within), nil
	case c.Ewm != nil:
		return c.compileEwm(within), nil
	case c.countsRows():
		return c.compileShift(within), nil
	case c.Sum != nil:
		return pure(func(_ int64, a, b float64) float64 { return a + b })
	case c.Difference != nil:
		return pure(func(_ int64, a, b float64) float64 { return a - b })
	case c.Product != nil:
		return pure(func(_ int64, a, b float64) float64 { return a * b })
	case c.Ratio != nil:
		return pure(func(_ int64, a, b float64) float64 { return a / b })
	case c.Log1p != "":
		return pure(func(_ int64, a, _ float64) float64 { return math.Log1p(a) })
	case c.Abs != "":
		return pure(func(_ int64, a, _ float64) float64 { return math.Abs(a) })
	case c.Clip != "":
		lower, upper := math.Inf(-1), math.Inf(1)
		if c.Lower != nil {
			lower = *c.Lower
		}
		if c.Upper != nil {
			upper = *c.Upper
		}
		return pure(func(_ int64, a, _ float64) float64 {
			if a < lower {
				return lower
			}
			if a > upper {
				return upper
			}
			return a
		})
	case c.Clock != "":
		return func() column { return &clock{zone: zone, field: c.Clock, as: c.As} }, nil
	}
	text, ok := d.Attributes[c.Attribute]
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if !ok || err != nil {
		return nil, fmt.Errorf("column %q: the attribute %q of the device is %s in devices.csv; a number is needed", c.Name, c.Attribute, absent(text, ok))
	}
	return pure(func(int64, float64, float64) float64 { return v })
}

func absent(text string, ok bool) string {
	if !ok {
		return "missing"
	}
	return fmt.Sprintf("%.80q", text)
}

// function is a column that depends only on the current row.
type function func(t int64, a, b float64) float64

func (f function) next(t int64, a, b float64) float64 { return f(t, a, b) }

// Sensors returns the sensors whose readings the rows are made from. [Rows.Add] takes the
// position of a sensor in this slice.
func (p *Plan) Sensors() []string { return p.sensors }

// Columns returns the names of a row's features, in the model's order.
func (p *Plan) Columns() []string { return p.columns }

// Residual reports whether each row has one more value after its features: the measured value
// (residual_of) with which the prediction is compared.
func (p *Plan) Residual() bool { return p.residual }

// Lookback returns how far before a window readings influence its rows. The rows of a window
// [from, to) depend on the readings in [from − lookback, to).
func (p *Plan) Lookback() time.Duration { return time.Duration(p.lookback) * time.Millisecond }
