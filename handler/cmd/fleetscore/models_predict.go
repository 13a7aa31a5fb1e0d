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
to stdout, numbers in the shortest form that reads back to the same number:

  a detector    prediction,score: 1 for an anomaly and 0 for normal, and what the
                library's decision_function gives
  a classifier  prediction,P(class),…: the class, and predict_proba
  a regressor   prediction: the value

FILE may also be a folder: an MLflow model, or a model with its scaler and the like.

The columns are the model's features, in order. If the first line names them,
--columns picks; a model fitted on a DataFrame picks those of its own names. An
empty field is NaN. All rows are scored as in one call of the library: of ECOD and
COPOD, whose scores depend on the other rows of a call, runs score each row alone.

With --features, CSV holds readings, in any of the files that are read, and the rows
are those that the features file makes of them. The lines are those of a run:
TS,Device,Model,Prediction,Score, what else the kind of model has, and the features.

With --json, one object is written: kind ("detector", "classifier" or "regressor"),
classes, predictions, scores and probabilities, as far as the model gives them.`,
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
				if err := m.judge().score(t, at, nil, p.add); err != nil {
					return err
				}
				return c.writeJSON(p)
			}
			out := newVerdicts(c.out, m)
			err = m.judge().score(t, at, nil, func(b *batch) error {
				out.header("", &b.said, len(b.lines))
				for i := range b.lines {
					out.row(&b.said, i, len(b.lines))
				}
				return nil
			})
			if err != nil {
				return err
			}
			return out.Flush()
		},
	}
	cmd.Flags().StringVar(&f.features, "features", "", "the features file that makes the model's rows of readings")
	cmd.Flags().StringVar(&f.attributes, "attributes", "", "with --features: the file devices.csv, attributes of devices")
	f.files.add(cmd)
	f.memory = memoryFlags(cmd)
	cmd.Flags().StringSliceVar(&columns, "columns", nil, "the columns to use, by the names in the first line")
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

// columns returns the positions of the model's features in t: by names, else by
// the model's own, else by their order. Where t names its columns, but none as the
// model does, a warning says that the order counts.
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

// judge is a model that predicts rows as its library does in one call.
type judge struct {
	predict.Model
	together func(r *predict.Result, x []float64) error // all rows in one call; nil where each is scored alone
}

func (m modelFile) judge() judge   { return m.judgeBy(m.Model, m.PredictTogether) }
func (m modelFile) library() judge { return m.judgeBy(m.Library(), m.Library().Predict) }

func (m modelFile) judgeBy(by predict.Model, together func(*predict.Result, []float64) error) judge {
	if m.DependsOnOthers() {
		return judge{by, together}
	}
	return judge{by, nil}
}

// batch is some rows, and what the model says of them.
type batch struct {
	lines []int // of the file
	said  predict.Result
	extra [][]string // the fields of further columns, by row
}

const rowsAtOnce = 1024

// score gives the rows of t to each, in order and many at a time: the model's
// features stand at the positions at; the fields at extra are handed through. Where
// there is no row, each gets an empty batch.
func (m judge) score(t *table, at, extra []int, each func(*batch) error) error {
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
		if err := m.predict(t.name, b.lines, &b.said, x); err != nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return nil
}

// predict scores rows, and names the line of the first that can't be.
func (m judge) predict(name string, lines []int, r *predict.Result, x []float64) error {
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
