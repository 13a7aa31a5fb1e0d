package features

import (
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Spec is the content of a features file; docs/from-a-notebook.md describes its members. The
// zero value means that there is no file: the model's features are sensors, and there is a row
// for each time at which all of them have a reading.
type Spec struct {
	Devices  Patterns    `json:"devices"`
	Rows     Source      `json:"rows"`
	Derived  []Column    `json:"columns"`
	Features []string    `json:"features"`
	Missing  string      `json:"missing"` // "drop", also if empty, or "nan"
	InfAsNaN bool        `json:"inf_as_nan"`
	Within   Duration    `json:"within"`
	Zone     string      `json:"tz"`
	Steps    []string    `json:"steps"`
	Anomaly  []any       `json:"anomalies"` // string, float64 or bool
	Thresh   *float64    `json:"threshold"`
	Residual string      `json:"residual_of"`
	Limit    *ErrorLimit `json:"limit"`
}

// ErrorLimit is the largest normal difference between a measured value and its prediction:
// Absolute, or Sigmas times Sigma.
type ErrorLimit struct {
	Absolute float64 `json:"absolute"`
	Sigmas   float64 `json:"sigmas"`
	Sigma    float64 `json:"sigma"`
}

// Value returns the limit in the unit of the measured value.
func (l ErrorLimit) Value() float64 {
	if l.Absolute > 0 {
		return l.Absolute
	}
	return l.Sigmas * l.Sigma
}

// Source says how rows are made from readings. At most one of Together, Carried and Grid is
// set.
type Source struct {
	Together  []string     `json:"together"`
	Carried   []string     `json:"carried"`
	On        string       `json:"on"`
	Tolerance Duration     `json:"tolerance"`
	Grid      Duration     `json:"grid"`
	Columns   []GridColumn `json:"columns"`
	Ffill     int          `json:"ffill"`
}

// GridColumn is an aggregate of a sensor's readings in a bucket.
type GridColumn struct {
	Name      string `json:"name"`
	Sensor    string `json:"sensor"`
	Aggregate string `json:"aggregate"`
}

// Column is a derived column. Exactly one of the fields from Rolling to Attribute is set: the
// operation that computes it.
type Column struct {
	Name string `json:"name"`
	Of   string `json:"of"`

	Rolling    *Extent  `json:"rolling"`
	Ewm        *Decay   `json:"ewm"`
	Shift      int      `json:"shift"`
	Diff       int      `json:"diff"`
	PctChange  int      `json:"pct_change"`
	Sum        []string `json:"sum"`
	Difference []string `json:"difference"`
	Product    []string `json:"product"`
	Ratio      []string `json:"ratio"`
	Log1p      string   `json:"log1p"`
	Abs        string   `json:"abs"`
	Clip       string   `json:"clip"`
	Clock      string   `json:"clock"`
	Attribute  string   `json:"attribute"`
	Aggregate  string   `json:"aggregate"` // of Rolling
	MinPeriods *int     `json:"min_periods"`
	Within     Duration `json:"within"`
	Lower      *float64 `json:"lower"`
	Upper      *float64 `json:"upper"`
	As         string   `json:"as"` // of Clock: "sin", "cos" or empty
}

// Extent is the extent of a rolling window: a length of time, or a number of rows.
type Extent struct {
	Time Duration
	Rows int
}

// UnmarshalJSON parses a number of rows, or a length of time as a string.
func (e *Extent) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return e.Time.UnmarshalJSON(data)
	}
	n, err := strconv.ParseFloat(string(data), 64)
	e.Rows = int(n)
	return err
}

// Decay says how the weights of an ewm mean decay, by one of Span, Alpha and
// Halflife.
type Decay struct {
	Span     float64 `json:"span"`
	Alpha    float64 `json:"alpha"`
	Halflife float64 `json:"halflife"`
	Adjust   *bool   `json:"adjust"` // true if nil
}

// Duration is a length of time, in whole milliseconds.
type Duration time.Duration

func (d Duration) millis() int64 { return time.Duration(d).Milliseconds() }

// UnmarshalJSON parses a length of time in the form of pandas, "5min" for instance.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	parsed, err := parseDuration(text)
	*d = Duration(parsed)
	return err
}

// Patterns are patterns for the names of devices.
type Patterns []string

// UnmarshalJSON parses a string or a list of strings.
func (p *Patterns) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]string)(p))
	}
	*p = []string{""}
	return json.Unmarshal(data, &(*p)[0])
}

// Match reports whether one of the patterns matches the whole name of a device; see
// [fleet.Match]. An empty list matches every device.
func (p Patterns) Match(device string) bool { return fleet.Match(p, device) }

var durationForm = regexp.MustCompile(`^([0-9]{0,10})\s*([A-Za-z]+)$`)

// units are the units of pandas, with the old names and the new ones.
var units = map[string]time.Duration{
	"ms": time.Millisecond, "L": time.Millisecond, "s": time.Second, "S": time.Second, "min": time.Minute, "T": time.Minute,
	"h": time.Hour, "H": time.Hour, "d": 24 * time.Hour, "D": 24 * time.Hour,
}

// maxDuration is the longest length of time. Sums of several do not overflow.
const maxDuration = 366 * 24 * time.Hour

func parseDuration(text string) (time.Duration, error) {
	const forms = "500ms, 30s, 5min, 1h or 7D"
	m := durationForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return 0, errors.New("the length of time " + strconv.Quote(text) + " is not of the form " + forms)
	}
	unit, ok := units[m[2]]
	if !ok {
		if m[2] == "m" || m[2] == "M" {
			return 0, errors.New("the unit " + m[2] + " of " + strconv.Quote(text) + " means months in pandas: write min for minutes")
		}
		return 0, errors.New("the unit " + m[2] + " of " + strconv.Quote(text) + " is none of ms, s, min, h and D")
	}
	n := int64(1)
	if m[1] != "" {
		n, _ = strconv.ParseInt(m[1], 10, 64)
	}
	if n < 1 || n > int64(maxDuration/unit) {
		return 0, errors.New("the length of time " + strconv.Quote(text) + " is not between 1 ms and 366 days")
	}
	return time.Duration(n) * unit, nil
}
