package main

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/store"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

const sample = "../../simulate/models/"

func TestInspect(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := command(t, "", nil, "models", "inspect", sample+"vibration.pkl", "--json")
	var i inspection
	if err := json.Unmarshal([]byte(stdout), &struct {
		*inspection
		Estimator any `json:"estimator"`
	}{inspection: &i}); code != 0 || err != nil {
		t.Fatalf("%v, exit code %d: %s%s", err, code, stdout, stderr)
	}
	if i.Version != "1.9.1" || i.Features != 1 || !i.Detector || len(i.SHA256) != 64 || i.Size != len(simulate.Kinds[3].Model()) {
		t.Errorf("%+v", i)
	}
	stdout, _, _ = command(t, "", nil, "models", "inspect", sample+"vibration.pkl")
	for _, want := range []string{"scikit-learn  1.9.1", "sklearn.pipeline.Pipeline", "sklearn.svm.OneClassSVM", "support_vectors", "rbf"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("want %q in\n%s", want, stdout)
		}
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "model.pkl"), string(simulate.Kinds[3].Model()))
	stdout, _, code = command(t, "", nil, "models", "inspect", folder)
	if code != 0 || !strings.Contains(stdout, "\nformat ") || strings.Contains(stdout, "\nsize ") || strings.Contains(stdout, "sha256") {
		t.Errorf("a folder, exit code %d:\n%s", code, stdout)
	}
}

