//go:build unix

// Package bench compares the CPU time of two things, for benchmarks: round by
// round, one after the other, so that what slows a shared machine slows both.
package bench

import (
	"slices"
	"syscall"
	"testing"
	"time"
)

// CPU returns the CPU time that the process has taken, which other processes
// disturb less than the time on the clock.
func CPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// PerCall returns the CPU nanoseconds of a call of f, called until they come
// to at least so many in all.
func PerCall(b *testing.B, least time.Duration, f func()) float64 {
	b.Helper()
	calls, start := 0, CPU(b)
	for batch := 1; ; batch *= 2 {
		for range batch {
			f()
		}
		calls += batch
		if spent := CPU(b) - start; spent >= least {
			return float64(spent) / float64(calls)
		}
	}
}

// Report reports the least and the median of what the rounds gave.
func Report(b *testing.B, rounds []float64, unit string) {
	slices.Sort(rounds)
	b.ReportMetric(rounds[0], unit+"-min")
	b.ReportMetric(rounds[len(rounds)/2], unit+"-median")
}
