package rules

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestParseNamesTheMistake checks the errors for files of rules, with line and column.
func TestParseNamesTheMistake(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{`{"rules": [{"drop": true}`, `line 1, column 25: this is no JSON`},
		{`{}`, `line 1, column 1: the file lacks "rules"`},
		{"{\"rules\": [\n  {\"sensor\": \"t\"}]}", `line 2, column 3: the rule does nothing`},
		{"{\"rules\": [\n  {\"drop\": true, \"limit\": 3}]}", `line 2, column 27: an element of "rules" takes no "limit"`},
		{`{"rules": [{"convert": "F>X"}]}`, `line 1, column 24: "convert": there is no conversion "F>X": use one of %>1`},
		{`{"rules": [{"convert": {"scale": 0}}]}`, `line 1, column 24: a scale of 0`},
		{`{"rules": [{"range": {}}]}`, `column 22: "range": minProperties`},
		{`{"rules": [{"range": {"min": 3, "max": 1}}]}`, `column 30: min is above max`},
		{`{"rules": [{"step": {"most": 1, "within": "soon"}}]}`, `column 43: "within": "soon" is no length of time`},
		{`{"rules": [{"stuck": {"readings": 0}}]}`, `column 35: "readings": minimum`},
		{`{"rules": [{"rename": {"sensor": "=x"}}]}`, `column 34: invalid: name "=x" begins with '='`},
		{`{"rules": [{"convert": "F>C", "else": "count"}]}`, `column 39: "else" is for what range, step or stuck refuses`},
		{`{"rules": [{"drop": true, "convert": "F>C"}]}`, `column 21: what is dropped`},
		{strings.Repeat(" ", maxFile+1), "bytes are more than"},
	} {
		_, err := Parse([]byte(tc.text))
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%.80s:\n got %v\nwant %s", tc.text, err, tc.want)
		}
	}
}

// apply applies rules to values of the sensor d/s, a second apart, and returns the verdicts as
// show writes them.
func apply(t *testing.T, text string, values ...float64) string {
	t.Helper()
	r, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	readings := make([]fleet.Reading, len(values))
	for i, v := range values {
		readings[i] = fleet.Reading{ID: fleet.ID{Device: "d", Sensor: "s"}, Time: fleet.Millis(1000 * i), Value: v}
	}
	return show(r.Apply(readings))
}

// show writes verdicts. A stored reading is device/sensor=value, with ! behind it if it has a
// flag. A refused one is the last two words of the reason in parentheses, with - before them if it
// is only counted.
func show(verdicts []Verdict) string {
	var all []string
	for _, v := range verdicts {
		s := fmt.Sprintf("%s=%v", v.Reading.ID, v.Reading.Value)
		if v.Flag.ID.Sensor != "" {
			s += "!"
			if v.Flag.ID != (fleet.ID{Device: v.Reading.ID.Device, Sensor: v.Reading.ID.Sensor + ".flag"}) || v.Flag.Value != 1 || v.Flag.Time != v.Reading.Time {
				s += fmt.Sprint(v.Flag)
			}
		}
		if v.Err != nil {
			words := strings.Fields(v.Err.Error())
			s = "(" + strings.Join(words[len(words)-2:], " ") + ")"
			if v.Counted {
				s = "-" + s
			}
		}
		all = append(all, s)
	}
	return strings.Join(all, " ")
}

// TestApply checks what each rule does to values.
func TestApply(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rules  string
		values []float64
		want   string
	}{
		{`[]`, []float64{1}, "d/s=1"},
		{`[{"drop": true}]`, []float64{1}, "-(is dropped)"},
		{`[{"sensor": "x", "drop": true}, {"device": ["e", "?"], "convert": "F>C"}]`, []float64{32, 212, -40}, "d/s=0 d/s=100 d/s=-40"},
		{`[{"convert": {"scale": 2, "offset": 1}}, {"convert": {"offset": -1}}, {"convert": {"scale": 3}}]`, []float64{5}, "d/s=30"},
		{`[{"convert": {"scale": 1e300}}]`, []float64{1e300, 0}, "(too large) d/s=0"},
		{`[{"range": {"min": -1, "max": 1}}]`, []float64{-1, 1, -1.5, 2}, "d/s=-1 d/s=1 (below -1) (above 1)"},
		{`[{"range": {"max": 1}, "else": "count"}]`, []float64{2}, "-(above 1)"},
		{`[{"range": {"max": 1}, "else": "flag", "rename": {"sensor": "t"}}]`, []float64{2, 1}, "d/t=2! d/t=1"},
		// A rule sees names and values as the rules before it changed them.
		{`[{"rename": {"device": "e"}}, {"device": "d", "drop": true}, {"device": "e", "convert": "F>C", "range": {"max": 1}}]`, []float64{32, 212}, "e/s=0 (above 1)"},
		// A spike is refused. The next value is compared with the one before the spike.
		{`[{"step": {"most": 1}}]`, []float64{5, 6, 60, 7, 7.5, 9}, "d/s=5 d/s=6 (than 1) d/s=7 d/s=7.5 (than 1)"},
		{`[{"step": {"most": 1, "within": "2s"}}]`, []float64{5, 60, 60, 60, 60}, "d/s=5 (than 1) (than 1) d/s=60 d/s=60"},
		{`[{"range": {"max": 50}, "step": {"most": 1}}]`, []float64{99, 5, 5}, "(above 50) d/s=5 d/s=5"},
		{`[{"stuck": {"readings": 2}, "else": "flag"}]`, []float64{1, 1, 1, 1, 2, 1}, "d/s=1 d/s=1 d/s=1! d/s=1! d/s=2 d/s=1"},
	} {
		if got := apply(t, `{"rules": `+tc.rules+`}`, tc.values...); got != tc.want {
			t.Errorf("%s: %v\n got %s\nwant %s", tc.rules, tc.values, got, tc.want)
		}
	}
}

