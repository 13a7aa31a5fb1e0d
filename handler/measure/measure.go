// Package measure measures the cost of pieces of code, for benchmarks and for tests of
// outside input. It measures CPU time, which depends less on other processes than elapsed
// time. Pieces of code that are compared run in turn, so that a disturbance affects all of
// them.
package measure

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// Bounded calls f, which reads outside input in a test. It reports an error if f takes
// more than a second of CPU time, or allocates more than this number of bytes. Both are
// of the whole process, so no other test may run at the same time.
func Bounded(t testing.TB, bytes int, f func()) {
	t.Helper()
	bounded(t, time.Second, bytes, f)
}

func bounded(t testing.TB, limit time.Duration, bytes int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := CPU()
	f()
	if took := CPU() - begin; took > limit {
		t.Errorf("it took %v of CPU time, want at most %v", took, limit)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > uint64(bytes) {
		t.Errorf("%d bytes were allocated, want at most %d", allocated, bytes)
	}
}

// Costs are the CPU times of a piece of code, one for each round.
type Costs []time.Duration

// Turns calls each of fs once a round, as long as the benchmark lasts. It returns the costs of each.
func Turns(b *testing.B, fs ...func()) []Costs {
	all := make([]Costs, len(fs))
	for b.Loop() {
		for i, f := range fs {
			begin := CPU()
			f()
			all[i] = append(all[i], CPU()-begin)
		}
	}
	return all
}

// PerCall returns the CPU time of a call of f in nanoseconds. It calls f until the calls have taken
// least.
func PerCall(least time.Duration, f func()) float64 {
	calls, begin := 0, CPU()
	for batch := 1; ; batch *= 2 {
		for range batch {
			f()
		}
		calls += batch
		if spent := CPU() - begin; spent >= least {
			return float64(spent) / float64(calls)
		}
	}
}

// Min returns the least cost, that of the round with the least disturbance.
func (c Costs) Min() time.Duration { return slices.Min(c) }

// Median returns the median cost.
func (c Costs) Median() time.Duration { return slices.Sorted(slices.Values(c))[len(c)/2] }

// Report reports a metric computed from the least costs, with the unit, and from the median costs,
// with the unit median-unit. They replace the elapsed time.
func Report(b *testing.B, unit string, metric func(of func(Costs) time.Duration) float64) {
	b.ReportMetric(metric(Costs.Min), unit)
	b.ReportMetric(metric(Costs.Median), "median-"+unit)
	b.ReportMetric(0, "ns/op")
}

// ReportRounds reports the least and the median of the rounds' values, with the units unit-min and
// unit-median.
func ReportRounds(b *testing.B, unit string, rounds []float64) {
	sorted := slices.Sorted(slices.Values(rounds))
	b.ReportMetric(sorted[0], unit+"-min")
	b.ReportMetric(sorted[len(sorted)/2], unit+"-median")
}
