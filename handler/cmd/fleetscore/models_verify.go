package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// verification is the result of verify. A line is that of a CSV file, or the row of a
// JSON file, from 1.
type verification struct {
	Rows          int        `json:"rows"`
	Differ        int        `json:"predictions_that_differ"`
	DifferLine    int        `json:"first_prediction_that_differs_line,omitempty"`
	Scores        comparison `json:"scores"`
	Probabilities comparison `json:"probabilities"`
}

// comparison counts numbers that were compared with those of Python.
type comparison struct {
	Compared     int     `json:"compared"`
	Beyond       int     `json:"beyond_tolerance"`
	BitIdentical int     `json:"bit_identical"`
	Largest      float64 `json:"largest_difference"`
	LargestLine  int     `json:"largest_difference_line,omitempty"`
}

func verifyCommand(c console) *cobra.Command {
	var tolerance float64
	var columns []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE EXPECTED",
		Short: "Compare a model's results with those of your Python",
		Long: `Compare a model's results with those that you computed in Python. A threshold that is
stored beside the model is not used.

EXPECTED is a CSV file. Its first columns are the model's features. The column named
prediction has 1 for an anomaly and 0 for normal if the model is a detector, the class
if it is a classifier, and the value if it is a regressor. The column named score has
the result of decision_function; only a detector needs it. docs/exactness.md has a
script of ten lines that writes the file.

EXPECTED may also be a JSON file: {"rows": [[…], …], "expected": {"predict": […], …}}.
expected has the results of some of predict, decision_function, score_samples,
predict_proba, mahalanobis, kneighbors, and transform of KMeans. null is NaN. predict of
a Booster of XGBoost or LightGBM gives probabilities or margins instead of classes; it
is compared with them. If no method gives a detector's score, as with reconstruction
errors, score has the score of each row, as docs/model-files.md defines it.

The exit code is 0 if all predictions are equal, and all scores, probabilities and
values of a regressor are within the tolerance.`,
		Example: `  fleetscore models verify model.pkl expected.csv
  fleetscore models verify model.pkl model.pkl.expected.json
  fleetscore models verify model.pkl expected.csv --tolerance 0    bit for bit`,
		Args: arguments("FILE", "EXPECTED"),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := loadModel(args[0], nil)
			if err != nil {
				return err
			}
			if t := m.Describe().Threshold; t != nil {
				fmt.Fprintf(c.err, "the threshold %v in the file is not used here: predictions are compared with the library's own\n", *t)
			}
			v := &verification{}
			if strings.HasSuffix(args[1], ".json") {
				err = v.readJSON(m, args[1], tolerance)
			} else {
				err = c.verifyTable(v, m, args[1], columns, tolerance)
			}
			if err != nil {
				return err
			}
			if asJSON {
				err = c.writeJSON(v)
			} else {
				v.write(c.out)
			}
			return errors.Join(err, v.err(tolerance))
		},
	}
	cmd.Flags().Float64Var(&tolerance, "tolerance", 1e-12, "largest difference allowed, multiplied by the expected number where that is above 1")
	cmd.Flags().StringSliceVar(&columns, "columns", nil, "names of the columns with the features, in order")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// verifyTable compares the model's results with a CSV file.
func (c console) verifyTable(v *verification, m modelFile, name string, names []string, tolerance float64) error {
	t, closeFile, err := c.openTable(name)
	if err != nil {
		return err
	}
	defer closeFile()
	at, err := c.columns(m, t, names)
	if err != nil {
		return err
	}
	wanted := []string{"prediction", "score"}
	if m.Kind() != predict.Detector && !t.has("score") {
		wanted = wanted[:1]
	}
	extra, err := t.columns(wanted, len(wanted))
	if err != nil {
		return fmt.Errorf("%w; docs/exactness.md has a script that writes such a file", err)
	}
	return m.library().score(t, at, extra, func(b *batch) error {
		n := len(b.lines)
		for i, line := range b.lines {
			if err := v.prediction(m, line, b.result.Predictions[i], b.extra[i][0], tolerance); err != nil {
				return fmt.Errorf("%s:%d: %w", name, line, err)
			}
			if len(wanted) == 1 {
				continue
			}
			if len(b.result.Scores) != n {
				return fmt.Errorf("%s: the model does not give one score for a row: leave out the column score", name)
			}
			score, err := parseNumber(b.extra[i][1])
			if err != nil {
				return fmt.Errorf("%s:%d: score %q is not a number", name, line, b.extra[i][1])
			}
			v.Scores.add(line, b.result.Scores[i], score, tolerance)
		}
		return nil
	})
}