// TestOrderOfTime checks that rules see the readings of a sensor in the order of time, whatever
// their order in the event, and those of each sensor separately.
func TestOrderOfTime(t *testing.T) {
	t.Parallel()
	r, err := Parse([]byte(`{"rules": [{"step": {"most": 1}}, {"stuck": {"readings": 1}, "else": "count"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	x := func(sensor string, at, value int) fleet.Reading {
		return fleet.Reading{ID: fleet.ID{Device: "d", Sensor: sensor}, Time: fleet.Millis(at), Value: float64(value)}
	}
	got := show(r.Apply([]fleet.Reading{x("a", 3, 5), x("b", 2, 50), x("a", 1, 5), x("a", 2, 9), x("a", 1, 5), x("b", 1, 49), x("a", 4, 6)}))
	// The second rule does not see what the first refuses. So the two readings of 5 are in a row.
	if want := "-(a row) d/b=50 d/a=5 (than 1) d/a=5 d/b=49 d/a=6"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestConversions checks that a conversion and its reverse give the same number, and some
// conversions by their values.
func TestConversions(t *testing.T) {
	t.Parallel()
	for _, name := range Conversions() {
		from, to, _ := strings.Cut(name, ">")
		back, ok := conversions[to+">"+from]
		if got := back.of(conversions[name].of(7)); ok && (got < 7-1e-12 || got > 7+1e-12) {
			t.Errorf("%s and back: got %v for 7", name, got)
		}
	}
	for name, want := range map[string]float64{"F>C": -525.0 / 36, "psi>kPa": 39.64485, "km/h>m/s": 1.5972222, "gpm>l/min": 21.76656, "F>K": 258.5667} {
		if got := conversions[name].of(5.75); got < want-1e-3 || got > want+1e-3 {
			t.Errorf("%s of 5.75 is %v, want %v", name, got, want)
		}
	}
}

// TestDocs checks that the rules in docs/ingest.md are valid.
func TestDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/ingest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```json\n{\"rules\"")
	text, _, ok := strings.Cut(text, "```")
	if r, err := Parse([]byte(`{"rules"` + text)); !ok || err != nil || len(r.rules) < 5 {
		t.Errorf("the rules in docs/ingest.md: got %v, %v; want at least 5 rules", r, err)
	}
}

// FuzzRules checks that any rules give a verdict for each reading, and the same again. A stored
// reading is valid.
func FuzzRules(f *testing.F) {
	f.Add([]byte(`{"rules": [{"device": "a*", "convert": {"scale": 2}, "range": {"max": 9}, "else": "flag"}, {"step": {"most": 1, "within": "1s"}, "stuck": {"readings": 2}}, {"rename": {"sensor": "x"}}]}`), []byte("a12b34"))
	f.Fuzz(func(t *testing.T, text, data []byte) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		var readings []fleet.Reading
		for i, b := range data {
			readings = append(readings, fleet.Reading{ID: fleet.ID{Device: "a", Sensor: string('a' + rune(b%3))}, Time: fleet.Millis(b / 16 * 100), Value: float64(int(b) - i)})
		}
		verdicts := r.Apply(readings)
		for i, v := range verdicts {
			if v.Err == nil && v.Reading.Validate() != nil || v.Err != nil && !errors.Is(v.Err, fleet.ErrInvalid) || v.Err == nil && v.Counted {
				t.Errorf("%v: got verdict %+v", readings[i], v)
			}
		}
		if again := r.Apply(readings); fmt.Sprint(again) != fmt.Sprint(verdicts) {
			t.Errorf("got %v, and then %v", verdicts, again)
		}
	})
}
