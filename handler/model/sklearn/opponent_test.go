//go:build unix

package sklearn_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/model/svm"
)

// opponent is a Python process that runs ../testdata/opponent.py. It fits models, and
// predicts with them for the comparison of speed.
type opponent struct {
	version string
	dir     string // where it writes models and rows
	in      io.Writer
	out     *json.Decoder
}

// opponents starts the Pythons that SKLEARN_PYTHON lists, or python3. It prints which of
// them have no scikit-learn.
func opponents(b *testing.B) (started []*opponent) {
	b.Helper()
	pythons := filepath.SplitList(os.Getenv("SKLEARN_PYTHON"))
	if len(pythons) == 0 {
		pythons = []string{"python3"}
	}
	for _, python := range pythons {
		o, err := start(b, python)
		if err != nil {
			fmt.Fprintf(os.Stderr, "NOT COMPARED: %s has no scikit-learn (%v). Name Pythons that have it: SKLEARN_PYTHON=/path/to/python3:...\n", python, err)
			continue
		}
		started = append(started, o)
	}
	return started
}

func start(b *testing.B, python string) (*opponent, error) {
	b.Helper()
	cmd := exec.Command(python, "../testdata/opponent.py")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	o := &opponent{dir: b.TempDir(), in: in, out: json.NewDecoder(bufio.NewReader(out))}
	return o, o.out.Decode(&o.version)
}

// ask sends a command and returns the answer.
func ask[T any](b *testing.B, o *opponent, command ...any) (answer T) {
	b.Helper()
	if err := json.NewEncoder(o.in).Encode(command); err != nil {
		b.Fatal(err)
	}
	if err := o.out.Decode(&answer); err != nil {
		b.Fatalf("scikit-learn %s, %v: %v", o.version, command, err)
	}
	return answer
}

// side is how long Go and Python each work in a round.
const side = 50 * time.Millisecond

// BenchmarkScikitLearn reports the CPU time of scikit-learn on one thread, divided by
// ours for the same work. Both work in turn, in rounds. It reports the smallest and the
// median ratio.
func BenchmarkScikitLearn(b *testing.B) {
	for _, o := range opponents(b) {
		b.Run(o.version, func(b *testing.B) {
			for _, d := range []int{1, 8, 32} {
				for level := svm.Portable; level <= svm.Best(); level++ {
					o.predict(b, fmt.Sprintf("OneClassSVM/d=%d/vectors=500/rows=10000/%v", d, level), level, "svm", d, 500, 10_000)
				}
				o.predict(b, fmt.Sprintf("OneClassSVM/d=%d/vectors=500/rows=10000/own", d), own, "svm", d, 500, 10_000)
			}
			for _, vectors := range []int{2, 50, 500} {
				o.predict(b, fmt.Sprintf("OneClassSVM/d=1/vectors=%d/rows=1", vectors), own, "svm", 1, vectors, 1)
			}
			for _, rows := range []int{1, 1000} {
				o.predict(b, fmt.Sprintf("IsolationForest/trees=100/rows=%d", rows), own, "forest", 8, 100, rows)
			}
			for _, rows := range []int{1, 10_000} {
				o.predict(b, fmt.Sprintf("RandomForest/trees=100/depth=12/rows=%d", rows), svm.Best(), "random_forest", 10, 100, rows)
				o.predict(b, fmt.Sprintf("GradientBoosting/trees=100/depth=3/rows=%d", rows), svm.Best(), "boosting", 10, 100, rows)
				o.predict(b, fmt.Sprintf("LogisticRegression/d=50/rows=%d", rows), svm.Best(), "logistic", 50, 0, rows)
			}
			for _, library := range []string{"xgboost", "lightgbm"} {
				for _, rows := range []int{1, 10_000} {
					o.predict(b, fmt.Sprintf("%s/trees=100/depth=6/rows=%d", library, rows), own, library, 10, 100, rows)
				}
			}
			// A file of this version, with scikit-learn's classes and with inert ones,
			// which shows the part of the unpickler. Then a file of 0.19, whose classes
			// are not in this version.
			for _, classes := range []string{"scikit-learn", "inert"} {
				b.Run("Load/made/classes="+classes, func(b *testing.B) {
					ask[[]float64](b, o, "svm", o.dir, 1, 2, 1)
					o.load(b, filepath.Join(o.dir, "model.pkl"), classes)
				})
			}
			reference, err := filepath.Abs("../testdata/reference/models/model_1_1")
			if err != nil {
				b.Fatal(err)
			}
			b.Run("Load/reference/classes=inert", func(b *testing.B) { o.load(b, reference, "inert") })
		})
	}
}

