package infra

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// fleet is what a run's time follows from in the table of docs/scale.md.
type fleet struct {
	cores, most int           // of an instance, and instances
	job         time.Duration // CPU of a job, the host's share included
	messages    float64       // a second, for each job's share of one
}

const (
	hostCPU    = 3 * time.Millisecond    // of a message, measured on the real host
	handlerCPU = 1700 * time.Microsecond // of a job: BenchmarkFleet, 564 to 627 jobs a core and second
	queueRate  = 2000.0                  // messages a second that the queue gives out, documented
	sendRate   = 1000.0                  // messages a second that the tick sends: 1,000 to 1,600, measured
	step       = 4                       // instances that come at a time, documented
	between    = 30 * time.Second        // and how far apart at least, documented for triggers that are not HTTP
	grouped    = hostCPU/50 + handlerCPU // 50 sensors a message
	alone      = hostCPU + handlerCPU    // one

	// lookingBack is what a device model adds that looks back 24 hours: BenchmarkLookback.
	lookingBack = 19 * time.Millisecond
)

// run returns how long the jobs take: one instance at first, and more as the
// platform lets them come; no faster than messages are sent and given out.
func (f fleet) run(jobs int) time.Duration {
	work := time.Duration(jobs) * f.job
	took := time.Duration(0)
	for instances := 1; ; instances = min(instances+step, f.most) {
		cores := time.Duration(instances * f.cores)
		if instances == f.most || work <= between*cores {
			took += work / cores
			break
		}
		work -= between * cores
		took += between
	}
	return max(took, time.Duration(float64(jobs)/f.messages*float64(time.Second)))
}

// TestScaleTable checks that the table in docs/scale.md follows from the figures that it is
// said to follow from.
func TestScaleTable(t *testing.T) {
	page := read(t, "docs/scale.md")
	messages := min(queueRate, sendRate)
	for _, c := range []struct {
		more time.Duration // CPU of a job
		jobs []int
	}{{0, []int{1000, 10_000, 100_000, 1_000_000}}, {lookingBack, []int{2000, 20_000}}} {
		for _, jobs := range c.jobs {
			row := "| " + thousands(jobs)
			for _, f := range []fleet{{1, 1, alone, messages}, {1, 10, alone, messages}, {4, 20, alone, messages}, {4, 20, grouped, 50 * messages}} {
				f.job += c.more
				row += " | " + rounded(f.run(jobs))
			}
			if !strings.Contains(page, "\n"+row+" |\n") {
				t.Errorf("docs/scale.md lacks the row %s |", row)
			}
		}
	}
}

func thousands(n int) string {
	if n >= 1_000_000 {
		return fmt.Sprintf("%d,%03d,%03d", n/1_000_000, n/1000%1000, n%1000)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

func rounded(d time.Duration) string {
	switch {
	case d < 100*time.Second:
		return fmt.Sprintf("%.0f s", max(d.Seconds(), 1))
	case d < 100*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