// prediction compares a prediction with Python's, in the text that Python prints.
func (v *verification) prediction(m modelFile, line int, got float64, want string, tolerance float64) error {
	v.Rows++
	same := false
	if m.Kind() == predict.Classifier {
		class := m.Classes()[int(got)]
		same = class == want || sameNumber(class, want)
	} else {
		f, err := strconv.ParseFloat(want, 64)
		switch {
		case err != nil:
			return fmt.Errorf("prediction %q is not a number", want)
		case m.Kind() == predict.Regressor:
			v.Scores.add(line, got, f, tolerance)
			return nil
		case f != 0 && f != 1 && !needsLimit(m.Library()):
			return fmt.Errorf("prediction %s: write 1 for an anomaly and 0 for normal, int(p == -1) in Python", want)
		}
		same = got == f
	}
	if !same {
		if v.Differ++; v.DifferLine == 0 {
			v.DifferLine = line
		}
	}
	return nil
}

// sameNumber reports whether two texts are the same number, as 1 and 1.0 are.
func sameNumber(a, b string) bool {
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	return err1 == nil && err2 == nil && x == y
}

// add compares got with want, and counts the result.
func (c *comparison) add(line int, got, want, tolerance float64) {
	c.Compared++
	if math.Float64bits(got) == math.Float64bits(want) || got != got && want != want {
		c.BitIdentical++
		return
	}
	difference := math.Abs(got - want)
	if !(difference <= tolerance*max(1, math.Abs(want))) {
		c.Beyond++
	}
	if difference > c.Largest || c.LargestLine == 0 {
		c.Largest, c.LargestLine = difference, line
	}
}

// addAll adds the numbers of n rows, of which each has as many.
func (c *comparison) addAll(got, want []float64, n int, tolerance float64) {
	for i := range got {
		c.add(i*n/len(got)+1, got[i], want[i], tolerance)
	}
}

func (v *verification) write(to io.Writer) {
	parts := []string{fmt.Sprintf("%d rows: %d predictions differ", v.Rows, v.Differ)}
	for _, c := range v.comparisons() {
		if c.Compared > 0 {
			parts = append(parts, fmt.Sprintf("%d %s are bit-identical", c.BitIdentical, c.what))
		}
	}
	fmt.Fprintln(to, strings.Join(parts, ", "))
	for _, c := range v.comparisons() {
		if c.LargestLine > 0 {
			fmt.Fprintf(to, "largest difference of %s: %.3g, in line %d\n", c.what, c.Largest, c.LargestLine)
		}
	}
}

type namedComparison struct {
	what string
	comparison
}

func (v *verification) comparisons() []namedComparison {
	return []namedComparison{{"scores", v.Scores}, {"probabilities", v.Probabilities}}
}

func (v *verification) err(tolerance float64) error {
	switch {
	case v.Rows == 0:
		return errors.New("the file has no row to compare")
	case v.Differ > 0:
		return fmt.Errorf("%d of %d predictions differ, the first in line %d", v.Differ, v.Rows, v.DifferLine)
	}
	i := slices.IndexFunc(v.comparisons(), func(c namedComparison) bool { return c.Beyond > 0 })
	if i < 0 {
		return nil
	}
	c := v.comparisons()[i]
	return fmt.Errorf("%d of %d %s differ by more than %g, the largest difference is in line %d", c.Beyond, c.Compared, c.what, tolerance, c.LargestLine)
}
