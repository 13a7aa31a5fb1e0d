package lightgbm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// link is the function that turns the sum of the trees into a prediction (ConvertOutput in
// src/objective).
type link int

const (
	identity link = iota
	squared       // sign(x)·x², with reg_sqrt
	exponential
	logistic // of each output
	softmax
)

// Kind is the kind of an objective's predictions.
type Kind int

// The kinds.
const (
	Values Kind = iota // numbers
	Binary             // the probability of the second of two classes
	Multi              // the probability of each class
	Raw                // the sum of the trees, with a user-defined objective
)

type objective struct {
	name  string
	kind  Kind
	link  link
	slope float64 // the parameter sigmoid of the logistic function
}

var objectives = []objective{
	{name: "regression"},
	{name: "regression_l1"},
	{name: "huber"},
	{name: "fair"},
	{name: "quantile"},
	{name: "mape"},
	{name: "lambdarank"},
	{name: "rank_xendcg"},
	{name: "poisson", link: exponential},
	{name: "gamma", link: exponential},
	{name: "tweedie", link: exponential},
	{name: "cross_entropy", link: logistic, slope: 1},
	{name: "xentropy", link: logistic, slope: 1},
	{name: "binary", kind: Binary, link: logistic},
	{name: "multiclass", kind: Multi, link: softmax},
	{name: "multiclassova", kind: Multi, link: logistic},
}

// parseObjective parses the line objective, "binary sigmoid:1" for instance.
func parseObjective(text string, outputs int) (objective, error) {
	words := strings.Fields(text)
	if len(words) == 0 || words[0] == "custom" || words[0] == "none" {
		return objective{name: "custom", kind: Raw}, nil
	}
	at := slices.IndexFunc(objectives, func(o objective) bool { return o.name == words[0] })
	if at < 0 {
		return objective{}, unsupported(fmt.Sprintf("the objective %.40q", words[0]), "fit with another, such as regression, binary or multiclass")
	}
	o := objectives[at]
	if multi := o.kind == Multi; multi != (outputs > 1) {
		return o, fmt.Errorf("the objective %s with %d outputs", o.name, outputs)
	}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, ":")
		switch {
		case w == "sqrt" && o.link == identity && o.name != "huber":
			o.link = squared
		case key == "sigmoid" && o.slope == 0 && o.link == logistic:
			o.slope = decimal(value)
		case key == "num_class":
			if n, err := strconv.Atoi(value); err != nil || n != outputs {
				return o, fmt.Errorf("the objective %.40q with %d outputs", text, outputs)
			}
		}
	}
	if o.link == logistic && !(o.slope > 0 && o.slope < 1e300) {
		return o, fmt.Errorf("the sigmoid of the objective %.40q is not above 0", text)
	}
	return o, nil
}

// decimal parses a number as Atof in include/LightGBM/utils/common.h does. Of digits and a
// point alone Atof does not round to nearest.
func decimal(text string) float64 {
	if v, err := strconv.ParseFloat(text, 64); err != nil || strings.Trim(text, "0123456789.") != "" {
		return v
	}
	whole, fraction, _ := strings.Cut(text, ".")
	digits := func(s string) (v float64) {
		for _, c := range s {
			v = v*10 + float64(c-'0')
		}
		return v
	}
	scale := 1.0
	for range fraction {
		scale *= 10
	}
	return digits(whole) + digits(fraction)/scale
}

// transform replaces the sums of trees, rows of outputs numbers, by predictions.
func (o *objective) transform(v []float64, outputs int) {
	switch o.link {
	case squared:
		for i, x := range v {
			sign := 0.0
			if x > 0 {
				sign = 1
			} else if x < 0 {
				sign = -1
			}
			v[i] = float64(float64(sign*x) * x)
		}
	case exponential:
		for i, x := range v {
			v[i] = libm.Exp(x)
		}
	case logistic:
		for i, x := range v {
			v[i] = 1 / (1 + libm.Exp(float64(-o.slope*x)))
		}
	case softmax:
		for ; len(v) > 0; v = v[outputs:] {
			normalise(v[:outputs])
		}
	}
}

// normalise is Softmax in include/LightGBM/utils/common.h.
func normalise(v []float64) {
	most := v[0]
	for _, x := range v[1:] {
		most = max(most, x)
	}
	sum := 0.0
	for i, x := range v {
		v[i] = libm.Exp(x - most)
		sum += v[i]
	}
	for i := range v {
		v[i] /= sum
	}
}
