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
		if got, want := ofBooster(m.Classes(), raw, result); got != nil {
			to := &v.Probabilities
			if len(result.Probabilities) == 0 {
				to = &v.Scores
			}
			to.addAll(got, want, len(e.Rows), tolerance)
		} else if err := v.predictions(m, raw, result, tolerance); err != nil {
			return fmt.Errorf("predict: %w", err)
		}
	}
	v.Rows = len(e.Rows)
	for _, c := range []struct {
		to      *comparison
		got     []float64
		methods []string
	}{
		{&v.Scores, result.Scores, []string{"decision_function", "score_samples", "mahalanobis", "transform", "kneighbors", "score"}},
		{&v.Probabilities, result.Probabilities, []string{"predict_proba"}},
	} {
		method := slices.IndexFunc(c.methods, func(name string) bool { return e.Expected[name] != nil })
		if method < 0 || len(c.got) == 0 {
			continue
		}
		raw := e.Expected[c.methods[method]]
		if c.methods[method] == "kneighbors" {
			raw = withoutPositions(raw)
		}
		want, err := flatten(raw, len(e.Rows))
		if err == nil {
			switch c.methods[method] {
			case "transform":
				want = nearest(want, len(e.Rows))
			case "kneighbors":
				want = means(want, len(e.Rows))
			}
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
		c.to.addAll(c.got, want, len(e.Rows), tolerance)
	}
	if !compared {
		return errors.New("expected has no result that this model gives: write predict, predict_proba, decision_function, score_samples, mahalanobis, kneighbors, or score, which docs/model-files.md says for each kind of detector")
	}
	return nil
}

// ofBooster returns the numbers of result that predict of a Booster of XGBoost or LightGBM
// gives for a classifier, and what predict gave: the probabilities of all classes, or of the
// second of two, or its score if the model has no probabilities. It returns nil if raw has
// classes.
func ofBooster(classes []string, raw json.RawMessage, result *predict.Result) (got, want []float64) {
	n := len(result.Predictions)
	want, err := flatten(raw, n)
	if err != nil || len(classes) == 0 {
		return nil, nil
	}
	if len(want) == n && !slices.ContainsFunc(want, func(f float64) bool { return !isClass(classes, f) }) {
		return nil, nil
	}
	switch {
	case len(want) == len(result.Probabilities):
		return result.Probabilities, want
	case len(want) != n || len(classes) != 2:
		return nil, nil
	case len(result.Probabilities) == 0 && len(result.Scores) == n:
		return result.Scores, want
	case len(result.Probabilities) == 2*n:
		for i := range n {
			got = append(got, result.Probabilities[2*i+1])
		}
	}
	return got, want
}

// isClass reports whether f is one of the classes.
func isClass(classes []string, f float64) bool {
	text := pythonText(f)
	return slices.ContainsFunc(classes, func(c string) bool { return c == text || sameNumber(c, text) })
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
		if row, ok := w.([]any); ok {
			if len(row) != 1 { // one is a target that was a matrix of one column
				return fmt.Errorf("it has %d numbers for row %d: write what the model's score is made of them as score, as docs/model-files.md says for each kind of detector", len(row), i+1)
			}
			w = row[0]
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

// withoutPositions returns the distances of the result of kneighbors, which is two lists,
// distances and positions. It may also have been called for distances alone.
func withoutPositions(raw json.RawMessage) json.RawMessage {
	var lists []json.RawMessage
	var rows [][]json.RawMessage
	if json.Unmarshal(raw, &lists) == nil && len(lists) == 2 && json.Unmarshal(lists[0], &rows) == nil {
		return lists[0]
	}
	return raw
}

// means returns the mean of each of n rows.
func means(v []float64, n int) []float64 {
	d := len(v) / n
	of := make([]float64, n)
	for i := range of {
		for _, f := range v[i*d : (i+1)*d] {
			of[i] += f
		}
		of[i] /= float64(d)
	}
	return of
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
