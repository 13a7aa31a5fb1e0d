package features

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestParseNamesTheMistake checks the errors for features files, with line and column.
func TestParseNamesTheMistake(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, want string }{
		{`{"rows": {"together": ["a"]}, "colums": []}`, `line 1, column 41: the file takes no "colums"`},
		{"{\n  \"rows\": {\"carried\": [\"a\"]}\n}", `line 2, column 11: "rows" has "carried", which needs "tolerance" beside it`},
		{"{\n  \"rows\": {\"grid\": \"5m\", \"columns\": [{\"sensor\":\"a\",\"aggregate\":\"mean\"}]}\n}", `line 2, column 20: "grid": the unit m of "5m" means months in pandas: write min for minutes`},
		{`{"columns": [{"name": "x", "of": "a", "roling": "1h", "aggregate": "mean"}]}`, `column 49: an element of "columns" takes no "roling"`},
		{`{"columns": [{"nam": "x", "abs": "a"}]}`, `column 22: an element of "columns" takes no "nam"`},
		{`{"tz": "Berlin"}`, `column 8: "tz": "Berlin" is no time zone`},
		{`{"rows": {"together": ["ä", 7]}}`, `line 1, column 29: an element of "together": got number, want string`},
		{`{"missing": "nan", "missing": "drop"}`, `column 20: "missing" stands here a second time`},
		{"{\n\"missing\": nan}", `line 2, column 13: this is no JSON`},
		{`{"missing":`, `column 11: this is no JSON: unexpected end`},
		{`{} {}`, `column 4: this is no JSON: invalid character '{' after top-level value`},
		{`{"columns": [{"name": "x", "of": "a", "shift": 1}]}`, `column 14: the column "x" may look back without end`},
		{`{"columns": [{"name": "x", "of": "a", "shift": 1, "diff": 2}], "within": "1h"}`, `column 59: the column "x" is made by shift and by diff`},
		{`{"columns": [{"name": "x", "sum": ["a", "y"]}, {"name": "y", "abs": "a"}]}`, `column 35: the column "y" stands below`},
		{`{"rows": {"together": ["a"]}, "columns": [{"name": "x", "abs": "b"}]}`, `there is no column "b"; there are a, x`},
		{`{"columns": [{"name": "x", "of": "a", "rolling": "5min", "aggregate": "mode"}]}`, `"aggregate": value must be one of`},
		{`{"columns": [{"name": "x", "of": "a", "rolling": 3.0, "aggregate": "max", "min_periods": 2.0}], "within": "1h"}`, `write a whole number without point`},
		{`{"residual_of": "a", "limit": {"absolute": 1, "sigmas": 3, "sigma": 1}}`, `"limit" is either`},
		{`{"rows": {"together": ["a"], "carried": ["b"], "tolerance": "1h"}}`, `rows are either`},
		{`[1]`, `the file: got array, want object`},
		{``, `unexpected end of JSON input`},
	} {
		_, err := Parse([]byte(test.file))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s\n got %v\nwant %s", test.file, err, test.want)
		}
		if !errors.Is(err, fleet.ErrBadModel) {
			t.Errorf("%s: got %v, want fleet.ErrBadModel", test.file, err)
		}
	}
}