func TestPredictAndVerify(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stdout, stderr, code := command(t, "4\n12.5\n", nil, "models", "predict", sample+"vibration.pkl", "-")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != 0 || len(lines) != 3 || lines[0] != "prediction,score" || !strings.HasPrefix(lines[1], "0,0.") || !strings.HasPrefix(lines[2], "1,-") {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	expected := filepath.Join(dir, "expected.csv")
	write(t, expected, "Val,prediction,score\n4,"+lines[1]+"\n12.5,"+lines[2]+"\n")
	if stdout, stderr, code := command(t, "", nil, "models", "verify", sample+"vibration.pkl", expected, "--tolerance", "0"); code != 0 || stdout != "2 rows: 0 predictions differ, 2 scores are bit-identical\n" {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	for _, tc := range []struct{ rows, want string }{
		{"4," + lines[2] + "\n", "1 of 1 predictions differ, the first in line 2"},
		{"4,0,0.1\n", "1 of 1 scores differ by more than 1e-12, the largest difference is in line 2"},
		{"4,-1,0.1\n", "write 1 for an anomaly and 0 for normal"},
		{"4,0,NaN\n", "1 of 1 scores differ"},
		{"", "the file has no row to compare"},
	} {
		write(t, expected, "Val,prediction,score\n"+tc.rows)
		if _, stderr, code := command(t, "", nil, "models", "verify", sample+"vibration.pkl", expected); code != 1 || !strings.Contains(stderr, tc.want) {
			t.Errorf("%q: exit code %d: %s; want %s", tc.rows, code, stderr, tc.want)
		}
	}
}

func TestPredictWritesJSON(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := command(t, "4\n12.5\n", nil, "models", "predict", sample+"vibration.pkl", "-", "--json")
	var got struct {
		Kind        string    `json:"kind"`
		Predictions []int     `json:"predictions"`
		Scores      []float64 `json:"scores"`
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
		t.Fatalf("%v, exit code %d: %s%s", err, code, stdout, stderr)
	}
	if got.Kind != "detector" || !slices.Equal(got.Predictions, []int{0, 1}) || len(got.Scores) != 2 || got.Scores[0] <= 0 || got.Scores[1] >= 0 {
		t.Errorf("%+v", got)
	}
}

func TestPredictChoosesColumns(t *testing.T) {
	t.Parallel()
	const reading = "TS,Device,Val\n2026-01-01,d,4\n"
	if _, stderr, code := command(t, reading, nil, "models", "predict", sample+"vibration.pkl", "-"); code != 1 || !strings.Contains(stderr, "takes 1 columns, stdin has TS, Device, Val") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if stdout, stderr, code := command(t, reading, nil, "models", "predict", sample+"vibration.pkl", "-", "--columns", "val"); code != 0 || !strings.Contains(stdout, "\n0,0.") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	if _, stderr, code := command(t, "1\n2\nx\n", nil, "models", "predict", sample+"vibration.pkl", "-"); code != 1 || !strings.Contains(stderr, "stdin:3: \"x\" is not a number") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, stderr, code := command(t, "1\n\"\"\n", nil, "models", "predict", sample+"vibration.pkl", "-"); code != 1 || !strings.Contains(stderr, "stdin:2: ") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestModelsRefuse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	evil := filepath.Join(dir, "evil.pkl")
	write(t, evil, "cos\nsystem\n(S'touch "+filepath.Join(dir, "ran")+"'\ntR.")
	for _, tc := range []struct {
		args string
		code int
		want string
	}{
		{"models inspect", 2, "FILE is missing"},
		{"models inspect " + evil, 1, "os.system"},
		{"models predict " + evil + " -", 1, "os.system"},
		{"models inspect none.pkl", 1, "none.pkl"},
		{"models invent", 2, "models has no command \"invent\""},
		{"models rollback nonsense", 2, "not of the form device/sensor"},
		{"runs show", 2, "RUN is missing"},
		{"runs list --url http://127.0.0.1:1", 1, "start it with fleetscore serve"},
		{"simulate --csv", 2, "--csv needs --from and --to"},
		{"simulate --from 2026-01-01T00:00:00Z", 2, "--from and --to go together"},
		{"simulate --from now --to then", 2, "--from \"now\": write a time"},
	} {
		if _, stderr, code := command(t, "", nil, strings.Fields(tc.args)...); code != tc.code || !strings.Contains(stderr, tc.want) {
			t.Errorf("%s: exit code %d, %s; want %d, %s", tc.args, code, stderr, tc.code, tc.want)
		}
	}
}

func TestUnreachableStorage(t *testing.T) {
	t.Parallel()
	_, stderr, code := command(t, "", nil, "models", "list", "--storage", azure.DevelopmentConnection(1, 1, 1))
	if code != 1 || !strings.Contains(stderr, "Is it running? fleetscore serve") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestSimulateWritesCSV(t *testing.T) {
	t.Parallel()
	stdout, _, code := command(t, "", nil, "simulate", "--truth", "--devices", "1", "--from", "2026-03-01T00:00:00Z", "--to", "2026-03-01T00:01:00Z")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != 0 || len(lines) != 25 || lines[0] != "TS,Device,Sensor,Val,Anomaly" {
		t.Fatalf("exit code %d, %d lines: %s", code, len(lines), stdout)
	}
	n := 0
	written, err := tabular.Open([]string{"-"}, tabular.Options{Stdin: strings.NewReader(stdout)})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range written.All() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 24 {
		t.Errorf("%d readings, want 24", n)
	}
}

// TestPublishDryRun publishes without a storage, as a dry run. It says what each file is
// taken for, and what the rows will be.
func TestPublishDryRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pump/t.pkl"), read(t, sample+"vibration.pkl"))
	write(t, filepath.Join(dir, "pump/t.features.json"), `{"rows": {"grid": "5min", "columns": [{"sensor": "v", "aggregate": "mean"}]}, "columns": [{"name": "day", "of": "v_mean", "rolling": "24h", "aggregate": "mean"}], "features": ["day"], "devices": "pump*"}`)
	write(t, filepath.Join(dir, "pump/scaler.pkl"), "no pickle\n")
	write(t, filepath.Join(dir, "fan/vibration.pkl"), read(t, sample+"vibration.pkl"))
	stdout, stderr, code := command(t, "", map[string]string{"SQL_DSN": "file:" + filepath.Join(dir, "none.db")}, "models", "publish", dir, "--dry-run", "--skip-bad", "--storage", azure.DevelopmentConnection(1, 1, 1))
	for _, want := range []string{
		"warning: the storage cannot be reached, so every model counts as new\n",
		"pump/t: packed from pump/t.pkl as sklearn.pipeline.Pipeline, pump/t.features.json as features file\n",
		"pump/t: rows with day from the sensors v, looking back 24h5m0s, for the devices pump*\n",
		"bad: pump/scaler.pkl: this is a text of 10 bytes, not a model",
		"fan/vibration: detector, new\n",
		"2 new and 0 changed would be uploaded, 0 the same, 1 bad\n",
	} {
		if !strings.Contains(stderr+stdout, want) {
			t.Errorf("exit code %d: %s%s; want %s", code, stderr, stdout, want)
		}
	}
}

// TestVerifyLeavesOutTheThreshold checks that verify says that it does not use the threshold
// beside a model.
func TestVerifyLeavesOutTheThreshold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "model/model.pkl"), read(t, sample+"vibration.pkl"))
	write(t, filepath.Join(dir, "expected.csv"), "x,prediction,score\n0.5,0,0\n")
	said := func() bool {
		_, stderr, _ := command(t, "", nil, "models", "verify", filepath.Join(dir, "model"), filepath.Join(dir, "expected.csv"))
		return strings.Contains(stderr, "the threshold -0.12 in the file is not used here")
	}
	if said() {
		t.Error("a model without a threshold has one")
	}
	write(t, filepath.Join(dir, "model/threshold.txt"), "-0.12")
	if !said() {
		t.Error("verify does not name the threshold")
	}
}

