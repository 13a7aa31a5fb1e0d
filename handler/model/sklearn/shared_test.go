package sklearn_test

import (
	"archive/tar"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/needs"
)

// TestReferenceForm compares models in the form of the reference architecture with
// scikit-learn 0.19, to the bit.
func TestReferenceForm(t *testing.T) {
	t.Parallel()
	checkReference(t, "../testdata/reference")
}

// TestReference does the same with the models of the reference architecture.
func TestReference(t *testing.T) {
	t.Parallel()
	checkReference(t, needs.Shared(t, "reference"))
}

func checkReference(t *testing.T, dir string) {
	truths, err := filepath.Glob(filepath.Join(dir, "truth", "preds_*.csv"))
	if err != nil || len(truths) != 10 {
		t.Fatalf("%d files of truth, %v", len(truths), err)
	}
	for _, truth := range truths {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(truth), "preds_"), ".csv")
		t.Run(name, func(t *testing.T) {
			m := loadFile(t, filepath.Join(filepath.Dir(truth), "..", "models", "model_"+name))
			val, prediction, decision := readTruth(t, truth)
			var r predict.Result
			if err := m.Predict(&r, val); err != nil {
				t.Fatal(err)
			}
			near(t, "decision_function", r.Scores, decision)
			for i := range val {
				same := runtime.GOARCH != "amd64" || math.Float64bits(r.Scores[i]) == math.Float64bits(decision[i])
				if r.Predictions[i] != prediction[i] || !same {
					t.Fatalf("row %d: got %v, %v, scikit-learn has %v, %v", i, r.Predictions[i], r.Scores[i], prediction[i], decision[i])
				}
			}
		})
	}
}

func loadFile(t *testing.T, path string) *sklearn.Model {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := sklearn.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readTruth reads the columns Val, Prediction and Decision.
func readTruth(t *testing.T, path string) (val, prediction, decision []float64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string]*[]float64{"Val": &val, "Prediction": &prediction, "Decision": &decision}
	for _, row := range rows[1:] {
		for i, name := range rows[0] {
			if to := columns[name]; to != nil {
				*to = append(*to, parseFloat(t, row[i]))
			}
		}
	}
	return val, prediction, decision
}

func parseFloat(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// expected are scikit-learn's results for a model. Numbers are in hexadecimal.
type expected struct {
	X            [][]string `json:"X"`
	Decision     [][]string `json:"decision_function"`
	ScoreSamples [][]string `json:"score_samples"`
	Predict      [][]string `json:"predict"`
}

// TestVectors compares files that three versions wrote, with every protocol and
// compression, with the results of these versions.
func TestVectors(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob(filepath.Join(needs.Shared(t, "vectors"), "*.tar.gz"))
	if err != nil || len(archives) == 0 {
		t.Fatal("no archive among the vectors", err)
	}
	for _, archive := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".tar.gz"), func(t *testing.T) {
			t.Parallel()
			files := untar(t, archive)
			var index struct{ Models map[string]expected }
			if err := json.Unmarshal(files["index.json"], &index); err != nil {
				t.Fatal(err)
			}
			for name, data := range files {
				model, _, _ := strings.Cut(name, ".")
				if want, ok := index.Models[model]; ok {
					t.Run(name, func(t *testing.T) { want.check(t, data, exact.MatchString(model)) })
				}
			}
		})
	}
}

func untar(t *testing.T, path string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for r := tar.NewReader(goldenfile.Open(t, path)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[filepath.Base(h.Name)], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// exact matches the vectors whose decision values are scikit-learn's to the bit: a
// OneClassSVM alone, or after a scaler.
var exact = regexp.MustCompile(`^((ss|mm|rs)_ocsvm|ocsvm_bare)_`)

// check loads a model and compares its results. If bits is true, it compares decision
// values to the bit on amd64.
func (e expected) check(t *testing.T, data []byte, bits bool) {
	t.Helper()
	m, err := sklearn.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	if e.Predict == nil {
		if err := m.Detects(); !errors.Is(err, sklearn.ErrUnsupported) && !errors.Is(err, predict.ErrNoLimit) {
			t.Fatalf("a transformer is taken for a detector: %v", err)
		}
		return
	}
	x := floats(t, e.X)
	var r predict.Result
	if err := m.Predict(&r, x); err != nil {
		t.Fatal(err)
	}
	pred, score := r.Predictions, r.Scores
	for i, want := range floats(t, e.Predict) {
		if pred[i] != (1-want)/2 {
			t.Errorf("row %d: predicted %v, scikit-learn %v, with scores %v and %s", i, pred[i], want, score[i], e.Decision[i])
		}
	}
	near(t, "decision_function", score, floats(t, e.Decision))
	if bits && runtime.GOARCH == "amd64" {
		for i, want := range floats(t, e.Decision) {
			if math.Float64bits(score[i]) != math.Float64bits(want) {
				t.Errorf("row %d: decision %v, scikit-learn has %v", i, score[i], want)
			}
		}
	}
	err = m.ScoreSamples(score, x)
	if e.ScoreSamples == nil && errors.Is(err, sklearn.ErrUnsupported) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	near(t, "score_samples", score, floats(t, e.ScoreSamples))
}

func floats(t *testing.T, rows [][]string) []float64 {
	t.Helper()
	v := make([]float64, 0, len(rows))
	for _, row := range rows {
		for _, hex := range row {
			v = append(v, parseFloat(t, hex))
		}
	}
	return v
}

// near compares scores with a tolerance of 1e-12 of the larger of 1 and the score.
func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	worst, at := 0.0, -1
	for i, w := range want {
		if d := math.Abs(got[i]-w) / max(1, math.Abs(w)); d > worst || d != d {
			worst, at = d, i
		}
	}
	if !(worst <= 1e-12) {
		t.Errorf("%s: row %d is %v, scikit-learn's %v", what, at, got[at], want[at])
	}
}
