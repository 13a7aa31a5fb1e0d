package runs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/store"
)

// found is an outcome with anomalies at these minutes after a time, of whose scores
// every third is missing; more are counted.
func found(from time.Time, more int, minutes ...int) fleet.Outcome {
	o := fine(60, len(minutes)+more)
	var text []byte
	for i, m := range minutes {
		a := fleet.Anomaly{Time: fleet.MillisOf(from.Add(time.Duration(m) * time.Minute)), Score: float64(-m)}
		if i%3 == 2 {
			text = append(a.Append(text)[:len(text):len(text)], fmt.Sprintf(",[%d,null]", a.Time)...)
			continue
		}
		text = a.Append(text)
	}
	if len(text) > 0 {
		o.Anomalous = fleet.AnomalousRows(text) + "]"
	}
	return o
}

// withAnomalies is an API over three hours: what is found in the second stands in a
// scheduled run, and in a requested one over the same time too.
func withAnomalies(t *testing.T) (*runs.API, *store.DB) {
	t.Helper()
	api, db, _ := newAPI(t) // devices 1, with two sensors, and 2
	hour := func(i int) time.Time { return now.Add(time.Duration(i) * time.Hour) }
	scored(t, db, -3, map[string]fleet.Outcome{"1": found(hour(-3), 0, 1, 2, 3), "2": found(hour(-3), 5, 30)})
	if err := db.InitWatermark(t.Context(), hour(-2)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.OpenScheduled(t.Context(), fleet.Window{From: hour(-2), To: hour(-1)}, fleet.Settings{}, now, 24); err != nil {
		t.Fatal(err)
	}
	scored(t, db, -2, map[string]fleet.Outcome{"1": found(hour(-2), 0), "2": found(hour(-2), 0, 10, 50)})
	half, _, err := db.OpenRequested(t.Context(), fleet.Window{From: hour(-2), To: hour(-1).Add(-30 * time.Minute)}, nil, fleet.Settings{}, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.CloseJob(t.Context(), half.ID, fleet.JobKey{ID: fleet.ID{Device: "2", Sensor: "1"}}, found(hour(-2), 0, 10), now); err != nil {
		t.Fatal(err)
	}
	scored(t, db, -1, map[string]fleet.Outcome{"1": {Result: fleet.Failed, Error: "no"}, "2": found(hour(-1), 0, 59)})
	return api, db
}

// pages returns the rows of all pages, and how many were not kept.
func pages(t *testing.T, api *runs.API, req runs.AnomaliesRequest) (rows []string, notKept int) {
	t.Helper()
	for range 1000 {
		list, err := api.ListAnomalies(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list.Anomalies {
			score := "-"
			if a.Score != nil {
				score = fmt.Sprint(*a.Score)
			}
			rows = append(rows, fmt.Sprint(a.At.Format("15:04 "), a.ID, " ", score))
		}
		notKept += list.NotKept
		if req.After = list.Next; req.After == "" {
			return rows, notKept
		}
	}
	t.Fatal("the pages do not come to an end")
	return nil, 0
}

func TestAnomalies(t *testing.T) {
	t.Parallel()
	api, _ := withAnomalies(t)
	all := []string{"11:59 2/1 -59", "10:10 2/1 -10", "10:50 2/1 -50", "09:01 1/1 -1", "09:02 1/1 -2", "09:03 1/1 -", "09:01 1/2 -1", "09:02 1/2 -2", "09:03 1/2 -", "09:30 2/1 -30"}
	only := func(pattern string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(row string) bool { return !strings.Contains(row, pattern) })
	}
	day := runs.AnomaliesRequest{From: now.Add(-24 * time.Hour), To: now}
	for _, c := range []struct {
		sensors string
		want    []string
	}{{"", all}, {"*", all}, {"1", only(" 1/")}, {"1/2", only(" 1/2 ")}, {"?/1", only("/1 ")}, {"2/*", only(" 2/")}, {"2/2", nil}, {"nobody", nil}} {
		for _, limit := range []int{0, 1, 2, 3, 10} {
			req := day
			req.Sensors, req.Limit = c.sensors, limit
			got, notKept := pages(t, api, req)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q by %d: %v, want %v", c.sensors, limit, got, c.want)
			}
			if want := 5 * min(1, strings.Count(strings.Join(c.want, ""), "09:30")); notKept != want {
				t.Errorf("%q by %d: %d not kept, want %d", c.sensors, limit, notKept, want)
			}
		}
	}
	req := runs.AnomaliesRequest{From: now.Add(-3*time.Hour + 2*time.Minute), To: now.Add(-70 * time.Minute), Limit: 2}
	if got, _ := pages(t, api, req); !slices.Equal(got, []string{"10:10 2/1 -10", "09:02 1/1 -2", "09:03 1/1 -", "09:02 1/2 -2", "09:03 1/2 -", "09:30 2/1 -30"}) {
		t.Errorf("of a part of the time: %v", got)
	}
	for what, req := range map[string]runs.AnomaliesRequest{
		"limit": {Limit: 1001}, "pattern": {Sensors: strings.Repeat("*", 5000)}, "after": {After: "x"}, "after a run": {After: "20260301T090000Z-20260301T100000Z x 1/1"},
		"after nobody": {After: "20260301T090000Z-20260301T100000Z 1 x"}, "backwards": {From: now, To: now.Add(-time.Hour)},
	} {
		if _, err := api.ListAnomalies(t.Context(), req); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestTopAnomalies(t *testing.T) {
	t.Parallel()
	api, _ := withAnomalies(t)
	one, two, other := fleet.ID{Device: "1", Sensor: "1"}, fleet.ID{Device: "1", Sensor: "2"}, fleet.ID{Device: "2", Sensor: "1"}
	day := runs.TopRequest{From: now.Add(-24 * time.Hour), To: now}
	ranked := []runs.Ranked{{other, 3, 180, 9, 0.05}, {one, 2, 120, 3, 0.025}, {two, 2, 120, 3, 0.025}}
	for _, c := range []struct {
		sensors, sort string
		limit         int
		want          []runs.Ranked
		total         int
	}{{"", "", 0, ranked, 3}, {"", "share", 2, ranked[:2], 3}, {"1/*", "", 1, ranked[1:2], 2}, {"3", "", 0, nil, 0}} {
		req := day
		req.Sensors, req.Sort, req.Limit = c.sensors, c.sort, c.limit
		top, err := api.TopAnomalies(t.Context(), req)
		if err != nil || !slices.Equal(top.Sensors, c.want) || top.Total != c.total {
			t.Errorf("%+v: %+v, %v", req, top, err)
		}
	}
	for _, req := range []runs.TopRequest{{Sort: "worst"}, {Limit: -1}, {Sensors: strings.Repeat("*", 5000)}, {From: now, To: now}} {
		if _, err := api.TopAnomalies(t.Context(), req); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}

// TestDeviceAnomalies checks that the anomalies of a device are counted by pieces of time,
// each with its lowest and highest score.
func TestDeviceAnomalies(t *testing.T) {
	t.Parallel()
	api, _ := withAnomalies(t)
	d, err := api.Device(t.Context(), runs.DeviceRequest{Device: "1", From: now.Add(-400 * time.Hour), To: now}) // pieces of an hour
	if err != nil || len(d.Anomalies) != 2 || d.NotKept != 0 || d.Left {
		t.Fatalf("%+v, %v", d.Anomalies, err)
	}
	for i, p := range d.Anomalies {
		if p.Sensor != []string{"1", "2"}[i] || !p.At.Equal(now.Add(-3*time.Hour)) || p.Anomalies != 3 || *p.MinScore != -2 || *p.MaxScore != -1 {
			t.Errorf("%+v", p)
		}
	}
	if d, err = api.Device(t.Context(), runs.DeviceRequest{Device: "2", From: now.Add(-3 * time.Hour), To: now}); err != nil || len(d.Anomalies) != 4 || d.NotKept != 5 || d.Left {
		t.Errorf("%+v, %v", d.Anomalies, err)
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	api, db, _ := newAPI(t)
	if _, err := db.SetEnabled(t.Context(), func(id fleet.ID) bool { return id.Name() == "2" }, false); err != nil {
		t.Fatal(err)
	}
	epoch := fleet.Millis(0).Time()
	want := []runs.DeviceSubjects{{Device: "1", Sensors: 2, Disabled: 1, Last: epoch}, {Device: "2", Sensors: 1, Last: epoch}}
	first, err := api.Devices(t.Context(), runs.DevicesRequest{Limit: 1})
	if err != nil || !slices.Equal(first.Devices, want[:1]) || first.Next != "1" {
		t.Errorf("%+v, %v", first, err)
	}
	rest, err := api.Devices(t.Context(), runs.DevicesRequest{After: first.Next})
	if err != nil || !slices.Equal(rest.Devices, want[1:]) || rest.Next != "" {
		t.Errorf("%+v, %v", rest, err)
	}
	for _, req := range []runs.DevicesRequest{{Limit: 1001}, {After: "a\x00"}} {
		if _, err := api.Devices(t.Context(), req); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", req, err)
		}
	}
}