// TestPlanMatchesColumns checks that the columns of a features file must be those of the model,
// and that the device must have the sensors.
func TestPlanMatchesColumns(t *testing.T) {
	t.Parallel()
	const derived = `{"columns": [{"name": "r", "ratio": ["b", "a"]}]}`
	for _, test := range []struct {
		file  string
		model Model
		have  []string
		want  string // columns, or the error
	}{
		{`{}`, Model{Names: []string{"b", "a"}, Count: 2}, []string{"a", "b", "c"}, "b,a"},
		{`{}`, Model{Names: []string{"b", "x"}}, []string{"a", "b"}, `need the sensor "x", which the device does not have; it has a, b`},
		{`{}`, Model{Count: 2}, nil, `the model has no names of features`},
		{`{"rows": {"together": ["a", "b"]}}`, Model{Count: 2}, nil, "a,b"},
		{`{"rows": {"together": ["a", "b"]}}`, Model{Count: 3}, nil, "the model takes 3 features, the features file makes 2"},
		{`{"rows": {"together": ["a", "b"]}}`, Model{Names: []string{"b"}}, nil, `makes the feature "a", which the model does not take`},
		{`{"rows": {"together": ["a"]}}`, Model{Names: []string{"a", "b"}}, nil, `takes the feature "b", which the features file does not make`},
		{derived, Model{Names: []string{"r", "a", "b"}}, nil, "r,a,b"},
		{derived, Model{Names: []string{"r"}}, nil, `makes the feature "b", which the model does not take`},
		{`{"columns": [{"name": "r", "ratio": ["b", "a"]}], "features": ["r"]}`, Model{Names: []string{"r"}}, []string{"a", "b"}, "r"},
		{`{"rows": {"together": ["a", "b"]}, "residual_of": "a", "limit": {"sigmas": 3, "sigma": 0.5}}`, Model{Count: 1}, nil, "b"},
		{`{"columns": [{"name": "age", "attribute": "age"}], "rows": {"together": ["a"]}}`, Model{}, nil, `the attribute "age" of the device is missing in devices.csv`},
		{`{"rows": {"together": ["a"]}, "columns": [{"name": "m", "of": "a", "rolling": "9D", "aggregate": "mean"}]}`, Model{}, nil, "look back for 216h0m0s, which is more than the 192h0m0s"},
	} {
		spec, err := Parse([]byte(test.file))
		if err != nil {
			t.Fatal(err)
		}
		p, err := spec.Plan(test.model, Device{Sensors: test.have}, 0)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = strings.Join(p.Columns(), ",")
		}
		if !strings.Contains(got, test.want) || err == nil && got != test.want {
			t.Errorf("%s for %v: got %s, want %s", test.file, test.model, got, test.want)
		}
	}
}

// TestLookback checks how far back the columns of a features file look in all.
func TestLookback(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]time.Duration{
		`{"rows": {"together": ["a"]}}`:                    0,
		`{"rows": {"carried": ["a"], "tolerance": "30s"}}`: 30 * time.Second,
		`{"rows": {"grid": "5min", "columns": [{"sensor": "a", "aggregate": "mean"}], "ffill": 2}, "columns": [{"name": "x", "of": "a_mean", "shift": 3}, {"name": "y", "of": "x", "rolling": "1h", "aggregate": "max"}]}`: 90 * time.Minute,
		`{"columns": [{"name": "x", "of": "a", "rolling": "1h", "aggregate": "max"}, {"name": "y", "of": "x", "diff": 1, "within": "10min"}], "features": ["y"]}`:                                                          70 * time.Minute,
		`{"columns": [{"name": "x", "of": "a", "rolling": "1h", "aggregate": "max"}, {"name": "y", "abs": "a"}], "features": ["y"]}`:                                                                                       0,
	} {
		if got := mustPlan(t, []byte(file)).Lookback(); got != want {
			t.Errorf("%s: got lookback %v, want %v", file, got, want)
		}
	}
}

// TestPatterns checks the patterns of devices.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"pump-*", "pump-7", true}, {"pump-*", "a-pump-7", false}, {"*", "site/line/pump", true}, {"p?mp", "pümp", true},
		{"p?mp", "pmp", false}, {"*a*b", "xaxbxb", true}, {"*a*b", "xaxbx", false}, {"", "", true}, {"a[0]", "a[0]", true},
		{strings.Repeat("*a", 100) + "c", strings.Repeat("a", 256), false},
	} {
		if got := (Patterns{test.pattern}).Match(test.name); got != test.want {
			t.Errorf("%q matches %q: got %v, want %v", test.pattern, test.name, got, test.want)
		}
	}
	if !(Patterns{}).Match("any") {
		t.Error("no patterns do not match, want that they match every device")
	}
}
