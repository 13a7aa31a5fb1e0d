package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/model/predict"
)

func predictCommand(c console) *cobra.Command {
	var columns []string
	var f readingFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "predict FILE CSV",
		Short: "Score the rows of a CSV file with a model",
		Long: `Score the rows of a CSV file (- is stdin) with a model, and write a line for each row
to stdout. Numbers are written in the shortest form that reads back to the same number:

  a detector    prediction,score: 1 for an anomaly and 0 for normal, and the score of
                the library's decision_function
  a classifier  prediction,P(class),…: the class, and the probabilities of predict_proba
  a regressor   prediction: the value

FILE may also be a folder: an MLflow model, or a model with its scaler and other parts.

The columns of the CSV file are the model's features, in order. If its first line has
names, --columns chooses columns; without it, a model fitted on a DataFrame takes the
columns that it was fitted on. An empty field is NaN. All rows are scored as in one
call of the library. The scores of some detectors, such as ECOD and COPOD, depend on
the other rows of the call; a run scores each row alone.

With --features, CSV is a file of readings, and the features file defines the rows.
The output is that of a run: TS,Device,Model,Prediction,Score, the columns of this
kind of model, and the features.

With --json, the output is one object: kind ("detector", "classifier" or "regressor"),
classes, predictions, scores and probabilities, if the model has them.`,
		Example: `  fleetscore models predict model.pkl features.csv
  fleetscore models predict mlruns/1/models/m-3/artifacts rows.csv --json
  fleetscore models predict model.pkl readings.csv --columns Val
  seq 0 0.5 10 | fleetscore models predict model.pkl -`,
		Args: arguments("FILE", "CSV"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.features != "" {
				if asJSON {
					return usageError{errors.New("--json and --features do not go together")}
				}
				return c.predictReadings(cmd.Context(), args[0], f, args[1])
			}
			m, err := loadModel(args[0], nil)
			if err != nil {
				return err
			}
			t, closeFile, err := c.openTable(args[1])
			if err != nil {
				return err
			}
			defer closeFile()
			at, err := c.columns(m, t, columns)
			if err != nil {
				return err
			}
			if asJSON {
				p := newPredictions(m)
				if err := m.scorer().score(t, at, nil, p.add); err != nil {
					return err
				}
				return c.writeJSON(p)
			}
			out := newVerdicts(c.out, m)
			err = m.scorer().score(t, at, nil, func(b *batch) error {
				out.header(&b.result, len(b.lines))
				for i := range b.lines {
					out.row(&b.result, i, len(b.lines))
				}
				return nil
			})
			if err != nil {
				return err
			}
			return out.Flush()
		},
	}
	cmd.Flags().StringVar(&f.features, "features", "", "the features file that defines the rows; CSV is then a file of readings")
	cmd.Flags().StringVar(&f.attributes, "attributes", "", "with --features: the file devices.csv, attributes of devices")
	f.files.add(cmd)
	f.memory = memoryFlags(cmd)
	cmd.Flags().StringSliceVar(&columns, "columns", nil, "names of the columns to use, in order")
	jsonFlag(cmd, &asJSON)
	return cmd
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

// columns returns the positions of the model's features in t. It finds them by names; if
// names is empty, by the model's feature names; if there are none, by their order. If
// none of the columns has a name of the model, it warns and takes them in their order.
func (c console) columns(m modelFile, t *table, names []string) ([]int, error) {
	if own := m.FeatureNames(); len(names) == 0 && t.head != nil && len(own) > 0 {
		if slices.ContainsFunc(own, t.has) || t.width() != m.Features() {
			names = own
		} else {
			fmt.Fprintf(c.err, "warning: %s names its columns %s, the model %s: they are taken in their order\n", t.name, t.describe(), strings.Join(own, ", "))
		}
	}
	return t.columns(names, m.Features(), "prediction", "score")
}

// tableScorer scores the rows of a table as the model's library does in one call.
type tableScorer struct {
	predict.Model
	together func(r *predict.Result, x []float64) error // scores all rows in one call; nil if each row is scored alone
}

// scorer returns a scorer with the model's threshold; library one without.
func (m modelFile) scorer() tableScorer  { return m.scorerOf(m.Model, m.PredictTogether) }
func (m modelFile) library() tableScorer { return m.scorerOf(m.Library(), m.Library().Predict) }

func (m modelFile) scorerOf(model predict.Model, together func(*predict.Result, []float64) error) tableScorer {
	if m.DependsOnOthers() {
		return tableScorer{model, together}
	}
	return tableScorer{model, nil}
}

// batch is several rows of a table and their results.
type batch struct {
	lines  []int // the number of each row's line in the file
	result predict.Result
	extra  [][]string // per row: the fields of further columns
}

const rowsAtOnce = 1024

// score scores the rows of t in batches, and calls each with every batch, in order. The
// model's features are in the columns at the positions at. The fields in the columns at
// the positions extra are copied to the batch. The last batch may be empty.
func (m tableScorer) score(t *table, at, extra []int, each func(*batch) error) error {
	var x []float64
	b := new(batch)
	for ended := false; !ended; {
		x, b.lines, b.extra = x[:0], b.lines[:0], b.extra[:0]
		for !ended && (len(b.lines) < rowsAtOnce || m.together != nil) {
			err := t.read()
			if ended = errors.Is(err, io.EOF); ended {
				break
			}
			if err == nil {
				x, err = t.numbers(x, at)
			}
			if err != nil {
				return err
			}
			b.lines = append(b.lines, t.line)
			b.extra = append(b.extra, t.fields(extra))
		}
		if err := m.predict(t.name, b.lines, &b.result, x); err != nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return nil
}

// predict scores the rows x. An error names the line of the first row that cannot be
// scored.
func (m tableScorer) predict(name string, lines []int, r *predict.Result, x []float64) error {
	call := m.Predict
	if m.together != nil {
		call = m.together
	}
	err := call(r, x)
	if err == nil {
		return nil
	}
	d := m.Features()
	for i := range lines {
		if one := m.Predict(r, x[i*d:(i+1)*d]); one != nil {
			return fmt.Errorf("%s:%d: %w", name, lines[i], one)
		}
	}
	return err
}
