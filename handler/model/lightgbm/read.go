package lightgbm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Sniff reports whether data begins like a model's text.
func Sniff(data []byte) bool {
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	return string(bytes.TrimSpace(first)) == "tree" && bytes.Contains(rest[:min(len(rest), 1024)], []byte("num_class="))
}

// lines reads a text line by line.
type lines struct{ data []byte }

// next returns the next line without its end, or false if there is none.
func (l *lines) next() ([]byte, bool) {
	if len(l.data) == 0 {
		return nil, false
	}
	line, rest, _ := bytes.Cut(l.data, []byte("\n"))
	l.data = rest
	return bytes.TrimSuffix(line, []byte("\r")), true
}

type reader struct {
	*Booster
	lines
	budget *pickle.Budget
	// Buffers for a tree, reused for the next.
	ints  [4][]int
	float []float64
}

var errMalformed = errors.New("it is malformed")

// header reads the lines before the trees.
func (r *reader) header() error {
	names, infos, features, objective := "", "", -1, ""
	for {
		before := r.data
		line, ok := r.next()
		if !ok {
			return errors.New("it ends before its trees")
		}
		key, value, _ := strings.Cut(string(line), "=")
		var err error
		switch key {
		case "version":
			r.Version = value
		case "num_tree_per_iteration":
			r.outputs, err = number(value, 1, maxOutputs)
		case "num_class":
			if r.outputs == 0 { // old files have no num_tree_per_iteration
				r.outputs, err = number(value, 1, maxOutputs)
			}
		case "max_feature_idx":
			features, err = number(value, 0, maxFeatures-1)
		case "objective":
			objective = value
		case "average_output":
			r.average = true
		case "feature_names":
			names = value
		case "feature_infos":
			infos = value
		case "Tree":
			r.data = before
			return r.describe(features+1, objective, names, infos)
		case "end of trees":
			return errors.New("it has no tree: fit it before writing it")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
}

// describe sets the fields of the Booster from the lines of the header.
func (r *reader) describe(features int, objective, names, infos string) error {
	switch {
	case !slices.Contains([]string{"v2", "v3", "v4"}, r.Version):
		return unsupported(fmt.Sprintf("the version %.20q of the format", r.Version), "write the model with LightGBM 2.1 to 4.7")
	case features < 1:
		return fmt.Errorf("%w: it has no max_feature_idx", errMalformed)
	case r.outputs < 1:
		return fmt.Errorf("%w: it has no num_class", errMalformed)
	}
	if err := r.budget.Take(32*features + len(names) + len(infos)); err != nil {
		return err
	}
	r.Features, r.featureInfos = features, infos
	if r.FeatureNames = strings.Split(names, " "); len(r.FeatureNames) != features {
		return fmt.Errorf("%w: %d names for %d features", errMalformed, len(r.FeatureNames), features)
	}
	if generated(r.FeatureNames) {
		r.FeatureNames = nil
	}
	var err error
	r.objective, err = parseObjective(objective, r.outputs)
	return err
}

// generated reports whether the names are Column_0, Column_1 and so on, which LightGBM gives
// to columns without names.
func generated(names []string) bool {
	for i, n := range names {
		if n != "Column_"+strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// allTrees reads the trees and the line after them.
func (r *reader) allTrees() error {
	for {
		line, ok := r.next()
		switch {
		case !ok: // files of 2.1 end here
			return nil
		case len(line) == 0:
			continue
		case string(line) == "end of trees" || string(line) == "feature importances:" || string(line) == "feature_importances:":
			return nil
		case !bytes.HasPrefix(line, []byte("Tree=")):
			return fmt.Errorf("%w: the line %.40q among the trees", errMalformed, line)
		}
		if err := r.budget.Take(64); err != nil {
			return err
		}
		t, err := r.tree()
		if err != nil {
			return fmt.Errorf("tree %d: %w", len(r.trees), err)
		}
		r.trees = append(r.trees, t)
	}
}

// rest reads the lines after the trees. It uses the parameters linear_tree and
// categorical_feature, and pandas_categorical.
func (r *reader) rest() error {
	parameter := func(line []byte, name string) (string, bool) {
		value, ok := bytes.CutPrefix(line, []byte("["+name+": "))
		return string(bytes.TrimSuffix(value, []byte("]"))), ok
	}
	pandas, categorical := "", ""
	for {
		line, ok := r.next()
		if !ok {
			break
		}
		if v, ok := parameter(line, "linear_tree"); ok && v == "1" {
			r.linear = true
		}
		if v, ok := parameter(line, "categorical_feature"); ok {
			categorical = v
		}
		if v, ok := bytes.CutPrefix(line, []byte("pandas_categorical:")); ok {
			pandas = string(v)
		}
	}
	return r.pandas(pandas, categorical)
}
