package runs

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// over is a run over a window that begins and ends so many minutes after noon.
func over(kind fleet.RunKind, from, to int) fleet.Run {
	w := fleet.Window{From: noon.Add(time.Duration(from) * time.Minute), To: noon.Add(time.Duration(to) * time.Minute)}
	return fleet.Run{ID: w.RunID(), Window: w, Kind: kind}
}

// TestWithoutDoubles: a requested run counts where no scheduled one covers any of
// its window. Windows that only touch do not cover each other.
func TestWithoutDoubles(t *testing.T) {
	t.Parallel()
	scheduled := []fleet.Run{over(fleet.Scheduled, 60, 120), over(fleet.Scheduled, 0, 60)}
	for _, c := range []struct {
		from, to int
		stays    bool
	}{{-60, 0, true}, {-30, -10, true}, {-60, 1, false}, {0, 60, false}, {10, 20, false}, {30, 90, false}, {-60, 300, false}, {119, 130, false}, {120, 130, true}, {200, 300, true}} {
		requested := over(fleet.Requested, c.from, c.to)
		for at := range 3 {
			left := withoutDoubles(slices.Insert(slices.Clone(scheduled), at, requested))
			if stays := slices.ContainsFunc(left, func(r fleet.Run) bool { return r.Kind == fleet.Requested }); stays != c.stays || len(left) < 2 {
				t.Errorf("from %d to %d, place %d: left %d, stays: %v", c.from, c.to, at, len(left), stays)
			}
		}
	}
	if left := withoutDoubles([]fleet.Run{over(fleet.Requested, 0, 60)}); len(left) != 1 {
		t.Error("a requested run is dropped where none is scheduled")
	}
}

func TestColumnWidth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		span  string
		width []time.Duration // of windows
		want  time.Duration
	}{
		{"hour", nil, time.Hour},
		{"hour", []time.Duration{time.Minute}, time.Minute},
		{"hour", []time.Duration{10 * time.Second}, 40 * time.Second},
		{"day", nil, 24 * time.Hour},
		{"day", []time.Duration{time.Hour, 2 * time.Hour}, time.Hour},
		{"day", []time.Duration{5 * time.Minute}, 15 * time.Minute},
		{"day", []time.Duration{15 * time.Minute}, 15 * time.Minute},
		{"day", []time.Duration{time.Hour, 7 * time.Minute}, 21 * time.Minute},
		{"week", []time.Duration{time.Hour}, 3 * time.Hour},
		{"month", []time.Duration{24 * time.Hour}, 24 * time.Hour},
		{"month", nil, 31 * 24 * time.Hour},
		{"month", []time.Duration{5 * time.Hour}, 24 * time.Hour},
		{"month", []time.Duration{7 * 24 * time.Hour}, 7 * 24 * time.Hour},
		{"year", []time.Duration{time.Hour}, 7 * 24 * time.Hour},
		{"year", []time.Duration{2 * 24 * time.Hour}, 8 * 24 * time.Hour},
		{"year", []time.Duration{14 * 24 * time.Hour}, 14 * 24 * time.Hour},
	} {
		var runs []fleet.Run
		for _, w := range c.width {
			runs = append(runs, fleet.Run{Window: fleet.Window{From: noon, To: noon.Add(w)}})
		}
		if got := columnWidth(spans[c.span], shortest(runs)); got != c.want {
			t.Errorf("%s of windows of %v: %v, want %v", c.span, c.width, got, c.want)
		}
	}
}

// counted counts how often sums are asked for.
type counted struct {
	Overview
	asked, devices int
}

func (c *counted) DeviceSums(context.Context, string) ([]fleet.DeviceSum, error) {
	c.asked++
	return make([]fleet.DeviceSum, c.devices), nil
}

// TestSums: the sums of a run are remembered from its end to its next epoch, and
// of no more devices than memory is meant for.
func TestSums(t *testing.T) {
	t.Parallel()
	var s sums
	from := &counted{devices: 3}
	asks := func(what string, run fleet.Run, want int) {
		t.Helper()
		from.asked = 0
		if _, err := s.of(t.Context(), from, run); err != nil || from.asked != want {
			t.Errorf("%s: asked %d times, want %d: %v", what, from.asked, want, err)
		}
	}
	run := fleet.Run{ID: "a", State: fleet.RunRunning}
	asks("an open run", run, 1)
	asks("an open run, again", run, 1)
	run.State = fleet.RunSucceeded
	asks("after its end", run, 1)
	asks("after its end, again", run, 0)
	run.Epoch, run.State = 1, fleet.RunRunning
	asks("opened again", run, 1)
	run.State = fleet.RunDegraded
	asks("ended again", run, 1)
	asks("ended again, again", run, 0)
	asks("another", fleet.Run{ID: "b", State: fleet.RunSucceeded}, 1)
	s.held = maxHeld - 2
	asks("one too many", fleet.Run{ID: "c", State: fleet.RunSucceeded}, 1)
	if len(s.known) != 1 || s.held != 3 {
		t.Errorf("%d runs with %d devices are remembered", len(s.known), s.held)
	}
}

// TestArrange: the worst come first, by the share of anomalies, then by what failed;
// a page beyond the last is empty.
func TestArrange(t *testing.T) {
	t.Parallel()
	lanes := map[string]*Lane{
		"a": {Name: "a", Devices: 1, Sum: Cell{Rows: 10}},
		"b": {Name: "b", Devices: 1, Sum: Cell{Rows: 10, Failed: 1}},
		"c": {Name: "c", Devices: 1, Sum: Cell{Rows: 10, Anomalies: 1}},
		"d": {Name: "d", Devices: 1, Sum: Cell{Rows: 1000, Anomalies: 50}},
		"e": {Name: "e", Devices: 1, Sum: Cell{Rows: 10}},
	}
	for sort, want := range map[string]string{"worst": "[c d b a e]", "name": "[a b c d e]"} {
		l := Lanes{Sort: sort}
		l.arrange(lanes)
		var got []string
		for _, lane := range l.Lanes {
			got = append(got, lane.Name)
		}
		if fmt.Sprint(got) != want || l.Pages != 1 || l.Total != 5 || l.Group != "device" {
			t.Errorf("%s: %v of %d in %d pages, want %s", sort, got, l.Total, l.Pages, want)
		}
	}
	beyond := Lanes{Page: 7}
	if beyond.arrange(lanes); len(beyond.Lanes) != 0 || beyond.Pages != 1 {
		t.Errorf("page 7: %+v", beyond)
	}
	many := map[string]*Lane{}
	for i := range lanesPage {
		name := fmt.Sprint("pump-", i)
		many[name] = &Lane{Name: name, Devices: 1}
	}
	full := Lanes{}
	if full.arrange(many); full.Group != "device" || full.Pages != 1 || len(full.Lanes) != lanesPage {
		t.Errorf("%d devices: %d lanes of %s in %d pages", len(many), len(full.Lanes), full.Group, full.Pages)
	}
	many["pump-100"] = &Lane{Name: "pump-100", Devices: 1}
	sites := Lanes{}
	if sites.arrange(many); sites.Group != "site" || len(sites.Lanes) != 1 || sites.Lanes[0].Devices != 101 || sites.Devices != 101 {
		t.Errorf("%d devices: %d lanes of %s", len(many), len(sites.Lanes), sites.Group)
	}
}
