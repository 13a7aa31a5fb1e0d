package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFeaturesWritesRows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, file, out := filepath.Join(dir, "r.csv"), filepath.Join(dir, "pump.features.json"), filepath.Join(dir, "rows.csv")
	// Not in the order of time; c is a reading of no device that matches.
	readings := "TS,Device,Sensor,Val\n2026-03-01T00:00:10Z,p1,a,3\n2026-03-01T00:00:00Z,p1,a,1\n2026-03-01T00:00:00Z,p1,b,2\n2026-03-01T00:00:10Z,p1,b,5\n2026-03-01T00:00:20Z,p1,b,5\n2026-03-01T00:00:00Z,c,a,9\n"
	spec := `{"devices": "p*", "rows": {"together": ["a", "b"]}, "columns": [{"name": "m", "of": "a", "rolling": "1min", "aggregate": "mean"}, {"name": "age", "attribute": "age"}]}`
	devices := filepath.Join(dir, "devices.csv")
	for name, text := range map[string]string{data: readings, file: spec, devices: "device,age\np2,4\np1,7.5\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := run(context.Background(), []string{"features", data, "--features", file, "-o", out, "--attributes", devices}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	got, err := os.ReadFile(out)
	want := "TS,Device,a,b,m,age\n2026-03-01T00:00:00.000Z,p1,1,2,1,7.5\n2026-03-01T00:00:10.000Z,p1,3,5,2,7.5\n"
	if err != nil || string(got) != want {
		t.Errorf("%v, rows:\n%s\nwant:\n%s", err, got, want)
	}

	stdout.Reset()
	code := run(context.Background(), []string{"features", data, "--features", file, "-o", "-", "--attributes", devices}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr)
	if _, err := os.Lstat("-"); code != 0 || stdout.String() != want || err == nil {
		t.Errorf("-o -: exit code %d, %v, rows:\n%s\nwant:\n%s", code, err, stdout.String(), want)
	}

	// A name that no sensor has gives no row.
	if err := os.WriteFile(file, []byte(`{"rows": {"together": ["a", "z"]}, "features": ["a", "z"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr.Reset()
	if code := run(context.Background(), []string{"features", data, "--features", file, "-o", out}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "no row has a value for every feature: the features use the sensors a, z; c has a") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}
