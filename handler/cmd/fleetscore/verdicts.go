package main

import (
	"bufio"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// verdicts writes the results of a model as CSV, a line for each row:
//
//	detector    prediction,score
//	classifier  prediction,P(class),…
//	regressor   prediction
type verdicts struct {
	*bufio.Writer
	kind    predict.Kind
	classes []string // quoted
	began   bool
}

func newVerdicts(to io.Writer, m predict.Model) *verdicts {
	v := &verdicts{Writer: bufio.NewWriter(to), kind: m.Kind()}
	for _, class := range m.Classes() {
		v.classes = append(v.classes, quoteField(class))
	}
	return v
}

// quoteField quotes a field of CSV if it needs quotes.
func quoteField(text string) string {
	if strings.ContainsAny(text, ",\"\r\n") {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

// header writes the header, once: the names of the columns that the n rows of r have.
// Flush returns errors of writing.
func (v *verdicts) header(r *predict.Result, n int) {
	if v.began {
		return
	}
	v.began = true
	line := "prediction"
	switch v.kind {
	case predict.Detector:
		line += ",score"
	case predict.Classifier:
		if n > 0 && len(r.Probabilities) == n*len(v.classes) {
			for _, class := range v.classes {
				line += "," + quoteField("P("+strings.Trim(class, `"`)+")")
			}
		}
	}
	v.WriteString(line + "\n")
}

// row writes the line of row i of the n rows of r.
func (v *verdicts) row(r *predict.Result, i, n int) {
	line := v.AvailableBuffer()
	switch p := r.Predictions[i]; v.kind {
	case predict.Classifier:
		line = append(line, v.classes[int(p)]...)
		d := len(r.Probabilities) / n
		for _, p := range r.Probabilities[i*d : (i+1)*d] {
			line = strconv.AppendFloat(append(line, ','), p, 'g', -1, 64)
		}
	case predict.Detector:
		line = strconv.AppendFloat(line, p, 'f', -1, 64)
		line = strconv.AppendFloat(append(line, ','), r.Scores[i], 'g', -1, 64)
	default:
		line = strconv.AppendFloat(line, p, 'g', -1, 64)
	}
	v.Write(append(line, '\n'))
}

// predictions is the output of predict --json.
type predictions struct {
	Kind        string   `json:"kind"`
	Classes     []any    `json:"classes,omitempty"`
	Threshold   *float64 `json:"threshold,omitempty"`
	Anomalies   string   `json:"anomalies,omitempty"` // which of a detector's scores: "low" or "high"
	Predictions []any    `json:"predictions"`         // 1 for an anomaly and 0 for normal; classes; values
	// Scores has a number for each row, or a list of numbers, one for each class.
	Scores        []any      `json:"scores,omitempty"`
	Probabilities [][]number `json:"probabilities,omitempty"`
}

func newPredictions(m modelFile) *predictions {
	about := m.Describe()
	return &predictions{Kind: about.Kind, Classes: classValues(m.Classes()), Threshold: about.Threshold, Anomalies: about.Anomalies, Predictions: []any{}}
}

// classValues returns the classes as values of JSON: numbers or bools if all are, else
// strings.
func classValues(classes []string) []any {
	for _, kind := range []func(string) (any, bool){
		func(s string) (any, bool) { return s == "True", s == "True" || s == "False" },
		func(s string) (any, bool) {
			f, err := strconv.ParseFloat(s, 64)
			return number(f), err == nil
		},
	} {
		values := make([]any, 0, len(classes))
		for _, class := range classes {
			if v, ok := kind(class); ok {
				values = append(values, v)
			}
		}
		if len(values) == len(classes) {
			return values
		}
	}
	values := make([]any, len(classes))
	for i, class := range classes {
		values[i] = class
	}
	return values
}

func (p *predictions) add(b *batch) error {
	n := len(b.lines)
	for i, v := range b.result.Predictions[:n] {
		if p.Kind == predict.Classifier.String() {
			p.Predictions = append(p.Predictions, p.Classes[int(v)])
		} else {
			p.Predictions = append(p.Predictions, number(v))
		}
		if scores := rowOf(b.result.Scores, i, n); len(scores) == 1 {
			p.Scores = append(p.Scores, scores[0])
		} else if len(scores) > 1 {
			p.Scores = append(p.Scores, scores)
		}
		if probabilities := rowOf(b.result.Probabilities, i, n); len(probabilities) > 0 {
			p.Probabilities = append(p.Probabilities, probabilities)
		}
	}
	return nil
}

// rowOf returns row i of a matrix with n rows, in row-major order.
func rowOf(v []float64, i, n int) []number {
	d := len(v) / n
	row := make([]number, d)
	for j := range row {
		row[j] = number(v[i*d+j])
	}
	return row
}

// number is a float64 that JSON writes as null if it is NaN or infinite.
type number float64

// MarshalJSON implements json.Marshaler.
func (f number) MarshalJSON() ([]byte, error) {
	if v := float64(f); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(f))
}
