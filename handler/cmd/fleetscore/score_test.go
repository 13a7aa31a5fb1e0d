package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/offline"
)

// tree returns the files below a folder, by their paths.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			files[filepath.ToSlash(rel)] = read(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func wantTree(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s is\n%.600s\nwant\n%.600s", what, name, got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok && !strings.HasPrefix(name, offline.ErrorLogs+"/") {
			t.Errorf("%s: %s should not be there", what, name)
		}
	}
}

// mixedFleet writes readings and models of every kind: sensors with models, without
// and with bad ones, device models of one device and of the fleet, attributes.
func mixedFleet(t *testing.T, dir string) (data, models string) {
	t.Helper()
	f := simulatedFleet(3, 3)
	lines := []string{}
	for r, err := range f.each() {
		if err != nil {
			t.Fatal(err)
		}
		device := strings.Replace(r.ID.Device, "machine-03", "site/line 3", 1)
		lines = append(lines, fmt.Sprintf("%v,%s,%s,%v\n", r.Time, device, r.ID.Sensor, r.Value))
	}
	lines = append(lines, lines[100], strings.TrimSuffix(lines[200], "\n")+"5\n") // a copy, and one with another value
	data, models = filepath.Join(dir, "data.csv"), filepath.Join(dir, "models")
	write(t, data, "TS,Device,Sensor,Val\n"+strings.Join(lines, ""))
	for _, s := range f.fleet.Sensors() {
		if s.ID.Device == "machine-01" {
			write(t, filepath.Join(models, "machine-01", s.ID.Sensor+".pkl"), string(s.Kind.Model()))
		}
	}
	write(t, filepath.Join(models, "machine-02", "pressure.pkl"), "cos\nsystem\n(S'true'\ntR.")
	write(t, filepath.Join(models, "site%2Fline%203", "current.pkl"), string(f.fleet.Sensors()[0].Kind.Model()))
	write(t, filepath.Join(models, "machine-02", "rise.pkl"), string(f.fleet.Sensors()[2].Kind.Model()))
	write(t, filepath.Join(models, "machine-02", "rise.features.json"), `{"rows": {"carried": ["temperature", "vibration"], "tolerance": "1min"},
		"columns": [{"name": "x", "of": "temperature", "rolling": "5min", "aggregate": "mean"}], "features": ["x"]}`)
	write(t, filepath.Join(models, "_fleet", "wear.pkl"), string(f.fleet.Sensors()[3].Kind.Model()))
	write(t, filepath.Join(models, "_fleet", "wear.features.json"), `{"devices": ["machine-01", "site/*"], "rows": {"grid": "1min", "columns": [{"sensor": "vibration", "aggregate": "max"}]},
		"columns": [{"name": "age", "attribute": "age"}, {"name": "x", "product": ["vibration_max", "age"]}], "features": ["x"]}`)
	write(t, filepath.Join(models, "devices.csv"), "device,age\nmachine-01,1\nsite/line 3,1.25\n")
	return data, models
}

// The files are those of a run, to the byte.
func TestScoreIsARun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, models := mixedFleet(t, dir)
	if err := os.Remove(filepath.Join(models, "machine-02", "pressure.pkl")); err != nil { // publish refuses it, and the run has none
		t.Fatal(err)
	}
	run, score := filepath.Join(dir, "run"), filepath.Join(dir, "score")
	_, stderr, _ := command(t, "", nil, "run", "--dist", staged(t), "--out", run, "--data", data, "--models", models)
	stdout, stderr2, code := command(t, "", nil, "score", data, models, "-o", score, "--json")
	want := tree(t, run)
	if len(want) < 8 {
		t.Fatalf("the run left %d files: %s", len(want), stderr)
	}
	wantTree(t, "score", tree(t, score), want)
	var r scored
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr2)
	}
	if code != 0 || r.State != fleet.RunSucceeded || r.Conflicts != 1 || r.Readings != 3*4*360+2 {
		t.Errorf("exit code %d, %s, %d readings, %d conflicts: %s", code, r.State, r.Readings, r.Conflicts, stderr2)
	}
	states := map[string]fleet.JobState{}
	for _, j := range r.Jobs {
		states[j.ID.String()] = j.State
		if j.ErrorLog == "" {
			continue
		}
		var log ledger.ErrorLog
		if err := json.Unmarshal([]byte(read(t, filepath.Join(score, filepath.FromSlash(j.ErrorLog)))), &log); err != nil || log.ID != j.ID || log.State != j.State || log.Remedy == "" {
			t.Errorf("error log of %v: %+v, %v", j.ID, log, err)
		}
	}
	for id, state := range map[string]fleet.JobState{
		"machine-01/temperature": fleet.Scored, "machine-01/wear": fleet.Scored, "site%2Fline 3/wear": fleet.Scored, "site%2Fline 3/current": fleet.Scored,
		"machine-02/rise": fleet.Scored, "machine-02/pressure": fleet.NoModel, "machine-02/current": fleet.NoModel,
	} {
		if states[id] != state {
			t.Errorf("%s is %q, want %s", id, states[id], state)
		}
	}
}

