package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkStartToReady takes the time from the start of the binary to its
// first answer, and of a program that is nothing but a net/http server. The host
// asks every 25 ms.
func BenchmarkStartToReady(b *testing.B) {
	if _, err := binary(); err != nil {
		b.Fatal(err)
	}
	bare := filepath.Join(b.TempDir(), "bare")
	if out, err := exec.Command("go", "build", "-o", bare, "testdata/bare/main.go").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	var ours, theirs []time.Duration
	for b.Loop() {
		ours = append(ours, ready(b, func(port string) *exec.Cmd { return start(b, port) }))
		theirs = append(theirs, ready(b, func(port string) *exec.Cmd {
			cmd := exec.Command(bare)
			cmd.Env = []string{"FUNCTIONS_CUSTOMHANDLER_PORT=" + port}
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			return cmd
		}))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(ours[0].Seconds()*1000, "ms")
	b.ReportMetric(ours[len(ours)/2].Seconds()*1000, "median-ms")
	b.ReportMetric(ours[0].Seconds()/theirs[0].Seconds(), "x-bare")
	b.ReportMetric(0, "ns/op")
}

// ready starts a program, awaits its first answer, and ends it.
func ready(b *testing.B, start func(port string) *exec.Cmd) time.Duration {
	port := freePort(b)
	begin := time.Now()
	cmd := start(port)
	awaitReady(b, port)
	took := time.Since(begin)
	cmd.Process.Kill()
	cmd.Wait()
	return took
}
