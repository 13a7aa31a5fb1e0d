package simulate

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

var hour = fleet.Window{
	From: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC),
	To:   time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
}

// TestFleetIsAFunctionOfItsSeed checks that a seed gives the same fleet on every machine
// and in every version. Published figures and goldens rely on it.
func TestFleetIsAFunctionOfItsSeed(t *testing.T) {
	t.Parallel()
	sum := func(f Fleet, windows ...fleet.Window) string {
		h := sha256.New()
		for _, w := range windows {
			for s := range f.Samples(w) {
				fmt.Fprintln(h, s.ID, s.Time, s.Value, s.Anomaly)
			}
		}
		return fmt.Sprintf("%x", h.Sum(nil)[:8])
	}
	pumps := Fleet{Seed: 1, Devices: 3, Every: 10 * time.Second}
	whole := sum(pumps, hour)
	if want := "5d9517d05d1ca6dc"; whole != want {
		t.Errorf("the readings of seed 1 changed: got %s, want %s", whole, want)
	}
	middle := hour.From.Add(1234 * time.Second)
	if halves := sum(pumps, fleet.Window{From: hour.From, To: middle}, fleet.Window{From: middle, To: hour.To}); halves != whole {
		t.Error("two adjacent windows do not give the readings of the whole window")
	}
	if other := sum(Fleet{Seed: 2, Devices: 3, Every: 10 * time.Second}, hour); other == whole {
		t.Error("another seed gives the same readings")
	}
}

// TestSamples checks the order, number and times of readings, and that anomalies occur
// unless the fleet is healthy.
func TestSamples(t *testing.T) {
	t.Parallel()
	pumps := Fleet{Seed: 1, Devices: 3, Every: 10 * time.Second}
	sensors := pumps.Sensors()
	if len(sensors) != 12 || !slices.IsSortedFunc(sensors, func(a, b Sensor) int { return fleet.CompareID(a.ID, b.ID) }) {
		t.Fatalf("Sensors() = %d sensors, or not in order; want 12", len(sensors))
	}
	readings, anomalies := make(map[fleet.ID]int), make(map[fleet.ID]int)
	last := fleet.MinMillis
	for s := range pumps.Samples(hour) {
		if err := s.Validate(); err != nil || !hour.Contains(s.Time) || s.Time < last {
			t.Fatalf("sample %+v: %v, or outside the window, or before %v", s, err, last)
		}
		last = s.Time
		readings[s.ID]++
		if s.Anomaly {
			anomalies[s.ID]++
		}
	}
	for _, s := range sensors {
		if readings[s.ID] != 360 {
			t.Errorf("%v has %d readings in an hour, want 360", s.ID, readings[s.ID])
		}
	}
	if len(anomalies) < 10 {
		t.Errorf("%d sensors of 12 have an anomaly within the hour; want most", len(anomalies))
	}
	pumps.Healthy = true
	for s := range pumps.Samples(hour) {
		if s.Anomaly {
			t.Fatalf("a healthy fleet has an anomaly: %+v", s)
		}
	}
}

// TestSamplesBeforeTheEpoch checks that the times before 1970 go forward, too.
func TestSamplesBeforeTheEpoch(t *testing.T) {
	t.Parallel()
	w := fleet.Window{From: time.Unix(-65, 0), To: time.Unix(-4, 0)}
	var got []fleet.Millis
	for s := range (Fleet{Devices: 1, Every: 20 * time.Second}).Samples(w) {
		if s.ID.Sensor == Kinds[0].Name {
			got = append(got, s.Time)
		}
	}
	if want := []fleet.Millis{-60000, -40000, -20000}; !slices.Equal(got, want) {
		t.Errorf("times %v, want %v", got, want)
	}
}

// TestFloorDiv checks division that rounds down.
func TestFloorDiv(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]int64{{7, 2, 3}, {6, 2, 3}, {0, 2, 0}, {-1, 2, -1}, {-2, 2, -1}, {-6, 2, -3}, {-7, 2, -4}} {
		if got := floorDiv(c[0], c[1]); got != c[2] {
			t.Errorf("floorDiv(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

func BenchmarkSamples(b *testing.B) {
	pumps := Fleet{Seed: 1, Devices: 25, Every: 10 * time.Second}
	n := 0
	for b.Loop() {
		for range pumps.Samples(fleet.Window{From: hour.From, To: hour.From.Add(10 * time.Second)}) {
			n++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/reading")
}
