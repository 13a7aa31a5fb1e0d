package score

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// modelLayout is the layout of a device model's predictions:
//
//	TS,Device,Model,Prediction,Score
//
// These columns are followed by P(class) for each class of a classifier, or by Actual and
// Residual of a regressor whose features file names its target. Then comes one column for
// each feature. Prediction is 1 or 0 for a detector, the class for a classifier, and the
// value for a regressor. Score is the decision value, if there is one. NaN and the
// infinities are empty.
type modelLayout struct {
	prefix   []byte // the fields Device and Model, with commas around
	features []string
	kind     predict.Kind
	classes  []string
	texts    []string // the classes, as fields of CSV
	anomaly  []bool   // per class: whether it means an anomaly
	residual bool
	limit    float64 // of the residual; infinite if there is none
}

func newModelLayout(id fleet.ID, m Model, plan *features.Plan) (*modelLayout, error) {
	l := &modelLayout{prefix: append(appendText(append(appendText([]byte{','}, id.Device), ','), id.DeviceModel), ','), features: plan.Columns(), kind: m.Kind(),
		classes: m.Classes(), residual: plan.Residual(), limit: math.Inf(1)}
	spec := m.Spec()
	if spec != nil && spec.Limit != nil {
		l.limit = spec.Limit.Value()
	}
	for _, c := range l.classes {
		l.texts = append(l.texts, field(c))
	}
	l.anomaly = make([]bool, len(l.classes))
	switch {
	case l.kind != predict.Classifier:
	case spec != nil && len(spec.Anomaly) > 0:
		for _, wanted := range spec.Anomaly {
			i := slices.IndexFunc(l.classes, func(c string) bool { return isClass(c, wanted) })
			if i < 0 {
				return nil, fmt.Errorf("%w: model %s has no class %v, which the features file calls an anomaly; it has %s", fleet.ErrBadModel, m.Name(), wanted, strings.Join(l.classes, ", "))
			}
			l.anomaly[i] = true
		}
	case len(l.classes) == 2:
		l.anomaly[1] = true // scikit-learn's positive class
	}
	return l, nil
}

// isClass reports whether a class, as Python prints it, equals a value of JSON.
func isClass(class string, v any) bool {
	switch v := v.(type) {
	case string:
		return class == v
	case bool:
		return strings.EqualFold(class, strconv.FormatBool(v))
	case float64:
		n, err := strconv.ParseFloat(class, 64)
		return err == nil && n == v
	}
	return false
}

// field returns a text as a field of CSV.
func field(text string) string { return string(appendText(nil, text)) }

func (l *modelLayout) header(b []byte) []byte {
	b = append(b, "TS,Device,Model,Prediction,Score"...)
	for _, c := range l.classes {
		b = append(append(b, ','), field("P("+c+")")...)
	}
	if l.residual {
		b = append(b, ",Actual,Residual"...)
	}
	for _, f := range l.features {
		b = append(append(b, ','), field(f)...)
	}
	return append(b, '\n')
}

func (l *modelLayout) line(b []byte, r *rows, i int) ([]byte, bool) {
	n := len(r.times)
	b = append(r.clock.Append(b, r.times[i]), l.prefix...)
	p := r.result.Predictions[i]
	anomaly := p == 1
	switch l.kind {
	case predict.Classifier:
		b = append(b, l.texts[int(p)]...)
		anomaly = l.anomaly[int(p)]
	case predict.Regressor:
		b = appendNumber(b, p)
		anomaly = false
	default:
		b = append(b, '0'+byte(p))
	}
	b = append(b, ',')
	r.score.from = len(b)
	if len(r.result.Scores) == n {
		b = appendNumber(b, r.result.Scores[i])
	}
	r.score.to = len(b)
	for k := range l.classes {
		b = append(b, ',')
		if len(r.result.Probabilities) == n*len(l.classes) {
			b = appendNumber(b, r.result.Probabilities[i*len(l.classes)+k])
		}
	}
	if l.residual {
		residual := r.actual[i] - p
		anomaly = math.Abs(residual) > l.limit
		b = appendNumber(append(b, ','), r.actual[i])
		b = appendNumber(append(b, ','), residual)
	}
	for _, v := range r.x[i*len(l.features) : (i+1)*len(l.features)] {
		b = appendNumber(append(b, ','), v)
	}
	return append(b, '\n'), anomaly
}

// appendNumber is like appendFloat, but appends nothing for NaN and the infinities.
func appendNumber(b []byte, v float64) []byte {
	if math.IsNaN(v) {
		return b
	}
	return appendFloat(b, v)
}
