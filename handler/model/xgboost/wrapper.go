package xgboost

import (
	"math"
	"strconv"
)

// InplaceSince is the first version whose wrappers for scikit-learn call inplace_predict,
// and use the iterations up to best_iteration instead of best_ntree_limit.
const InplaceSince Version = 104

// Saved returns the options for a model that save_model wrote. If a wrapper for scikit-learn
// saved it, they are those of the wrapper, which it keeps in the attribute scikit_learn.
// Otherwise they are those of Booster.predict.
func (b *Booster) Saved() Options {
	o := Options{Missing: float32(math.NaN())}
	meta, ok := b.Attributes["scikit_learn"]
	if !ok {
		return o
	}
	limit := 0
	r := &textReader{data: []byte(meta)}
	// A member that cannot be read keeps the wrapper's default.
	_ = r.object(func(key string) error {
		switch key {
		case "classes_":
			return r.array(func() error {
				class, err := r.class()
				if err != nil {
					return err
				}
				o.Classes = append(o.Classes, class)
				return nil
			})
		case "missing", "best_ntree_limit":
			v, err := strconv.ParseFloat(string(r.token()), 32)
			if err != nil { // null
				return nil
			}
			if key == "missing" {
				o.Missing = float32(v)
			} else {
				limit = int(v)
			}
			return nil
		}
		return r.skip()
	})
	if b.Predicts() == Values || len(o.Classes) != max(2, b.Outputs()) {
		o.Classes = nil
	}
	if b.Kind == "gblinear" {
		return o
	}
	if o.Inplace = b.Version >= InplaceSince; o.Inplace {
		limit = b.BestIteration()
	}
	o.Iterations = limit
	return o
}

// class reads a class: a string, or a number as Python's print writes it.
func (r *textReader) class() (string, error) {
	if r.next() == '"' {
		return r.text()
	}
	token := string(r.token())
	if token == "" {
		return "", r.fail("a class")
	}
	return token, nil
}
