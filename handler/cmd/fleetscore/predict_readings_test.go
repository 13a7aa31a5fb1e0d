package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/simulate"
)

// TestPredictReadings checks that rows made of readings by a features file have the scores
// that the same rows have in a CSV file of rows.
func TestPredictReadings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{
		"m.pkl": string(simulate.Kinds[2].Model()), "f.json": `{"rows": {"together": ["t"]}}`,
		"readings.csv": "TS,Device,Sensor,Val\n2026-03-01T00:00:10Z,p,t,35\n2026-03-01T00:00:00Z,p,t,20\n", "rows.csv": "t\n20\n35\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files[name] = filepath.Join(dir, name)
	}
	output := func(args ...string) []string {
		var stdout, stderr bytes.Buffer
		if code := run(context.Background(), append([]string{"models", "predict", files["m.pkl"]}, args...), func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		return strings.Split(strings.TrimSpace(stdout.String()), "\n")
	}
	rows, readings := output(files["rows.csv"]), output(files["readings.csv"], "--features", files["f.json"])
	want := []string{"TS,Device,Model,Prediction,Score,t", "2026-03-01T00:00:00.000Z,p,m," + rows[1] + ",20", "2026-03-01T00:00:10.000Z,p,m," + rows[2] + ",35"}
	if strings.Join(readings, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", readings, want)
	}
}

// The features file says what an anomaly is of a regressor, and attributes of devices
// are columns. A device without a row has no lines, and the header comes once.
func TestPredictReadingsOfKinds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "readings.csv"), "t;machine;tag;val\n"+
		"2026-03-01 01:00:00;b;speed;4,5\n2026-03-01 01:00:00;b;power;20\n2026-03-01 01:00:00;a;speed;1,5\n2026-03-01 01:00:00;a;power;5,5\n2026-03-01 01:00:00;c;power;5,5\n")
	write(t, filepath.Join(dir, "devices.csv"), "device,load\na,2\nb,7\nc,1\n")
	write(t, filepath.Join(dir, "regressor.json"), `{"rows": {"together": ["speed", "power"]}, "columns": [{"name": "load", "attribute": "load"}],
		"features": ["speed", "load"], "residual_of": "power", "limit": {"absolute": 2}}`)
	write(t, filepath.Join(dir, "classifier.json"), `{"rows": {"together": ["speed"]}, "columns": [{"name": "load", "attribute": "load"}], "anomalies": ["ok"]}`)
	var said struct {
		Regressor     []float64
		Classifier    []string
		Probabilities [][]float64
	}
	if err := json.Unmarshal([]byte(read(t, "testdata/kinds.json")), &said); err != nil {
		t.Fatal(err)
	}
	predict := func(kind string) [][]string {
		t.Helper()
		stdout, stderr, code := command(t, "", nil, "models", "predict", filepath.Join("testdata", kind+".pkl"), filepath.Join(dir, "readings.csv"),
			"--features", filepath.Join(dir, kind+".json"), "--attributes", filepath.Join(dir, "devices.csv"), "--zone", "Europe/Berlin", "--time", "t", "--device", "machine")
		all, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
		if code != 0 || err != nil || len(all) != 3 {
			t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
		}
		return all
	}
	r := predict("regressor")
	if strings.Join(r[0], ",") != "TS,Device,Model,Prediction,Score,Actual,Residual,speed,load" {
		t.Errorf("header %v", r[0])
	}
	for i, device := range []string{"a", "b"} {
		if row := r[1+i]; row[0] != "2026-03-01T00:00:00.000Z" || row[1] != device || !near(t, row[3], fmt.Sprint(said.Regressor[i]), 1e-12) {
			t.Errorf("%v, scikit-learn says %v", row, said.Regressor[i])
		}
	}
	c := predict("classifier")
	if strings.Join(c[0], ",") != "TS,Device,Model,Prediction,Score,P(ok),P(worn),speed,load" {
		t.Errorf("header %v", c[0])
	}
	for i := range 2 {
		if row := c[1+i]; row[3] != said.Classifier[i] || !near(t, row[5], fmt.Sprint(said.Probabilities[i][0]), 1e-12) {
			t.Errorf("%v, scikit-learn says %s, %v", row, said.Classifier[i], said.Probabilities[i])
		}
	}
}
