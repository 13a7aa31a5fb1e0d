package xgboost

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// document reads the values of a JSON or UBJSON document, one after the other. After an
// error it must not be used.
type document interface {
	// object calls each for every key of an object. Each must read the value.
	object(each func(key string) error) error
	// array calls each for every element of an array. Each must read the element.
	array(each func() error) error
	// floats and ints append the numbers of an array. True and false become 1 and 0.
	floats(dst []float32) ([]float32, error)
	ints(dst []int32) ([]int32, error)
	text() (string, error)
	// skip reads a value of any type.
	skip() error
	// end returns an error unless the document is read to its end.
	end() error
}

// maxNesting is the largest depth of arrays and objects inside one another.
const maxNesting = 64

// readDocument reads a model, or the model and the configuration of a pickled Booster.
func (b *Booster) readDocument(d document, budget *pickle.Budget) error {
	l := &documentLoader{Booster: b, document: d, budget: budget}
	if err := l.object(l.model); err != nil {
		return err
	}
	if err := d.end(); err != nil {
		return err
	}
	if !l.learner {
		return fmt.Errorf("%w: it has no learner", errMalformed)
	}
	return l.finish()
}

type documentLoader struct {
	*Booster
	document
	budget  *pickle.Budget
	raw     rawTree
	learner bool
}

// in adds the key to an error.
func in(key string, err error) error {
	if err != nil {
		return fmt.Errorf("%.40s: %w", key, err)
	}
	return nil
}

func (l *documentLoader) model(key string) error {
	var err error
	switch key {
	case "Model":
		err = l.object(l.model)
	case "Config":
		err = l.object(l.configuration)
	case "version":
		err = l.version()
	case "learner":
		if l.learner {
			return fmt.Errorf("%w: two learners", errMalformed)
		}
		l.learner = true
		err = l.object(l.learnerPart)
	default:
		return l.skip()
	}
	return in(key, err)
}

// configuration reads num_parallel_tree, which before 1.6 is not in the model but in the
// configuration.
func (l *documentLoader) configuration(key string) error {
	switch key {
	case "learner", "gradient_booster", "gbtree":
		return l.object(l.configuration)
	case "gbtree_train_param":
		return l.object(l.modelParameter)
	}
	return l.skip()
}

func (l *documentLoader) version() error {
	v, err := l.ints(nil)
	if err != nil {
		return err
	}
	if len(v) < 2 || v[0] < 1 || v[0] > 99 || v[1] < 0 || v[1] > 99 {
		return fmt.Errorf("%w: it is %v", errMalformed, v)
	}
	l.Version = Version(v[0]*100 + v[1])
	return nil
}

func (l *documentLoader) learnerPart(key string) error {
	var err error
	switch key {
	case "attributes":
		err = l.object(l.attribute)
	case "feature_names":
		err = l.featureNames()
	case "learner_model_param":
		err = l.object(l.parameter)
	case "objective":
		err = l.object(l.objective)
	case "gradient_booster":
		err = l.object(l.booster)
	default:
		return l.skip()
	}
	return in(key, err)
}

func (l *documentLoader) attribute(key string) error {
	value, err := l.text()
	if err == nil {
		err = l.budget.Take(128 + len(key) + len(value))
	}
	if l.Attributes == nil {
		l.Attributes = make(map[string]string)
	}
	l.Attributes[key] = value
	return err
}

func (l *documentLoader) featureNames() error {
	return l.array(func() error {
		name, err := l.text()
		if err == nil {
			err = l.budget.Take(32 + len(name))
		}
		l.FeatureNames = append(l.FeatureNames, name)
		return err
	})
}

// parameter reads a member of learner_model_param. Its numbers are strings.
func (l *documentLoader) parameter(key string) error {
	var into *int
	switch key {
	case "num_feature":
		into = &l.Features
	case "num_class":
		into = &l.classes
	case "num_target":
		into = &l.targets
	case "base_score":
		text, err := l.text()
		if err == nil {
			err = l.budget.Take(len(text))
		}
		if err == nil {
			l.baseScore, err = parseBaseScore(text)
		}
		return err
	default:
		return l.skip()
	}
	n, err := l.number()
	*into = n
	return err
}

func (l *documentLoader) number() (int, error) {
	text, err := l.text()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%w: %.40q is no integer", errMalformed, text)
	}
	return int(n), nil
}

