//go:build unix

package main

import (
	"bufio"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// BenchmarkScore runs fleetscore score on the readings of an hour, and beside it,
// round by round, a script that does the same with pandas and scikit-learn, where
// SKLEARN_PYTHON names a Python that has them:
//
//   - Sensors: 2,000 sensors of one reading in 10 s, each with its own model;
//     testdata/loop.py
//   - Windows: 2,000 devices of 6 sensors, one IsolationForest of the fleet on rolling
//     means and deviations; testdata/windows.py
//
// Reported are rows and CPU time a row, the memory of the process, and, as times-…,
// how many times ours the script's wall time and CPU time are.
func BenchmarkScore(b *testing.B) {
	program := filepath.Join(b.TempDir(), "fleetscore")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	b.Run("Sensors", func(b *testing.B) {
		dir := b.TempDir()
		f := simulatedFleet(1, 500)
		for _, s := range f.fleet.Sensors() {
			if err := writeFile(filepath.Join(dir, "models", filepath.FromSlash(s.ID.Path())+".pkl"), s.Kind.Model()); err != nil {
				b.Fatal(err)
			}
		}
		data := filepath.Join(dir, "data.csv")
		writeReadings(b, data, func(yield func(fleet.Reading)) {
			for r := range f.each() {
				yield(r)
			}
		})
		sideBySide(b, program, "testdata/loop.py", data, filepath.Join(dir, "models"), f.readings())
	})
	b.Run("Windows", func(b *testing.B) {
		dir := b.TempDir()
		python := pythonWith(b)
		if python == "" {
			return // the model is fitted by scikit-learn
		}
		if out, err := exec.Command(python, "testdata/windows.py", "fit", filepath.Join(dir, "models")).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		for _, hours := range []int{1, 4} {
			b.Run(fmt.Sprintf("hours=%d", hours), func(b *testing.B) {
				const devices = 2000
				data := filepath.Join(dir, "data.csv")
				writeReadings(b, data, func(yield func(fleet.Reading)) { sixSensors(devices, hours*360, yield) })
				script := "testdata/windows.py"
				if hours > 1 {
					script = "" // it is the memory that counts
				}
				sideBySide(b, program, script, data, filepath.Join(dir, "models"), devices*hours*360)
			})
		}
	})
}

// sixSensors makes rows of readings of six sensors a device.
func sixSensors(devices, rows int, yield func(fleet.Reading)) {
	random := rand.New(rand.NewPCG(1, 2))
	from := simulatedFleet(1, 1).hour.From
	for i := range rows {
		at := fleet.MillisOf(from.Add(time.Duration(i) * 10 * time.Second))
		for d := range devices {
			for _, s := range []string{"current", "flow", "pressure", "speed", "temperature", "vibration"} {
				yield(fleet.Reading{ID: fleet.ID{Device: fmt.Sprintf("pump-%04d", d), Sensor: s}, Time: at, Value: float64(int(random.NormFloat64()*200+2000)) / 100})
			}
		}
	}
}

func writeReadings(b *testing.B, name string, each func(yield func(fleet.Reading))) {
	b.Helper()
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	w.WriteString("TS,Device,Sensor,Val\n")
	each(func(r fleet.Reading) { fmt.Fprintf(w, "%v,%s,%s,%v\n", r.Time, r.ID.Device, r.ID.Sensor, r.Value) })
	if err := cmp.Or(w.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
}

// pythonWith returns a Python that has pandas and scikit-learn, "" if there is none.
func pythonWith(b *testing.B) string {
	b.Helper()
	for _, python := range append(filepath.SplitList(os.Getenv("SKLEARN_PYTHON")), "python3") {
		if exec.Command(python, "-c", "import pandas, sklearn").Run() == nil {
			return python
		}
	}
	fmt.Fprintln(os.Stderr, "NOT COMPARED: no Python has pandas and scikit-learn. Name one: SKLEARN_PYTHON=/path/to/python3")
	return ""
}

// cost is what a process took.
type cost struct {
	wall, cpu time.Duration
	memory    float64 // megabytes
}

func spend(b *testing.B, name string, args ...string) cost {
	b.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1") // as it is fastest on a few rows
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("%v: %.2000s", err, out)
	}
	c := cost{wall: time.Since(began), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.memory = float64(usage.Maxrss) / 1024 // of kilobytes
	}
	return c
}

// sideBySide scores data with ours and, if there is one, a script, turn by turn.
func sideBySide(b *testing.B, program, script, data, models string, rows int) {
	python := ""
	if script != "" {
		python = pythonWith(b)
	}
	var ours, theirs []cost
	for b.Loop() {
		ours = append(ours, spend(b, program, "score", data, models, "-o", filepath.Join(b.TempDir(), "ours"), "--readings-memory", "256"))
		if python != "" {
			theirs = append(theirs, spend(b, python, script, data, models, filepath.Join(b.TempDir(), "theirs")))
		}
	}
	median := func(all []cost, of func(cost) float64) float64 {
		var values []float64
		for _, c := range all {
			values = append(values, of(c))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	wall := func(c cost) float64 { return c.wall.Seconds() }
	cpu := func(c cost) float64 { return c.cpu.Seconds() }
	b.ReportMetric(float64(rows)/median(ours, wall), "rows/s")
	b.ReportMetric(median(ours, cpu)*1e9/float64(rows), "cpu-ns/row")
	b.ReportMetric(median(ours, func(c cost) float64 { return c.memory }), "MB")
	if python != "" {
		name := strings.TrimSuffix(filepath.Base(script), ".py")
		b.ReportMetric(median(theirs, wall)/median(ours, wall), "times-"+name+"-wall")
		b.ReportMetric(median(theirs, cpu)/median(ours, cpu), "times-"+name+"-cpu")
	}
}
