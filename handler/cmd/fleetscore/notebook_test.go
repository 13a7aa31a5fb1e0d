package main

import (
	"encoding/csv"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// docs/from-a-notebook.md shows the script that made testdata/notebook, and what the
// commands on it give is what the script's pandas and scikit-learn gave.
func TestFromANotebook(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("testdata", "notebook")
	page := strings.ReplaceAll(read(t, filepath.Join(repository, "docs", "from-a-notebook.md")), "\r\n", "\n")
	if script := strings.ReplaceAll(read(t, filepath.Join(folder, "train.py")), "\r\n", "\n"); !strings.Contains(page, "```python\n"+script+"```\n") {
		t.Error("the page shows another script than testdata/notebook/train.py")
	}
	out := t.TempDir()
	run := func(verb string) string {
		t.Helper()
		line := regexp.MustCompile(`(?m)^fleetscore ` + verb + ` .*$`).FindString(page)
		args := strings.Fields(line)
		if len(args) < 2 {
			t.Fatalf("the page has no command %s", verb)
		}
		for i, a := range args {
			switch {
			case a == "readings.csv" || strings.HasPrefix(a, "models/") || a == "models" && i > 2:
				args[i] = filepath.Join(folder, filepath.FromSlash(a))
			case a == "out" || a == "rows.csv":
				args[i] = filepath.Join(out, a)
			}
		}
		stdout, stderr, code := command(t, "", map[string]string{"SQL_DSN": "file:" + filepath.ToSlash(filepath.Join(out, "none.db"))}, args[1:]...)
		if code != 0 {
			t.Fatalf("%s: exit code %d: %s", line, code, stderr)
		}
		return stdout
	}
	expected, err := csv.NewReader(strings.NewReader(read(t, filepath.Join(folder, "expected.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{} // Device,TS,temperature,vibration,vibration_mean,rise,prediction,score
	for _, row := range expected[1:] {
		at, err := fleet.ParseMillis(row[1])
		if err != nil {
			t.Fatal(err)
		}
		want[row[0]+" "+at.String()] = row[2:]
	}

	run("score")
	compared := 0
	for _, device := range []string{"machine-01", "machine-02"} {
		for _, row := range rows(t, filepath.Join(out, "out", device, "wear.csv")) { // TS,Device,Model,Prediction,Score,…
			w := want[row[1]+" "+row[0]]
			if w == nil || row[3] != w[4] || !near(t, row[4], w[5], 1e-12) {
				t.Fatalf("%v, in the notebook %v", row, w)
			}
			sameFeatures(t, row[5:], w)
			compared++
		}
	}
	if compared != len(want) || compared < 200 {
		t.Errorf("%d rows are scored, %d in the notebook", compared, len(want))
	}

	run("features")
	made := 0
	for _, row := range rows(t, filepath.Join(out, "rows.csv")) { // TS,Device,…
		if w := want[row[1]+" "+row[0]]; w != nil {
			sameFeatures(t, row[2:], w)
			made++
		}
	}
	if made != len(want)-2 && made != len(want) { // the last minute of a device may not be over
		t.Errorf("%d rows are made, %d in the notebook", made, len(want))
	}

	if said := run("models publish"); !strings.Contains(said, "rows with temperature, vibration, vibration_mean, rise from the sensors temperature, vibration") {
		t.Errorf("publish says %s", said)
	}
}

// sameFeatures compares temperature, vibration, vibration_mean and rise: all but the
// rolling mean to the bit.
func sameFeatures(t *testing.T, got, want []string) {
	t.Helper()
	for i, tolerance := range []float64{0, 0, 1e-12, 0} {
		if !near(t, got[i], want[i], tolerance) {
			t.Fatalf("features %v, in the notebook %v", got, want)
		}
	}
}

func near(t *testing.T, a, b string, tolerance float64) bool {
	t.Helper()
	x, err1 := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err1 != nil || err2 != nil {
		t.Fatalf("%q and %q", a, b)
	}
	return x == y || math.Abs(x-y) <= tolerance*math.Abs(y)
}