// parseBaseScore parses a number or, since 3.1, a list of numbers in brackets.
func parseBaseScore(text string) ([]float32, error) {
	var scores []float32
	for item := range strings.SplitSeq(strings.Trim(text, " \t\n[]()"), ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(item), 32)
		if err != nil {
			return nil, fmt.Errorf("%w: %.40q is no base_score", errMalformed, item)
		}
		scores = append(scores, float32(v))
	}
	return scores, nil
}

func (l *documentLoader) objective(key string) error {
	switch key {
	case "name":
		var err error
		l.Objective, err = l.text()
		return err
	}
	return l.skip()
}

func (l *documentLoader) booster(key string) (err error) {
	switch key {
	case "name":
		var name string
		name, err = l.text()
		if l.Kind != "dart" { // a dart contains an object with the name gbtree
			l.Kind = name
		}
	case "gbtree":
		err = l.object(l.booster)
	case "weight_drop":
		l.drop, err = l.floats(l.drop[:0])
	case "model":
		err = l.object(l.boosterModel)
	default:
		return l.skip()
	}
	return in(key, err)
}

func (l *documentLoader) boosterModel(key string) (err error) {
	switch key {
	case "gbtree_model_param":
		err = l.object(l.modelParameter)
	case "trees":
		err = l.allTrees()
	case "tree_info":
		l.groups, err = l.ints(l.groups[:0])
	case "iteration_indptr":
		l.starts, err = l.ints(l.starts[:0])
	case "weight_drop":
		l.drop, err = l.floats(l.drop[:0])
	case "cats":
		err = l.object(l.encoding)
	case "weights":
		l.weights, err = l.floats(l.weights[:0])
	default:
		return l.skip()
	}
	return in(key, err)
}

func (l *documentLoader) modelParameter(key string) error {
	if key != "num_parallel_tree" {
		return l.skip()
	}
	n, err := l.number()
	l.parallel = max(n, 1)
	return err
}

// encoding sets encoded if the model has categories of pandas.
func (l *documentLoader) encoding(key string) error {
	if key != "feature_segments" {
		return l.skip()
	}
	segments, err := l.ints(nil)
	l.encoded = len(segments) > 0 && segments[len(segments)-1] > 0
	return err
}

func (l *documentLoader) allTrees() error {
	return l.array(func() error {
		if err := l.budget.Take(64); err != nil {
			return err
		}
		if err := l.tree(); err != nil {
			return fmt.Errorf("tree %d: %w", len(l.trees), err)
		}
		return nil
	})
}

func (l *documentLoader) tree() error {
	r := &l.raw
	r.reset()
	err := l.object(func(key string) (err error) {
		switch key {
		case "left_children":
			r.left, err = l.ints(r.left[:0])
		case "right_children":
			r.right, err = l.ints(r.right[:0])
		case "split_indices":
			r.feature, err = l.ints(r.feature[:0])
		case "default_left":
			r.defaultLeft, err = l.ints(r.defaultLeft[:0])
		case "split_type":
			r.splitType, err = l.ints(r.splitType[:0])
		case "split_conditions":
			r.condition, err = l.floats(r.condition[:0])
		case "categories_nodes":
			r.categoryNodes, err = l.ints(r.categoryNodes[:0])
		case "categories_segments":
			r.categoryFrom, err = l.ints(r.categoryFrom[:0])
		case "categories_sizes":
			r.categoryCount, err = l.ints(r.categoryCount[:0])
		case "categories":
			r.categories, err = l.ints(r.categories[:0])
		case "tree_param":
			err = l.object(l.treeParameter)
		default:
			return l.skip()
		}
		return in(key, err)
	})
	if err != nil {
		return err
	}
	t, err := r.build(l.budget)
	if err == nil {
		l.trees = append(l.trees, t)
	}
	return err
}

func (l *documentLoader) treeParameter(key string) error {
	if key != "size_leaf_vector" {
		return l.skip()
	}
	n, err := l.number()
	l.raw.leafVector = n
	return err
}

// finish checks iteration_indptr.
func (l *documentLoader) finish() error {
	last := int32(0)
	for _, s := range l.starts {
		if s < last || int(s) > len(l.trees) {
			return fmt.Errorf("iteration_indptr has %d for %d trees", s, len(l.trees))
		}
		last = s
	}
	if len(l.starts) < 2 {
		l.starts = nil
	}
	return nil
}
