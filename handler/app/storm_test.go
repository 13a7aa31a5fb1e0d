package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// TestStorm has many invocations at once, some of which fail. Afterwards there are as many
// goroutines and open files as before.
func TestStorm(t *testing.T) { // not parallel: it counts
	e, err := emulator()
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(t, e.ConnectionString, t.Output())
	storm := func(n int) {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				invoke(t, a, "ingest", "events", [][]byte{fmt.Appendf(nil, `{"device":"d","sensor":"s%d","ts":%d,"value":1}`, i, i), []byte("bad")})
				invoke(t, a, "score", "message", "no message")
				invoke(t, a, "schedule", "tick", map[string]any{})
				if status, _ := request(t, a, http.MethodGet, "/api/runs/20180828T230000Z-20180829T000000Z", nil); status != http.StatusNotFound {
					t.Errorf("a run that nobody asked for: %d", status)
				}
			})
		}
		wg.Wait()
	}
	storm(1)
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	storm(200)
	// Idle connections to the emulator are given up after four seconds.
	for end := time.Now().Add(5 * time.Minute); runtime.NumGoroutine() > goroutines+20 || openFiles(t) > files+20; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("five minutes after the storm: %d goroutines and %d open files, want %d and %d as before it, or up to 20 more", runtime.NumGoroutine(), openFiles(t), goroutines, files)
		}
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		needs.Missing(t, "no way to count open files: there is no /proc")
	}
	return len(files)
}

// TestTenThousandModels keeps 10,000 models of the reference's size in less
// than 60 MB.
func TestTenThousandModels(t *testing.T) { // not parallel: it measures
	content, err := os.ReadFile("../model/testdata/reference/models/model_1_1")
	if err != nil {
		t.Fatal(err)
	}
	grown := tenThousandModels(t, content)
	t.Logf("10,000 models of %d bytes of pickle: %d bytes", len(content), grown)
	if grown > 60<<20 {
		t.Errorf("10,000 models take %d bytes, want at most %d", grown, 60<<20)
	}
}

// tenThousandModels loads as many models and returns the bytes they take.
func tenThousandModels(t testing.TB, content []byte) int64 {
	cache := model.NewCache(same{content: content}, loader(true), sklearn.MaxFile, 1<<30)
	before := heap()
	for i := range 10_000 {
		if _, err := cache.Model(t.Context(), fleet.Model{Name: fmt.Sprintf("d/%d.pkl", i), ETag: "1", Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
	}
	grown := heap() - before
	runtime.KeepAlive(cache)
	return grown
}

// BenchmarkTenThousandModels loads 10,000 models and reports what they hold, in
// all and over their pickles, and the CPU time of loading one.
func BenchmarkTenThousandModels(b *testing.B) {
	content := simulate.Kinds[0].Model()
	var grown int64
	costs := measure.Turns(b, func() { grown = tenThousandModels(b, content) })
	b.ReportMetric(float64(grown)/1e6, "MB")
	b.ReportMetric(float64(grown)/10_000/float64(len(content)), "x-pickle")
	measure.Report(b, "cpu-µs/load", func(of func(measure.Costs) time.Duration) float64 { return of(costs[0]).Seconds() * 1e6 / 10_000 })
}

// same are blobs that all have the same content.
type same struct {
	blob.Store // what is not called here
	content    []byte
}

func (s same) Read(_ context.Context, _, name, _ string, _ int64) ([]byte, blob.Info, error) {
	return s.content, blob.Info{Name: name, ETag: "1", Size: int64(len(s.content))}, nil
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
