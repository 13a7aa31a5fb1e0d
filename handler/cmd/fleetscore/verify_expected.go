package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// expectations is a JSON file of rows, and of the results of the library's methods for
// them.
type expectations struct {
	Rows     [][]*float64               `json:"rows"` // null is NaN
	Expected map[string]json.RawMessage `json:"expected"`
	// Mahalanobis is the result of a method that only some detectors have.
	Mahalanobis json.RawMessage `json:"mahalanobis"`
}

// ofDistances is the least tolerance for distances from the centres of KMeans:
// scikit-learn computes them as |x|² - 2xc + |c|², and loses digits by that.
const ofDistances = 1e-10

// maxExpected is the largest JSON file in bytes.
const maxExpected = 256 << 20

// readJSON compares the model's results with a JSON file.
func (v *verification) readJSON(m modelFile, name string, tolerance float64) error {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxExpected {
		err = fmt.Errorf("%s: over %d MB: write fewer rows", name, maxExpected>>20)
	}
	if err != nil {
		return err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var e expectations
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if e.Mahalanobis != nil && e.Expected["mahalanobis"] == nil {
		if e.Expected == nil {
			e.Expected = make(map[string]json.RawMessage)
		}
		e.Expected["mahalanobis"] = e.Mahalanobis
	}
	var x []float64
	lines := make([]int, len(e.Rows))
	for i, row := range e.Rows {
		lines[i] = i + 1
		if len(row) != m.Features() {
			return fmt.Errorf("%s: row %d has %d columns, the model takes %d", name, i+1, len(row), m.Features())
		}
		for _, value := range row {
			if value == nil {
				x = append(x, math.NaN())
			} else {
				x = append(x, *value)
			}
		}
	}
	var result predict.Result
	if err := m.library().predict(name, lines, &result, x); err != nil {
		return err
	}
	if err := v.expect(m, e, &result, tolerance); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// expect compares the results that both the model and the file have.
func (v *verification) expect(m modelFile, e expectations, result *predict.Result, tolerance float64) error {
	compared := false
	if raw, ok := e.Expected["predict"]; ok {
		compared = true
		if err := v.predictions(m, raw, result, tolerance); err != nil {
			return fmt.Errorf("predict: %w", err)
		}
	}
	v.Rows = len(e.Rows)
	for _, c := range []struct {
		to      *comparison
		got     []float64
		methods []string
	}{
		{&v.Scores, result.Scores, []string{"decision_function", "score_samples", "mahalanobis", "transform"}},
		{&v.Probabilities, result.Probabilities, []string{"predict_proba"}},
	} {
		method := slices.IndexFunc(c.methods, func(name string) bool { return e.Expected[name] != nil })
		if method < 0 || len(c.got) == 0 {
			continue
		}
		want, err := flatten(e.Expected[c.methods[method]], len(e.Rows))
		if c.methods[method] == "transform" && err == nil {
			want = nearest(want, len(e.Rows))
		}
		if err == nil && len(want) != len(c.got) {
			err = fmt.Errorf("it has %d numbers, the model gives %d", len(want), len(c.got))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.methods[method], err)
		}
		compared = true
		tolerance := tolerance
		if c.methods[method] == "transform" {
			tolerance = max(tolerance, ofDistances)
		}
		for i, got := range c.got {
			c.to.add(i*len(e.Rows)/len(c.got)+1, got, want[i], tolerance)
		}
	}
	if !compared {
		return errors.New("expected has no result that this model gives: write predict, decision_function, score_samples or predict_proba")
	}
	return nil
}

func (v *verification) predictions(m modelFile, raw json.RawMessage, result *predict.Result, tolerance float64) error {
	var want []any
	if err := json.Unmarshal(raw, &want); err != nil {
		return err
	}
	if len(want) != len(result.Predictions) {
		return fmt.Errorf("%d for %d rows", len(want), len(result.Predictions))
	}
	signed := m.Kind() == predict.Detector && slices.Contains(want, any(-1.0)) // scikit-learn's: -1 is an anomaly, 1 is normal
	for i, w := range want {
		if one, ok := w.([]any); ok && len(one) == 1 { // the target was a matrix of one column
			w = one[0]
		}
		text := pythonText(w)
		if signed || m.Kind() == predict.Detector && !needsLimit(m.Library()) && m.Anomalies() == predict.Low {
			text = "0"
			if w == any(-1.0) {
				text = "1"
			}
		}
		if err := v.prediction(m, i+1, result.Predictions[i], text, tolerance); err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return nil
}

// needsLimit reports whether a model is a detector that in its library has no threshold.
func needsLimit(m predict.Model) bool {
	u, ok := m.(predict.Unlimited)
	return ok && u.NeedsLimit()
}

// pythonText returns the text that Python prints for a value of JSON.
func pythonText(v any) string {
	switch v := v.(type) {
	case nil: // null in JSON stands for NaN
		return "nan"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// flatten parses a list of numbers, or a list of lists, and returns all numbers in order.
// Their count must be a multiple of n, the number of rows.
func flatten(raw json.RawMessage, n int) ([]float64, error) {
	var values []*float64
	if json.Unmarshal(raw, &values) != nil {
		var rows [][]*float64
		if err := json.Unmarshal(raw, &rows); err != nil {
			return nil, err
		}
		values = slices.Concat(rows...)
	}
	flat := make([]float64, 0, len(values))
	for _, v := range values {
		if v == nil {
			flat = append(flat, math.NaN())
			continue
		}
		flat = append(flat, *v)
	}
	if n == 0 || len(flat)%n != 0 {
		return nil, fmt.Errorf("%d numbers for %d rows", len(flat), n)
	}
	return flat, nil
}

// nearest returns the smallest number of each of n rows: the distance to the nearest
// centre.
func nearest(v []float64, n int) []float64 {
	d := len(v) / n
	least := make([]float64, n)
	for i := range least {
		least[i] = slices.Min(v[i*d : (i+1)*d])
	}
	return least
}
