package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/needs"
)

// TestRunSimulatedFleet runs the whole application: storage, host, handler, event hub and
// database.
func TestRunSimulatedFleet(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	stdout, stderr, code := command(t, "", nil, "run", "--dist", staged(t), "--out", out, "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var r report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	all, found, anomalies, models := 0, 0, 0, 0
	for i, j := range r.Jobs {
		all, found, anomalies = all+r.Known[i].Known, found+r.Known[i].Found, anomalies+j.Anomalies
		want := 360
		if j.DeviceModel != "" {
			want = 60 // minutes
			models++
		}
		if lines := strings.Count(read(t, filepath.Join(out, j.Device, j.Name()+".csv")), "\n"); j.Rows != want || lines != want+1 {
			t.Errorf("%v: %d rows, %d lines of predictions; want %d and a header", j.ID, j.Rows, lines, want)
		}
	}
	if r.State != fleet.RunSucceeded || len(r.Jobs) != 15 || models != 3 || r.Refused != 0 {
		t.Errorf("run %s: %d sensors, %d readings refused", r.State, len(r.Jobs), r.Refused)
	}
	if all < 50 || found != all || anomalies > all+all/10 {
		t.Errorf("%d known anomalies, %d found, %d readings flagged in all", all, found, anomalies)
	}
	if !strings.Contains(read(t, filepath.Join(out, "manifest.json")), r.ID) {
		t.Error("the manifest does not name the run")
	}
}

// TestRunReferenceForm scores readings and models in the form of the reference architecture.
// Every prediction is equal to that of scikit-learn 0.19, and every score to the bit.
func TestRunReferenceForm(t *testing.T) {
	t.Parallel()
	runReference(t, filepath.Join("..", "..", "model", "testdata", "reference"), "10 sensors, 1166 readings, 728 anomalies\n")
}

// TestRunReference does so with the readings and models of the reference architecture.
func TestRunReference(t *testing.T) {
	t.Parallel()
	runReference(t, needs.Shared(t, "reference"), "10 sensors, 11837 readings, 4986 anomalies\n")
}

func runReference(t *testing.T, reference, want string) {
	out := t.TempDir()
	stdout, stderr, code := command(t, "", nil, "run", "--dist", staged(t), "--out", out,
		"--data", filepath.Join(reference, "sensor_data.csv"), "--models", filepath.Join(reference, "models"))
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, want) {
		t.Errorf("want %q in\n%s", want, stdout)
	}
	truths, _ := filepath.Glob(filepath.Join(reference, "truth", "preds_*.csv"))
	if len(truths) != 10 {
		t.Fatalf("%d files of truth", len(truths))
	}
	for _, truth := range truths {
		device, name, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(truth), "preds_"), ".csv"), "_")
		compare(t, rows(t, truth), rows(t, filepath.Join(out, device, name+".csv")))
	}
}

// compare takes the columns TS, Device, Sensor, Val, Prediction, Score.
func compare(t *testing.T, want, got [][]string) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		w, g := want[i], got[i]
		at, err := fleet.ParseMillis(w[0])
		same := err == nil && g[0] == at.String() && g[1] == w[1] && g[2] == w[2] && g[4] == w[4]
		for _, column := range []int{3, 5} {
			a, err1 := strconv.ParseFloat(w[column], 64)
			b, err2 := strconv.ParseFloat(g[column], 64)
			same = same && err1 == nil && err2 == nil && a == b
		}
		if !same {
			t.Fatalf("row %d: %v, want %v", i+1, g, w)
		}
	}
}

// TestRunSaysWhatIsWrong has a sensor without a model and one with a bad model. The run goes
// on, and the command says what is wrong.
func TestRunSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "data.csv"), "ts,sensor,device,value\n"+
		"2026-01-01T00:00:00Z,good,d,20\n2026-01-01T00:00:00Z,bad,d,20\n2026-01-01T00:00:00Z,none,d,20\n2026-01-01T00:00:00Z,good,d,21\n")
	write(t, filepath.Join(dir, "models", "d", "good.pkl"), string(simulatedFleet(1, 1).fleet.Sensors()[2].Kind.Model()))
	write(t, filepath.Join(dir, "models", "d", "bad.pkl"), "cos\nsystem\n(S'true'\ntR.")
	stdout, stderr, code := command(t, "", nil, "run", "--dist", staged(t), "--out", filepath.Join(dir, "out"),
		"--data", filepath.Join(dir, "data.csv"), "--models", filepath.Join(dir, "models"))
	if code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	for _, want := range []string{"warning: model d/bad.pkl cannot be used", "warning: refused: reading of d/good at 2026-01-01T00:00:00.000Z: conflict"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("want %q in\n%s", want, stderr)
		}
	}
	for _, want := range []string{"d/none", "no_model", "3 sensors, 1 reading, 0 anomalies"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("want %q in\n%s", want, stdout)
		}
	}
}

func TestRunRefusesBeforeItStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, models := filepath.Join(dir, "data.csv"), filepath.Join(dir, "models")
	write(t, data, "TS,Device,Sensor,Val\n2026-01-01T00:00:00Z,d,s,x\n")
	write(t, filepath.Join(dir, "good.csv"), "TS,Device,Sensor,Val\n2026-01-01T00:00:00Z,d,s,1\n")
	write(t, filepath.Join(models, "notes.txt"), "")
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"--data " + data, 2, "--data and --models go together"},
		{"--data " + data + " --models " + models, 1, "data.csv:2: invalid: value \"x\" is no number"},
		{"--data " + filepath.Join(dir, "good.csv") + " --models " + models, 1, ": no model among 1 files: name them {device}/{sensor}.pkl"},
		{"--data none.csv --models " + models, 1, "none.csv"},
		{"--dist " + dir, 1, "make build"},
		{"--devices x", 2, "See fleetscore run --help"},
		{"now", 2, "unexpected argument \"now\""},
	} {
		stdout, stderr, code := command(t, "", nil, append([]string{"run"}, strings.Fields(tc.args)...)...)
		if code != tc.code || !strings.Contains(stderr, tc.want) || stdout != "" {
			t.Errorf("run %s: exit code %d, %s%s; want %d, %s", tc.args, code, stdout, stderr, tc.code, tc.want)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := writeFile(name, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// rows returns the rows of a CSV file below its header.
func rows(t *testing.T, name string) [][]string {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(read(t, name))).ReadAll()
	if err != nil || len(all) == 0 {
		t.Fatal(fmt.Errorf("%s: %d rows, %w", name, len(all), err))
	}
	return all[1:]
}
