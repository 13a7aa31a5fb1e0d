package xgboost

import (
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// link is what makes predictions of margins.
type link int

const (
	identity link = iota
	logistic
	exponential
	softmax
	step // 1 above 0
)

// Kind is what an objective's predictions are.
type Kind int

// The kinds, by what a prediction is.
const (
	Values   Kind = iota // numbers
	Binary               // the probability of the second of two classes
	Multi                // of each class
	Unscaled             // of two classes, without a probability: margins, or 0 and 1
)

// objective is an objective's way from base_score to margins and from these to
// predictions (src/objective).
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

// Predicts returns what the objective's predictions are.
func (b *Booster) Predicts() Kind {
	o, _ := b.objective()
	return o.kind
}

// margin is ProbToMargin. Before 1.0 files had the margin itself.
func (o objective) margin(base float32, v Version) (float32, error) {
	switch {
	case v == 0:
		return base, nil
	case o.link == logistic, o.name == "binary:logitraw" && v < rawIdentity:
		if base <= 0 || base >= 1 {
			return 0, fmt.Errorf("base_score is %v where it has to be a probability", base)
		}
		return -libm.Log32(1/base - 1), nil
	case o.link == exponential:
		if base <= 0 {
			return 0, fmt.Errorf("base_score is %v where it has to be above 0", base)
		}
		return libm.Log32(base), nil
	}
	return base, nil
}