// BenchmarkForestMemory reports the memory of a loaded forest of 100 trees of 256 samples,
// in percent of the size of its pickle.
func BenchmarkForestMemory(b *testing.B) {
	for _, o := range opponents(b) {
		b.Run(o.version, func(b *testing.B) {
			ask[[]float64](b, o, "forest", o.dir, 8, 100, 1)
			path := filepath.Join(o.dir, "model.pkl")
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			var forests [100]*sklearn.Model
			for b.Loop() {
				clear(forests[:])
				before := heap()
				for i := range forests {
					forests[i] = load(b, path)
				}
				b.ReportMetric(100*(heap()-before)/float64(len(forests))/float64(info.Size()), "%pickle")
			}
			runtime.KeepAlive(&forests)
		})
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// own means the instructions that a model chooses by itself.
const own svm.Instructions = -1

// predict compares the scores of a model in Go and Python, and then their speed. The model
// has d features, and size is the number of its support vectors or trees.
func (o *opponent) predict(b *testing.B, name string, level svm.Instructions, kind string, d, size, rows int) {
	b.Run(name, func(b *testing.B) {
		scores := ask[[]float64](b, o, kind, o.dir, d, size, rows)
		if scores == nil {
			fmt.Fprintf(os.Stderr, "NOT COMPARED: the Python of scikit-learn %s has no %s\n", o.version, kind)
			return
		}
		m := load(b, filepath.Join(o.dir, "model.pkl"))
		if level != own {
			m.Use(level)
		} else if kind == "svm" {
			many, one := svm.Fastest(svm.RBF, d)
			fmt.Fprintf(os.Stderr, "OneClassSVM of %d features takes %v for many rows and %v for one\n", d, many, one)
		}
		x := readRows(b, filepath.Join(o.dir, "rows"))
		var r predict.Result
		run := func() {
			if err := m.Predict(&r, x); err != nil {
				b.Fatal(err)
			}
		}
		run()
		ours := r.Scores
		if len(ours) == 0 {
			ours = r.Probabilities
		}
		for i, want := range scores {
			if math.Abs(ours[i]-want) > 1e-11*max(1, math.Abs(want)) {
				b.Fatalf("score %d: %v, scikit-learn has %v", i, ours[i], want)
			}
		}
		rounds(b, func() float64 { return ask[float64](b, o, "predict", side.Seconds()) }, run)
	})
}

// load compares the time to read a file. Python calls pickle.loads, with scikit-learn's
// classes or with inert ones.
func (o *opponent) load(b *testing.B, path, classes string) {
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	rounds(b, func() float64 { return ask[float64](b, o, "loads", path, classes, side.Seconds()) }, func() {
		if _, err := sklearn.Load(data); err != nil {
			b.Fatal(err)
		}
	})
}

// rounds reports the ratio of the time of theirs, which returns seconds, to that of ours.
func rounds(b *testing.B, theirs func() float64, ours func()) {
	var ratios, nanoseconds []float64
	for b.Loop() {
		their := 1e9 * theirs()
		our := measure.PerCall(side, ours)
		ratios = append(ratios, their/our)
		nanoseconds = append(nanoseconds, our)
	}
	measure.ReportRounds(b, "times", ratios)
	measure.ReportRounds(b, "cpu-ns", nanoseconds)
	b.ReportMetric(0, "ns/op") // of both together
}

func load(b *testing.B, path string) *sklearn.Model {
	b.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	m, err := sklearn.Load(data)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// readRows reads float64 numbers in this machine's byte order.
func readRows(b *testing.B, path string) []float64 {
	b.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	x := make([]float64, len(data)/8)
	for i := range x {
		x[i] = math.Float64frombits(binary.NativeEndian.Uint64(data[8*i:]))
	}
	return x
}