// Whatever the order of the readings and the memory for them, the files are the
// same; a model that is mended takes its error log away.
func TestScoreInAnyOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, models := mixedFleet(t, dir)
	out := func(name string, args ...string) map[string]string {
		_, stderr, code := command(t, "", nil, append([]string{"score", "-o", filepath.Join(dir, name)}, args...)...)
		if code != 1 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		return tree(t, filepath.Join(dir, name))
	}
	want := out("out", data, models)

	// All sensors one after another, backwards, many times over: 8 MB in memory.
	lines := strings.SplitAfter(strings.TrimSuffix(read(t, data), "\n")+"\n", "\n")
	head, lines := lines[0], lines[1:len(lines)-2] // no reading that contradicts another
	lines = lines[:len(lines)-1]
	var many []string
	for range 20 {
		many = append(many, lines...)
	}
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(many), func(i, j int) { many[i], many[j] = many[j], many[i] })
	half := len(many) / 2
	write(t, filepath.Join(dir, "many", "a.csv"), head+strings.Join(many[:half], ""))
	write(t, filepath.Join(dir, "many", "b.csv"), head+strings.Join(many[half:], ""))
	temp := filepath.Join(dir, "temp")
	if err := os.Mkdir(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	wantTree(t, "shuffled", out("shuffled", filepath.Join(dir, "many"), models, "--readings-memory", "1", "--temp", temp), want)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}

	broken := slices.Collect(func(yield func(string) bool) {
		for name := range want {
			if strings.HasPrefix(name, offline.ErrorLogs+"/machine-02/pressure") && !yield(name) {
				return
			}
		}
	})
	if len(broken) != 1 {
		t.Fatalf("error logs %v", broken)
	}
	write(t, filepath.Join(models, "machine-02", "pressure.pkl"), string(simulatedFleet(1, 1).fleet.Sensors()[1].Kind.Model()))
	if _, stderr, code := command(t, "", nil, "score", "-o", filepath.Join(dir, "out"), data, models); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	again := tree(t, filepath.Join(dir, "out"))
	if again[broken[0]] != "" || again["machine-02/pressure.csv"] == "" {
		t.Error("the error log of a model that is mended stays, or it has no predictions")
	}
}

// A window is half-open; rows look back before it.
func TestScoreWindow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, models := mixedFleet(t, dir)
	rowsOf := func(name string, args ...string) []string {
		_, stderr, _ := command(t, "", nil, append([]string{"score", "-o", filepath.Join(dir, name), data, models}, args...)...)
		files := tree(t, filepath.Join(dir, name))
		if files["machine-02/rise.csv"] == "" {
			t.Fatalf("%s", stderr)
		}
		return strings.SplitAfter(files["machine-02/rise.csv"], "\n")[1:]
	}
	all := rowsOf("all")
	var parts []string
	from := simulatedFleet(3, 3).hour.From
	for i := range 3 {
		part := rowsOf(fmt.Sprint(i), "--from", from.Add(time.Duration(i)*20*time.Minute).Format(time.RFC3339), "--to", from.Add(time.Duration(i+1)*20*time.Minute).Format(time.RFC3339))
		parts = append(parts[:max(len(parts)-1, 0)], part...)
	}
	if !slices.Equal(all, parts) || len(all) < 300 {
		t.Errorf("three windows have %d rows, one has %d, or others", len(parts), len(all))
	}
}

func TestScoreRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "good.csv"), "TS,Device,Sensor,Val\n2026-01-01T00:00:00Z,d,s,1\n")
	write(t, filepath.Join(dir, "empty.csv"), "TS,Device,Sensor,Val\n")
	write(t, filepath.Join(dir, "none", "x", "y", "notes.txt"), "")
	write(t, filepath.Join(dir, "models", "default.pkl"), string(simulatedFleet(1, 1).fleet.Sensors()[0].Kind.Model()))
	for _, tc := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"good.csv"}, 2, "DATA or MODELS is missing"},
		{[]string{"models", "good.csv"}, 2, "is not a folder: the last argument"},
		{[]string{"good.csv", "absent"}, 1, "absent"},
		{[]string{"empty.csv", "models"}, 1, "no reading in 0 rows"},
		{[]string{"good.csv", "none"}, 1, "no model among 1 files"},
		{[]string{"good.csv", "models", "--aggregate", "5m"}, 2, "--aggregate"},
		{[]string{"good.csv", "models", "--readings-memory", "0"}, 2, "--readings-memory 0"},
		{[]string{"good.csv", "models", "--from", "2026-01-01T00:00:00Z"}, 2, "--from and --to go together"},
	} {
		args := []string{"score", "-o", filepath.Join(dir, "out")}
		for _, a := range tc.args {
			if strings.HasSuffix(a, ".csv") || a == "models" || a == "none" || a == "absent" {
				a = filepath.Join(dir, a)
			}
			args = append(args, a)
		}
		stdout, stderr, code := command(t, "", nil, args...)
		if code != tc.code || !strings.Contains(stderr, tc.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %s%s; want %d, %s", tc.args, code, stdout, stderr, tc.code, tc.want)
		}
	}
}

// TestScoreSaysThatNothingWasScored checks each way in which score finds nothing to score.
func TestScoreSaysThatNothingWasScored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, models := filepath.Join(dir, "data.csv"), filepath.Join(dir, "models")
	write(t, data, "TS,pump_id,Sensor,Val\n2026-11-27 07:00:00,pump-1,vibration,1\n2026-11-27 07:01:00,pump-1,vibration,2\n")
	write(t, filepath.Join(models, "pump-1", "vibration.pkl"), read(t, sample+"vibration.pkl"))
	for _, c := range []struct {
		flags, want string // want is empty if something is scored
	}{
		{"--device pump_id", ""},
		{"--device pump", "NOTHING WAS SCORED, 1 without a model: the readings are from 2026-11-27T07:00:00.000Z to 2026-11-27T07:01:00.000Z, of the devices pump;"},
		{"--device pump_id --from 2026-11-28 --to 2026-11-29", "NOTHING WAS SCORED, 1 without readings: the readings are from 2026-11-27T07:00:00.000Z to 2026-11-27T07:01:00.000Z, of the devices pump-1;"},
	} {
		args := append([]string{"score", data, models, "-o", filepath.Join(t.TempDir(), "out")}, strings.Fields(c.flags)...)
		_, stderr, code := command(t, "", nil, args...)
		if code != map[bool]int{true: 0, false: 1}[c.want == ""] || !strings.Contains(stderr, c.want) || c.want == "" && strings.Contains(stderr, "NOTHING") {
			t.Errorf("%s: exit code %d: %s\nwant %s", c.flags, code, stderr, c.want)
		}
		if n := strings.Count(stderr, "times without a zone are read as UTC"); n != 1 {
			t.Errorf("%s: %d notices of times without a zone: %s", c.flags, n, stderr)
		}
	}
}

// TestScoreNamesTheBadFile checks that an error names the file on disk, and says once that
// the model is bad.
func TestScoreNamesTheBadFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, models := filepath.Join(dir, "data.csv"), filepath.Join(dir, "models")
	write(t, data, "TS,Device,Sensor,Val\n2026-11-27T07:00:00Z,pump-1,a,1\n2026-11-27T07:00:00Z,pump-1,b,1\n")
	write(t, filepath.Join(models, "pump-1", "wear.joblib"), "junk\n")
	write(t, filepath.Join(models, "pump-1", "wear.features.json"), `{"rows": {"together": ["a", "b"]}}`)
	stdout, stderr, code := command(t, "", nil, "score", data, models, "-o", filepath.Join(dir, "out"))
	for _, want := range []string{
		"pump-1/wear      bad_model: pump-1/wear.joblib: this is a text of 5 bytes, not a model",
		"no_model: the folder has none of pump-1/a.pkl, _fleet/a.pkl, default.pkl for pump-1/a: add one",
		"\n  pump-1/wear: bad model: pump-1/wear.joblib: this is",
	} {
		if code != 1 || !strings.Contains(stdout+stderr, want) {
			t.Errorf("exit code %d: %s%s\nwant %s", code, stdout, stderr, want)
		}
	}
	if strings.Contains(stdout+stderr, "wear.zip") {
		t.Errorf("wear.zip is not on disk: %s%s", stdout, stderr)
	}
	_, stderr, _ = command(t, "", nil, "score", data, filepath.Join(models, "pump-1"), "-o", filepath.Join(dir, "out"))
	if want := "no model among 2 files: if this is the folder of one device, with its model wear.joblib, name the folder above it"; !strings.Contains(stderr, want) {
		t.Errorf("%s; want %s", stderr, want)
	}
}
