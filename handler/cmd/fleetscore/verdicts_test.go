package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// fixed is a model of that kind and these classes; what it says is in no test.
type fixed struct {
	predict.Model
	kind    predict.Kind
	classes []string
}

func (f fixed) Kind() predict.Kind { return f.kind }
func (f fixed) Classes() []string  { return f.classes }

// TestVerdicts checks what is written for each kind of model, as CSV and as JSON.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		model     fixed
		result    predict.Result
		csv, json string
	}{
		{fixed{kind: predict.Detector}, predict.Result{Predictions: []float64{0, 1}, Scores: []float64{0.5, math.NaN()}},
			"prediction,score\n0,0.5\n1,NaN\n", `{"kind":"detector","predictions":[0,1],"scores":[0.5,null]}`},
		{fixed{kind: predict.Classifier, classes: []string{"0", "1"}}, predict.Result{Predictions: []float64{1, 0}, Scores: []float64{2, -1}, Probabilities: []float64{0.25, 0.75, 1, 0}},
			"prediction,P(0),P(1)\n1,0.25,0.75\n0,1,0\n", `{"kind":"classifier","classes":[0,1],"predictions":[1,0],"scores":[2,-1],"probabilities":[[0.25,0.75],[1,0]]}`},
		{fixed{kind: predict.Classifier, classes: []string{"ok", `a "b", c`, "off"}}, predict.Result{Predictions: []float64{1, 0}, Scores: []float64{1, 2, 3, 4, 5, 6}},
			"prediction\n\"a \"\"b\"\", c\"\nok\n", `{"kind":"classifier","classes":["ok","a \"b\", c","off"],"predictions":["a \"b\", c","ok"],"scores":[[1,2,3],[4,5,6]]}`},
		{fixed{kind: predict.Classifier, classes: []string{"a,b", "c"}}, predict.Result{Predictions: []float64{0, 1}, Probabilities: []float64{0.5, 0.5, 0, 1}},
			"prediction,\"P(a,b)\",P(c)\n\"a,b\",0.5,0.5\nc,0,1\n", `{"kind":"classifier","classes":["a,b","c"],"predictions":["a,b","c"],"probabilities":[[0.5,0.5],[0,1]]}`},
		{fixed{kind: predict.Classifier, classes: []string{"False", "True"}}, predict.Result{Predictions: []float64{1, 0}},
			"prediction\nTrue\nFalse\n", `{"kind":"classifier","classes":[false,true],"predictions":[true,false]}`},
		{fixed{kind: predict.Regressor}, predict.Result{Predictions: []float64{1e-7, 0.1}},
			"prediction\n1e-07\n0.1\n", `{"kind":"regressor","predictions":[1e-7,0.1]}`},
	} {
		var text strings.Builder
		out := newVerdicts(&text, tc.model)
		for i := range 2 {
			out.header(&tc.result, 2)
			out.row(&tc.result, i, 2)
		}
		if err := out.Flush(); err != nil || text.String() != tc.csv {
			t.Errorf("%v: %q, want %q (%v)", tc.model.kind, text.String(), tc.csv, err)
		}
		p := &predictions{Kind: tc.model.kind.String(), Classes: classValues(tc.model.classes), Predictions: []any{}}
		if err := p.add(&batch{lines: []int{1, 2}, result: tc.result}); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(p); err != nil || string(got) != tc.json {
			t.Errorf("%v: %s, want %s (%v)", tc.model.kind, got, tc.json, err)
		}
	}
}

// TestVerifyJSON checks that verify compares with results of the library's methods, and
// says what differs.
func TestVerifyJSON(t *testing.T) {
	t.Parallel()
	stdout, _, _ := command(t, "4\n12.5\n", nil, "models", "predict", sample+"vibration.pkl", "-", "--json")
	var said struct{ Scores []json.Number }
	if err := json.Unmarshal([]byte(stdout), &said); err != nil || len(said.Scores) != 2 {
		t.Fatal(err, stdout)
	}
	a, b := said.Scores[0].String(), said.Scores[1].String()
	for _, tc := range []struct {
		expected string
		code     int
		want     string
	}{
		{`"expected": {"predict": [1, -1], "decision_function": [` + a + "," + b + `]}`, 0, "2 rows: 0 predictions differ, 2 scores are bit-identical\n"},
		{`"expected": {"predict": [-1, -1]}`, 1, "1 of 2 predictions differ, the first in line 1"},
		{`"expected": {"predict": [1, 1]}`, 1, "1 of 2 predictions differ, the first in line 2"},
		{`"expected": {"decision_function": [` + a + `, 0.5]}`, 1, "1 of 2 scores differ by more than 1e-12, the largest difference is in line 2"},
		{`"expected": {"decision_function": [[` + a + `], [` + b + `]]}`, 0, "2 scores are bit-identical"},
		{`"expected": {"decision_function": [1]}`, 1, "decision_function: 1 numbers for 2 rows"},
		{`"expected": {"predict": [1]}`, 1, "predict: 1 for 2 rows"},
		{`"expected": {"predict": "no"}`, 1, "expected.json: predict: json"},
		{`"expected": {"other": [1, 2]}`, 1, "expected has no result that this model gives"},
		{`"expected": 3`, 1, "expected.json: json"},
	} {
		name := filepath.Join(t.TempDir(), "expected.json")
		write(t, name, `{"rows": [[4], [12.5]], `+tc.expected+`}`)
		stdout, stderr, code := command(t, "", nil, "models", "verify", sample+"vibration.pkl", name)
		if code != tc.code || !strings.Contains(stdout+stderr, tc.want) {
			t.Errorf("%s: exit code %d: %s%s; want %s", tc.expected, code, stdout, stderr, tc.want)
		}
	}
	name := filepath.Join(t.TempDir(), "expected.json")
	write(t, name, `{"rows": [[4, 5]], "expected": {"predict": [1]}}`)
	if _, stderr, code := command(t, "", nil, "models", "verify", sample+"vibration.pkl", name); code != 1 || !strings.Contains(stderr, "row 1 has 2 columns, the model takes 1") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	write(t, name, `{"rows": [[null]], "expected": {"predict": [1]}}`)
	if _, stderr, code := command(t, "", nil, "models", "verify", sample+"vibration.pkl", name); code != 1 || !strings.Contains(stderr, "expected.json:1: ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestVerifyNaN checks that null is NaN, which equals itself and nothing else.
func TestVerifyNaN(t *testing.T) {
	t.Parallel()
	want, err := flatten(json.RawMessage(`[[null, 0], [1, null]]`), 2)
	if err != nil {
		t.Fatal(err)
	}
	var c comparison
	for i, got := range []float64{-math.NaN(), math.NaN(), 1, 0} {
		c.add(i+1, got, want[i], 1e-12)
	}
	if c.BitIdentical != 2 || c.Beyond != 2 {
		t.Errorf("%d are equal and %d not, of 2 and 2", c.BitIdentical, c.Beyond)
	}
	if got := pythonText(nil); got != "nan" {
		t.Errorf("null is %s", got)
	}
}
