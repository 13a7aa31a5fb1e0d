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

// ledgerOfSums counts how often it is asked.
type ledgerOfSums struct {
	stored         map[string]fleet.PackedSums
	asked, counted int
	most           int // runs at once
}

func (l *ledgerOfSums) RunSums(_ context.Context, runs []string) (map[string]fleet.PackedSums, error) {
	l.asked++
	l.most = max(l.most, len(runs))
	found := map[string]fleet.PackedSums{}
	for _, id := range runs {
		if sums, ok := l.stored[id]; ok {
			found[id] = sums
		}
	}
	return found, nil
}

func (l *ledgerOfSums) DeviceSums(context.Context, string) ([]fleet.DeviceSum, error) {
	l.counted++
	return []fleet.DeviceSum{{Device: "counted"}}, nil
}

// TestEachSum checks that the sums of ended runs are read as they were stored, many by one
// query. The jobs of open runs are counted. The order is that of the runs.
func TestEachSum(t *testing.T) {
	t.Parallel()
	l := &ledgerOfSums{stored: map[string]fleet.PackedSums{}}
	var runs []fleet.Run
	var want []string
	for i := range 70 {
		r := fleet.Run{ID: fmt.Sprint(i), State: fleet.RunSucceeded}
		l.stored[r.ID] = fleet.PackSums([]fleet.DeviceSum{{Device: "d" + r.ID}})
		device := "d" + r.ID
		if i == 3 { // it was ended before, and has a sum of then
			r.State, device = fleet.RunRunning, "counted"
		}
		runs, want = append(runs, r), append(want, r.ID+" "+device)
	}
	var got []string
	err := eachSum(t.Context(), l, runs, func(r fleet.Run, sums fleet.PackedSums) error {
		return sums.Each(func(device []byte, _ fleet.DeviceSum) { got = append(got, r.ID+" "+string(device)) })
	})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if l.asked != 3 || l.most != sumsAtOnce || l.counted != 1 {
		t.Errorf("asked %d times for up to %d runs, and counted %d", l.asked, l.most, l.counted)
	}
}

// TestArrange checks that the worst lanes come first, by the share of anomalies and then by
// what failed. A page beyond the last is empty.
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
