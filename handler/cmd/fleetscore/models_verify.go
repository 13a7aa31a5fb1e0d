package main

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"
)

// verification is what verify found.
type verification struct {
	Rows         int     `json:"rows"`
	Differ       int     `json:"predictions_that_differ"`
	Beyond       int     `json:"scores_beyond_tolerance"`
	BitIdentical int     `json:"scores_bit_identical"`
	Largest      float64 `json:"largest_difference"`
	LargestLine  int     `json:"largest_difference_line,omitempty"`
	DifferLine   int     `json:"first_prediction_that_differs_line,omitempty"`
}

func verifyCommand(c console) *cobra.Command {
	var tolerance float64
	var columns []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify FILE EXPECTED.csv",
		Short: "Check that a model gives here what it gave in your Python",
		Long: `Check that a model gives here what it gave in your Python. EXPECTED.csv has the
model's features in its first columns, and columns named prediction (1 for an
anomaly, 0 for normal) and score (decision_function); docs/exactness.md has a
script of ten lines that writes it.

The exit code is 0 if every prediction is equal and every score lies within the
tolerance.`,
		Example: `  fleetscore models verify model.pkl expected.csv
  fleetscore models verify model.pkl expected.csv --tolerance 0    bit for bit`,
		Args: arguments("FILE", "EXPECTED.csv"),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := loadDetector(args[0])
			if err != nil {
				return err
			}
			t, closeFile, err := c.openTable(args[1])
			if err != nil {
				return err
			}
			defer closeFile()
			v, err := m.verify(t, columns, tolerance)
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
	cmd.Flags().Float64Var(&tolerance, "tolerance", 1e-12, "largest difference of a score allowed, relative to it where it is above 1")
	cmd.Flags().StringSliceVar(&columns, "columns", nil, "the features' columns, by the names in the first line")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (m modelFile) verify(t *table, names []string, tolerance float64) (v verification, err error) {
	at, err := m.columns(t, names)
	if err != nil {
		return v, err
	}
	expected, err := t.columns([]string{"prediction", "score"}, 2)
	if err != nil {
		return v, fmt.Errorf("%w; docs/exactness.md has a script that writes such a file", err)
	}
	err = m.score(t, at, expected, func(s scored) error {
		if p := s.extra[0]; p != 0 && p != 1 {
			return fmt.Errorf("%s:%d: prediction %v: write 1 for an anomaly and 0 for normal, int(p == -1) in Python", t.name, s.line, p)
		}
		v.compare(s, s.extra[0], s.extra[1], tolerance)
		return nil
	})
	return v, err
}

func (v *verification) compare(s scored, pred, score, tolerance float64) {
	v.Rows++
	if float64(s.pred) != pred {
		if v.Differ++; v.DifferLine == 0 {
			v.DifferLine = s.line
		}
	}
	if math.Float64bits(s.score) == math.Float64bits(score) {
		v.BitIdentical++
		return
	}
	difference := math.Abs(s.score - score)
	if !(difference <= tolerance*max(1, math.Abs(score))) {
		v.Beyond++
	}
	if difference > v.Largest || v.LargestLine == 0 {
		v.Largest, v.LargestLine = difference, s.line
	}
}

func (v verification) write(to io.Writer) {
	fmt.Fprintf(to, "%d rows: %d predictions differ, %d scores are bit-identical\n", v.Rows, v.Differ, v.BitIdentical)
	if v.LargestLine > 0 {
		fmt.Fprintf(to, "largest difference of a score: %.3g, in line %d\n", v.Largest, v.LargestLine)
	}
}

func (v verification) err(tolerance float64) error {
	switch {
	case v.Rows == 0:
		return errors.New("there is no row to compare")
	case v.Differ > 0:
		return fmt.Errorf("%d of %d predictions differ, the first in line %d", v.Differ, v.Rows, v.DifferLine)
	case v.Beyond > 0:
		return fmt.Errorf("%d of %d scores differ by more than %g, most in line %d", v.Beyond, v.Rows, tolerance, v.LargestLine)
	}
	return nil
}
