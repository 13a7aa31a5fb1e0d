package xgboost

import (
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// link is the function that turns a margin into a prediction.
type link int

const (
	identity link = iota
	logistic
	exponential
	softmax
	step // 1 for margins above 0, else 0
)

// Kind is the kind of an objective's predictions.
type Kind int

// The kinds.
const (
	Values   Kind = iota // numbers
	Binary               // the probability of the second of two classes
	Multi                // the probability of each class
	Unscaled             // two classes without a probability: a margin, or 0 and 1
)

// objective says how base_score becomes a margin, and a margin a prediction
// (src/objective).
type objective struct {
	name string
	kind Kind
	link link
}

var objectives = []objective{
	{"reg:squarederror", Values, identity},
	{"reg:linear", Values, identity},
	{"reg:squaredlogerror", Values, identity},
	{"reg:pseudohubererror", Values, identity},
	{"reg:absoluteerror", Values, identity},
	{"reg:quantileerror", Values, identity},
	{"reg:logistic", Values, logistic},
	{"reg:gamma", Values, exponential},
	{"reg:tweedie", Values, exponential},
	{"count:poisson", Values, exponential},
	{"survival:cox", Values, exponential},
	{"survival:aft", Values, exponential},
	{"rank:pairwise", Values, identity},
	{"rank:ndcg", Values, identity},
	{"rank:map", Values, identity},
	{"binary:logistic", Binary, logistic},
	{"binary:logitraw", Unscaled, identity},
	{"binary:hinge", Unscaled, step},
	{"multi:softprob", Multi, softmax},
	{"multi:softmax", Multi, softmax},
}

func (b *Booster) objective() (objective, error) {
	var names []string
	for _, o := range objectives {
		if o.name != b.Objective {
			names = append(names, o.name)
			continue
		}
		if multi := o.kind == Multi; multi != (b.Outputs() > 1) {
			return o, fmt.Errorf("objective %s with %d outputs", o.name, b.Outputs())
		}
		return o, nil
	}
	return objective{}, unsupported("objective %.40q: fit with one of %s", b.Objective, strings.Join(names, ", "))
}

// Predicts returns the kind of the objective's predictions.
func (b *Booster) Predicts() Kind {
	o, _ := b.objective()
	return o.kind
}

// margin is ProbToMargin: it converts base_score to a margin. Files written before 1.0 have
// the margin itself.
func (o objective) margin(base float32, v Version) (float32, error) {
	switch {
	case v == 0:
		return base, nil
	case o.link == logistic, o.name == "binary:logitraw" && v < rawIdentity:
		if base <= 0 || base >= 1 {
			return 0, fmt.Errorf("base_score is %v: it has to be above 0 and below 1", base)
		}
		return -libm.Log32(1/base - 1), nil
	case o.link == exponential:
		if base <= 0 {
			return 0, fmt.Errorf("base_score is %v: it has to be above 0", base)
		}
		return libm.Log32(base), nil
	}
	return base, nil
}
