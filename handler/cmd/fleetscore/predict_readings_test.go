package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/simulate"
)

// TestPredictReadings: the rows that a features file makes have the scores that the
// same rows have in a CSV file of rows.
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
	want := []string{"TS,Device," + rows[0], "2026-03-01T00:00:00.000Z,p," + rows[1], "2026-03-01T00:00:10.000Z,p," + rows[2]}
	if strings.Join(readings, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q, want %q", readings, want)
	}
}
