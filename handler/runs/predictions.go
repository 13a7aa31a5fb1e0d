package runs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

const (
	readers      = 16       // files that are read at a time
	maxCSV       = 64 << 20 // the largest file that is read, in bytes
	mostFeatures = 64       // features of an answer
)

// predicted are the scores and features in the predictions of jobs, thinned.
type predicted struct {
	score    *Series // nil if no row has a score
	residual *Series // nil if no row has a residual
	features []Series
}

// predicted reads the predictions of jobs of a sensor or device model in w, with up to features
// features. The jobs are in the order of their windows, the newest first.
func (a *API) predicted(ctx context.Context, jobs []share, w fleet.Window, features int) (predicted, error) {
	tables := make([]predictions, len(jobs))
	group, ctx := spawn.WithContext(ctx)
	group.SetLimit(readers)
	for i, j := range jobs {
		group.Start(func() (err error) {
			tables[i], err = a.predictions(ctx, j.Job, w)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return predicted{}, err
	}
	var all predicted
	p := newPieces(w)
	score, residual := Series{Name: "score"}, Series{Name: "residual"}
	for _, t := range inOrder(tables, jobs) {
		for i, name := range t.features {
			known := slices.ContainsFunc(all.features, func(f Series) bool { return f.Name == name })
			if !known && len(all.features) < features && slices.Index(t.features, name) == i {
				all.features = append(all.features, Series{Name: name})
			}
		}
		for _, r := range t.rows {
			if !math.IsNaN(r.score) {
				score.add(p.start(r.at).Time(), r.score)
			}
			if !math.IsNaN(r.residual) {
				residual.add(p.start(r.at).Time(), r.residual)
			}
		}
		for k := range all.features {
			if i := slices.Index(t.features, all.features[k].Name); i >= 0 {
				for _, r := range t.rows {
					if v := r.features[i]; !math.IsNaN(v) {
						all.features[k].add(p.start(r.at).Time(), v)
					}
				}
			}
		}
	}
	if score.Values > 0 {
		all.score = &score
	}
	if residual.Values > 0 {
		all.residual = &residual
	}
	return all, nil
}

// inOrder returns the parts of the tables of jobs that are shown, in the order of time. The rows of
// each table are in the order of time.
func inOrder(tables []predictions, jobs []share) []predictions {
	var all []predictions
	for i, t := range tables {
		for _, part := range jobs[i].parts {
			index := func(at time.Time) int {
				n, _ := slices.BinarySearchFunc(t.rows, fleet.MillisOf(at), func(r prediction, m fleet.Millis) int { return cmp.Compare(r.at, m) })
				return n
			}
			if rows := t.rows[index(part.From):index(part.To)]; len(rows) > 0 {
				all = append(all, predictions{t.features, rows})
			}
		}
	}
	slices.SortFunc(all, func(a, b predictions) int { return cmp.Compare(a.rows[0].at, b.rows[0].at) })
	return all
}

// predictions are the rows in a span of a job's CSV.
type predictions struct {
	features []string
	rows     []prediction
}

type prediction struct {
	at       fleet.Millis
	score    float64   // NaN if there is none
	residual float64   // likewise
	features []float64 // likewise
}

// predictions reads a job's CSV. It returns no rows if the CSV is gone or is not the one that the
// ledger names, because then the job is being scored again.
func (a *API) predictions(ctx context.Context, j fleet.Job, w fleet.Window) (predictions, error) {
	name := ledger.CSVName(j.Run, j.ID)
	data, info, err := a.Files.Read(ctx, blob.Preds, name, "", maxCSV)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return predictions{}, nil
	case err != nil:
		return predictions{}, err
	case info.SHA256 != j.CSVSHA256:
		return predictions{}, nil
	}
	t, err := parsePredictions(data, w)
	if err != nil {
		return predictions{}, fmt.Errorf("preds/%s: %w", name, err)
	}
	return t, nil
}

// parsePredictions reads the CSV of a sensor or device model, as package score
// writes it.
func parsePredictions(data []byte, w fleet.Window) (t predictions, err error) {
	lines := csv.NewReader(bytes.NewReader(data))
	lines.ReuseRecord = true
	head, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	columns := map[string]int{}
	first := len(head) // the first column that is a feature
	for i, name := range head {
		if _, ok := columns[name]; !ok && i < 6 {
			columns[name] = i
		}
		if strings.HasPrefix(name, "P(") {
			first = i + 1
		}
		if name == "Score" && i < 6 {
			first = i + 1
		}
	}
	at, okAt := columns["TS"]
	score, okScore := columns["Score"]
	if !okAt || !okScore {
		return t, fmt.Errorf("%w: it begins with %q, which is not the header of predictions", fleet.ErrInvalid, head)
	}
	residual := -1 // the column of residuals, if there are any
	if first+1 < len(head) && head[first] == "Actual" && head[first+1] == "Residual" {
		residual = first + 1
		first += 2
	}
	t.features = slices.Clone(head[first:])
	from, to := fleet.MillisOf(w.From), fleet.MillisOf(w.To)
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return t, err
		}
		ts, err := fleet.ParseMillis(line[at])
		if err != nil {
			return t, err
		}
		if ts < from || ts >= to {
			continue
		}
		r := prediction{at: ts, score: number(line[score]), residual: math.NaN(), features: make([]float64, len(t.features))}
		if residual >= 0 {
			r.residual = number(line[residual])
		}
		for i := range r.features {
			r.features[i] = number(line[first+i])
		}
		t.rows = append(t.rows, r)
	}
}

// number reads a number. It returns NaN if text is none or infinite.
func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}