// TestInspectShowsAParameterOnce checks gamma, which has the parameter scale and the number that
// was fitted.
func TestInspectShowsAParameterOnce(t *testing.T) {
	t.Parallel()
	stdout, stderr, code := command(t, "", nil, "models", "inspect", sample+"vibration.pkl")
	if n := strings.Count(stdout, " gamma "); code != 0 || n != 1 {
		t.Errorf("exit code %d, gamma stands %d times: %s%s", code, n, stdout, stderr)
	}
}

// TestPublishKnowsWhatDeviceModelsTake has three sensors. A device model that was published before
// takes one, and another in the folder takes one. The third has no model.
func TestPublishKnowsWhatDeviceModelsTake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dsn := "file:" + filepath.Join(dir, "fleet.db")
	db, err := store.Open(dsn, store.Options{})
	if err == nil {
		err = db.Migrate(t.Context())
	}
	for _, sensor := range []string{"a", "v", "x"} {
		if err == nil {
			_, err = db.InsertReadings(t.Context(), []fleet.Reading{{ID: fleet.ID{Device: "pump", Sensor: sensor}, Time: fleet.MillisOf(noon), Value: 1}}, fleet.Delivery{})
		}
	}
	if err == nil {
		err = db.Register(t.Context(), fleet.Registration{Added: []fleet.Model{{Name: "_fleet/old.zip", ETag: "1", Place: fleet.Place{Scope: fleet.OfFleet, Title: "old"}, Facts: &fleet.Facts{Sensors: []string{"a"}}}}})
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	models := filepath.Join(dir, "models")
	write(t, filepath.Join(models, "pump/t.pkl"), read(t, sample+"vibration.pkl"))
	write(t, filepath.Join(models, "pump/t.features.json"), `{"rows": {"grid": "5min", "columns": [{"sensor": "v", "aggregate": "mean"}]}}`)
	stdout, stderr, code := command(t, "", map[string]string{"SQL_DSN": dsn}, "models", "publish", models, "--dry-run", "--storage", azure.DevelopmentConnection(1, 1, 1))
	if code != 0 || !strings.Contains(stdout, "sensors without a model: pump/x\n") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}
