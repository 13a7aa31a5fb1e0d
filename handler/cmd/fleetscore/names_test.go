package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/fleet/fleettest"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// Every name goes the whole way: a file of readings, the event hub, SQL, the queue,
// models and predictions in Blob storage, the API, the manifest and files on disk.
// It comes back as it was at each end.
func TestRunNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	model := string(simulatedFleet(1, 1).fleet.Sensors()[2].Kind.Model())
	write(t, filepath.Join(dir, "models", "default.pkl"), model)
	var data strings.Builder
	w := csv.NewWriter(&data)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(w.Write([]string{"TS", "Device", "Sensor", "Val"}))
	want := make(map[fleet.ID]string) // the model that serves it
	for i, name := range fleettest.Names {
		for _, id := range []fleet.ID{{Device: name, Sensor: fmt.Sprint(i)}, {Device: "d", Sensor: name}} {
			check(w.Write([]string{fmt.Sprintf("2026-01-01T00:00:%02dZ", i%60), id.Device, id.Sensor, "20"}))
			want[id] = "default.pkl"
			if file := id.Path() + ".pkl"; len(file) < 240 && id.Device != "default.pkl" { // such a folder would stand where the default model does
				write(t, filepath.Join(dir, "models", filepath.FromSlash(file)), model)
				want[id] = file
			}
		}
	}
	w.Flush()
	write(t, filepath.Join(dir, "data.csv"), data.String())
	out := filepath.Join(dir, "out")
	stdout, stderr, code := command(t, "", nil, "run", "--dist", staged(t), "--out", out, "--json",
		"--data", filepath.Join(dir, "data.csv"), "--models", filepath.Join(dir, "models"))
	if code != 0 || strings.Contains(stderr, "warning") {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var r report
	check(json.Unmarshal([]byte(stdout), &r))
	if r.State != fleet.RunSucceeded || len(r.Jobs) != len(want) || r.Refused != 0 {
		t.Fatalf("run %s: %d of %d sensors, %d readings refused", r.State, len(r.Jobs), len(want), r.Refused)
	}
	var manifest ledger.Manifest
	check(json.Unmarshal([]byte(read(t, filepath.Join(out, "manifest.json"))), &manifest))
	listed := make(map[fleet.ID]string)
	for _, j := range manifest.Jobs {
		listed[j.ID] = j.Model
	}
	files := 0
	check(filepath.WalkDir(out, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
		}
		return err
	}))
	if len(listed) != len(want) || files != len(want)+1 {
		t.Errorf("%d jobs in the manifest and %d files, want %d", len(listed), files, len(want))
	}
	for _, j := range r.Jobs {
		model, ok := want[j.ID]
		if !ok || j.State != fleet.Scored || j.Model != model || listed[j.ID] != model {
			t.Errorf("%q: %s with %q, %q in the manifest; want %q", j.ID, j.State, j.Model, listed[j.ID], model)
			continue
		}
		if row := rows(t, filepath.Join(out, predictionsFile(j.ID)))[0]; row[1] != j.Device || row[2] != j.Sensor || row[3] != "20" {
			t.Errorf("%q: predictions %q", j.ID, row)
		}
	}
}

func TestPredictionsFile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ device, sensor, want string }{
		{"pump-1", "temp", "pump-1/temp.csv"},
		{"site/line", "ns=2;s=T", "site%2Fline/ns%3D2%3Bs%3DT.csv"},
		{"manifest.json", "NUL", "%6Danifest.json/%4EUL.csv"},
		{"con.a", "console", "%63on.a/console.csv"},
	} {
		if got := filepath.ToSlash(predictionsFile(fleet.ID{Device: tc.device, Sensor: tc.sensor})); got != tc.want {
			t.Errorf("%s/%s is in %s, want %s", tc.device, tc.sensor, got, tc.want)
		}
	}
	long := fleet.ID{Device: strings.Repeat("ü", 127) + "1", Sensor: strings.Repeat("ü", 127) + "2"}
	file := predictionsFile(long)
	if d, s := filepath.Split(file); len(d) > 255 || len(s) > 255 || strings.TrimSuffix(s, ".csv") == strings.TrimSuffix(d, string(filepath.Separator)) {
		t.Errorf("%q is in %s", long, file)
	}
}
