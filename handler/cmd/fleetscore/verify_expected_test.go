package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/predict/predicttest"
)

// TestVerifyBoosters checks that the predict of a Booster is compared with probabilities.
func TestVerifyBoosters(t *testing.T) {
	t.Parallel()
	boosters := predicttest.ReadGoldens(t, "../../model/xgboost/testdata/xgboost-3.4.1.json.gz")
	for name, extension := range map[string]string{"saved_binary.json": ".json", "saved_multi.ubj": ".ubj", "saved_binary.ubj": ".model"} {
		dir := t.TempDir()
		model, expected := filepath.Join(dir, "model"+extension), filepath.Join(dir, "expected.json")
		write(t, model, string(boosters[name].File))
		m, err := loadModel(model, nil)
		if err != nil {
			t.Fatal(err)
		}
		rows := make([][]float64, 2)
		var lines []string
		for i := range rows {
			rows[i] = slices.Repeat([]float64{float64(i) - 0.5}, m.Features())
			line, err := json.Marshal(rows[i])
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, strings.Trim(string(line), "[]")+"\n")
		}
		stdout, stderr, _ := command(t, strings.Join(lines, ""), nil, "models", "predict", model, "-", "--json")
		var said struct{ Probabilities [][]float64 }
		if err := json.Unmarshal([]byte(stdout), &said); err != nil || len(said.Probabilities) != 2 {
			t.Fatal(err, stdout, stderr)
		}
		right := any(said.Probabilities)
		if len(said.Probabilities[0]) == 2 {
			right = []float64{said.Probabilities[0][1], said.Probabilities[1][1]}
		}
		hold := func(predicted any, code int, want string) {
			content, err := json.Marshal(map[string]any{"rows": rows, "expected": map[string]any{"predict": predicted}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, expected, string(content))
			stdout, stderr, got := command(t, "", nil, "models", "verify", model, expected)
			if got != code || !strings.Contains(stdout+stderr, want) {
				t.Errorf("%s, %s: exit code %d: %s%s; want %s", name, content, got, stdout, stderr, want)
			}
		}
		hold(right, 0, "probabilities are bit-identical")
		if len(said.Probabilities[0]) == 2 {
			hold([]float64{said.Probabilities[0][1], 0.123}, 1, "1 of 2 probabilities differ by more than 1e-12, the largest difference is in line 2")
			hold([]float64{7, 7}, 1, "2 of 2 probabilities differ")
		} else {
			hold([]float64{7, 7}, 1, "2 of 2 predictions differ")
		}
	}
}

// TestOfBooster checks what numbers are compared with predict.
func TestOfBooster(t *testing.T) {
	t.Parallel()
	two, three := []string{"0", "1"}, []string{"0", "1", "2"}
	probabilities := predict.Result{Predictions: []float64{0, 1}, Scores: []float64{-1, 2}, Probabilities: []float64{0.75, 0.25, 0, 1}}
	margins := predict.Result{Predictions: []float64{0, 1}, Scores: []float64{-1, 2}}
	several := predict.Result{Predictions: []float64{0, 1}, Probabilities: []float64{1, 0, 0, 0, 1, 0}}
	for _, c := range []struct {
		classes []string
		raw     string
		result  predict.Result
		want    []float64 // nil: predict has classes
	}{
		{two, "[0.25, 1.0]", probabilities, []float64{0.25, 1}},
		{two, "[[0.75, 0.25], [0, 1]]", probabilities, []float64{0.75, 0.25, 0, 1}},
		{two, "[0, 1.0]", probabilities, nil},
		{two, "[[0], [1]]", probabilities, nil},
		{two, "[-1.0, 2]", margins, []float64{-1, 2}},
		{two, `["0", "1"]`, probabilities, nil},
		{two, "[true, false]", probabilities, nil},
		{two, "[0.25]", probabilities, nil},
		{three, "[[1, 0, 0], [0, 1, 0]]", several, []float64{1, 0, 0, 0, 1, 0}},
		{three, "[2, 0.5]", several, nil},
		{nil, "[0.5, 0.25]", predict.Result{Predictions: []float64{0.5, 0.25}}, nil},
	} {
		got, want := ofBooster(c.classes, json.RawMessage(c.raw), &c.result)
		if !slices.Equal(got, c.want) || got != nil && len(got) != len(want) {
			t.Errorf("%s of the classes %v is compared with %v, want %v", c.raw, c.classes, got, c.want)
		}
	}
}

// TestVerifyOtherScores checks what a detector's score may be made of.
func TestVerifyOtherScores(t *testing.T) {
	t.Parallel()
	stdout, _, _ := command(t, "4\n12.5\n", nil, "models", "predict", sample+"vibration.pkl", "-", "--json")
	var said struct{ Scores []float64 }
	if err := json.Unmarshal([]byte(stdout), &said); err != nil || len(said.Scores) != 2 {
		t.Fatal(err, stdout)
	}
	a, b := said.Scores[0], said.Scores[1]
	around := [][]float64{{a - 1, a + 1}, {b - 1, b + 1}} // their means are the scores
	name := filepath.Join(t.TempDir(), "expected.json")
	for _, c := range []struct {
		method string
		result any
		code   int
		want   string
	}{
		{"score", []float64{a, b}, 0, "2 scores are bit-identical"},
		{"score", []float64{a, b + 1}, 1, "1 of 2 scores differ"},
		{"kneighbors", around, 0, "2 rows: 0 predictions differ"},
		{"kneighbors", []any{around, [][]int{{5, 6}, {7, 8}}}, 0, "2 rows: 0 predictions differ"},
		{"kneighbors", []any{[][]float64{{a, a}, {b, b + 4}}, [][]int{{5, 6}, {7, 8}}}, 1, "1 of 2 scores differ by more than 1e-12, the largest difference is in line 2"},
		{"kneighbors", []any{1, 2, 3}, 1, "kneighbors: 3 numbers for 2 rows"},
		{"predict", [][]float64{{1, 2}, {3, 4}}, 1, "predict: it has 2 numbers for row 1: write what the model's score is made of them as score"},
	} {
		content, err := json.Marshal(map[string]any{"rows": [][]float64{{4}, {12.5}}, "expected": map[string]any{c.method: c.result}})
		if err != nil {
			t.Fatal(err)
		}
		write(t, name, string(content))
		stdout, stderr, code := command(t, "", nil, "models", "verify", sample+"vibration.pkl", name)
		if code != c.code || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%s: exit code %d: %s%s; want %s", content, code, stdout, stderr, c.want)
		}
	}
}
