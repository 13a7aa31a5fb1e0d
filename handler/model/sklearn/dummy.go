package sklearn

import "github.com/fleetscore/fleetscore/handler/model/predict"

// constant is sklearn.dummy.DummyClassifier or DummyRegressor. It predicts the same for
// every row.
type constant struct {
	role
	values []float64 // a classifier's probabilities, or a regressor's one prediction
}

func loadDummyRegressor(a *attrs) *element {
	c := &constant{regresses, a.vector("constant_", exactly(1, "outputs"))}
	return &element{role: regresses, predictor: c, in: a.featuresOrAny(), accepts: anyNumber}
}

func loadDummyClassifier(a *attrs) *element {
	c := &constant{role: classifies(a.labels("classes_"), false, true)}
	count := exactly(len(c.classes.names), "classes")
	c.values = a.vector("class_prior_", count)
	strategy := a.optional("_strategy")
	if strategy == nil {
		strategy = a.value("strategy")
	}
	switch strategy {
	case "prior":
	case "most_frequent":
		if a.err == nil {
			best := argmax(c.values)
			clear(c.values)
			c.values[best] = 1
		}
	case "constant":
		text, err := pythonText(a.value("constant"), 64)
		at := c.classes.position(text)
		if a.err == nil && (err != nil || at < 0) {
			a.fail("constant is none of the classes")
		}
		if a.err == nil {
			clear(c.values)
			c.values[at] = 1
		}
	default:
		a.refuse("a strategy that draws classes", "use strategy='prior', 'most_frequent' or 'constant'")
	}
	if a.err != nil {
		return nil
	}
	return &element{role: c.role, predictor: c, in: a.featuresOrAny(), accepts: anyNumber}
}

func (c *constant) predict(out outcome, _ []float64, n int, _ *arena) error {
	for i := range out.pred {
		if c.kind == predict.Regressor {
			out.pred[i] = c.values[0]
		} else {
			out.pred[i] = float64(argmax(c.values))
		}
	}
	for i := range out.proba {
		out.proba[i] = c.values[i%len(c.values)]
	}
	return nil
}
