package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

func predictCommand(c console) *cobra.Command {
	var columns []string
	var file string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "predict FILE CSV",
		Short: "Score the rows of a CSV file with a model",
		Long: `Score the rows of a CSV file (- is stdin) with a model, and write, for each row,
prediction,score to stdout: prediction is 1 for an anomaly and 0 for normal,
score is what scikit-learn's decision_function gives, in the shortest form that
reads back to the same number.

The columns are the model's features, in order. If the first line names them,
--columns picks; a model fitted on a DataFrame picks those of its own names.

With --features, CSV holds readings, and the rows are those that the features file
makes of them: TS,Device,prediction,score is written.`,
		Example: `  fleetscore models predict model.pkl features.csv
  fleetscore models predict model.pkl readings.csv --columns Val
  seq 0 0.5 10 | fleetscore models predict model.pkl -`,
		Args: arguments("FILE", "CSV"),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := loadDetector(args[0])
			if err != nil {
				return err
			}
			if file != "" {
				if asJSON {
					return usageError{errors.New("--json and --features do not go together")}
				}
				return c.predictReadings(m, file, args[1])
			}
			t, closeFile, err := c.openTable(args[1])
			if err != nil {
				return err
			}
			defer closeFile()
			at, err := m.columns(t, columns)
			if err != nil {
				return err
			}
			if asJSON {
				p := predictions{Kind: "detector", Predictions: []int{}, Scores: []float64{}}
				if err := m.score(t, at, nil, p.add); err != nil {
					return err
				}
				return c.writeJSON(p)
			}
			out := bufio.NewWriter(c.out)
			fmt.Fprintln(out, "prediction,score")
			err = m.score(t, at, nil, func(s scored) error {
				line := strconv.AppendUint(out.AvailableBuffer(), uint64(s.pred), 10)
				line = strconv.AppendFloat(append(line, ','), s.score, 'g', -1, 64)
				_, err := out.Write(append(line, '\n'))
				return err
			})
			if err != nil {
				return err
			}
			return out.Flush()
		},
	}
	cmd.Flags().StringVar(&file, "features", "", "the features file that makes the model's rows of readings")
	cmd.Flags().StringSliceVar(&columns, "columns", nil, "the columns to use, by the names in the first line")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// predictions is what predict --json writes, a prediction and a score for each
// row.
type predictions struct {
	Kind        string    `json:"kind"`
	Predictions []int     `json:"predictions"`
	Scores      []float64 `json:"scores"`
}

func (p *predictions) add(s scored) error {
	p.Predictions = append(p.Predictions, int(s.pred))
	p.Scores = append(p.Scores, s.score)
	return nil
}

func (c console) openTable(name string) (*table, func(), error) {
	if name == "-" {
		t, err := newTable("stdin", c.in)
		return t, func() {}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	t, err := newTable(name, f)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return t, func() { f.Close() }, nil
}

// columns returns the positions of the model's features in t.
func (m modelFile) columns(t *table, names []string) ([]int, error) {
	if own := m.Describe().FeatureNames; len(names) == 0 && t.head != nil && len(own) > 0 {
		names = own
	}
	return t.columns(names, m.Features(), "prediction", "score")
}

// scored is a row and what the model says of it.
type scored struct {
	line  int
	pred  uint8
	score float64
	extra []float64 // the numbers of further columns; their memory is used again
}

const rowsAtOnce = 1024

// score gives each row of t to each, in order: the model's features stand at
// the positions at; the numbers at extra are handed through.
func (m modelFile) score(t *table, at, extra []int, each func(scored) error) error {
	var x, more []float64
	var lines []int
	var r predict.Result
	for ended := false; !ended; {
		x, more, lines = x[:0], more[:0], lines[:0]
		for !ended && len(lines) < rowsAtOnce {
			err := t.read()
			if ended = err == io.EOF; ended {
				break
			}
			if err == nil {
				x, err = t.numbers(x, at)
			}
			if err == nil {
				more, err = t.numbers(more, extra)
			}
			if err != nil {
				return err
			}
			lines = append(lines, t.line)
		}
		n := len(lines)
		if err := m.predict(t, lines, &r, x); err != nil {
			return err
		}
		for i := range n {
			if err := each(scored{lines[i], uint8(r.Predictions[i]), r.Scores[i], more[i*len(extra) : (i+1)*len(extra)]}); err != nil {
				return err
			}
		}
	}
	return nil
}

// predict scores rows, and names the line of the first that can't be.
func (m modelFile) predict(t *table, lines []int, r *predict.Result, x []float64) error {
	err := m.Predict(r, x)
	if err == nil {
		return nil
	}
	d := m.Features()
	for i := range lines {
		if one := m.Predict(r, x[i*d:(i+1)*d]); one != nil {
			return fmt.Errorf("%s:%d: %w", t.name, lines[i], one)
		}
	}
	return err
}
