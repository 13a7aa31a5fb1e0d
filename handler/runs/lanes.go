package runs

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Overview is what the ledger sums for people.
type Overview interface {
	RunsWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error)
	DeviceSums(ctx context.Context, run string) ([]fleet.DeviceSum, error)
	DeviceJobs(ctx context.Context, device string, w fleet.Window, limit int) ([]fleet.Job, error)
	JobsTop(ctx context.Context, run string, state fleet.JobState, by fleet.JobOrder, limit int) ([]fleet.Job, error)
	// Work returns the jobs of a run that ids have, each with the model that serves it now.
	Work(ctx context.Context, run string, ids []fleet.ID) ([]fleet.Work, error)
	Attempts(ctx context.Context, run string, key fleet.JobKey) ([]fleet.Attempt, error)
	// Devices returns devices after the given one with what is registered of each.
	Devices(ctx context.Context, after string, limit int) ([]fleet.DeviceSubjects, error)
	// Days returns the sums of the days in w, the oldest first.
	Days(ctx context.Context, w fleet.Window) ([]fleet.DaySum, error)
	// StaleDays returns the days in w, the newest first, whose sums are not of the
	// runs that there are now.
	StaleDays(ctx context.Context, w fleet.Window) ([]fleet.DaySum, error)
	// Watermark returns up to where scheduled windows have been opened; ok is false before the first.
	Watermark(ctx context.Context) (upto time.Time, ok bool, err error)
	Anomalies
}

// LanesRequest asks for the state of the fleet over a span of time.
type LanesRequest struct {
	Range  string    `query:"range" json:"-"`  // hour, day, week, month or year; if empty, day, or hour if all runs of the day are in it
	To     time.Time `query:"to" json:"-"`     // the end of the span; the last window's if zero
	Prefix string    `query:"prefix" json:"-"` // only devices whose names begin so
	Group  string    `query:"group" json:"-"`  // site or device; what is readable if empty
	Sort   string    `query:"sort" json:"-"`   // worst or name; worst if empty
	Page   int       `query:"page" json:"-"`   // from 0
}

// Lanes is the state of the fleet: a lane for each device, or group of devices, a
// column for each part of the span.
type Lanes struct {
	From    time.Time   `json:"from"`
	To      time.Time   `json:"to"`
	Range   string      `json:"range"`
	Group   string      `json:"group"`
	Sort    string      `json:"sort"`
	Prefix  string      `json:"prefix,omitempty"`
	Columns []time.Time `json:"columns"` // where each begins
	Lanes   []Lane      `json:"lanes"`   // a page of them
	Sum     Cell        `json:"sum"`     // over all lanes, not only this page's
	Total   int         `json:"total"`   // lanes
	Devices int         `json:"devices"`
	Page    int         `json:"page"`
	Pages   int         `json:"pages"`
	Left    bool        `json:"left,omitempty"` // there are more runs in the span than were summed
	// Behind is the number of days, in a month or year, whose runs have changed since
	// the tick summed them.
	Behind int `json:"behind,omitempty"`
}

// Lane is a device, or the devices whose names begin with Name.
type Lane struct {
	Name    string `json:"name"`
	Devices int    `json:"devices"`
	Sum     Cell   `json:"sum"`
	Cells   []Cell `json:"cells"` // one a column
}

// Cell sums the jobs of a lane in a column.
type Cell struct {
	Jobs      int `json:"jobs"`
	Queued    int `json:"queued"`
	Scored    int `json:"scored"`
	Failed    int `json:"failed"` // bad_model, bad_data or failed
	Rows      int `json:"rows"`
	Anomalies int `json:"anomalies"`
}

// Share returns the share of rows that are anomalies, 0 without rows.
func (c Cell) Share() float64 { return float64(c.Anomalies) / float64(max(c.Rows, 1)) }

func (c *Cell) add(d Cell) {
	c.Jobs += d.Jobs
	c.Queued += d.Queued
	c.Scored += d.Scored
	c.Failed += d.Failed
	c.Rows += d.Rows
	c.Anomalies += d.Anomalies
}

const (
	lanesPage = 100
	summers   = 4 // runs that are summed at a time
	maxPage   = 1 << 20
	maxRuns   = 1500 // of a span: a week of windows of seven minutes
)

// mostColumns is how many columns a lane has at most.
const mostColumns = 96

func (req *LanesRequest) check() error {
	req.Sort = cmp.Or(req.Sort, "worst")
	if _, ok := spans[cmp.Or(req.Range, "day")]; !ok {
		return fmt.Errorf("%w: range %.40q: it is hour, day, week, month or year", fleet.ErrInvalid, req.Range)
	}
	if req.Sort != "worst" && req.Sort != "name" {
		return fmt.Errorf("%w: sort %.40q: it is worst or name", fleet.ErrInvalid, req.Sort)
	}
	if req.Group != "" && req.Group != "site" && req.Group != "device" {
		return fmt.Errorf("%w: group %.40q: it is site or device", fleet.ErrInvalid, req.Group)
	}
	if req.Page < 0 || req.Page > maxPage {
		return fmt.Errorf("%w: page %d lies outside 0 to %d", fleet.ErrInvalid, req.Page, maxPage)
	}
	return nil
}

// Lanes returns the state of the fleet. A scheduled run counts in the column in
// which its window begins; a requested one does where no scheduled one covers any
// of its window. A month and a year are whole days of runs that have ended, as the
// tick summed them.
func (a *API) Lanes(ctx context.Context, req LanesRequest) (Lanes, error) {
	if err := req.check(); err != nil {
		return Lanes{}, err
	}
	to, err := a.end(ctx, req.To)
	if err != nil {
		return Lanes{}, err
	}
	if req.Range == "" {
		if req.Range, err = a.usual(ctx, to); err != nil {
			return Lanes{}, err
		}
	}
	span := spans[req.Range]
	if span.days() {
		if end := to.Truncate(fleet.Day); end.Before(to) {
			to = end.Add(fleet.Day)
		}
	}
	w, err := fleet.NewWindow(to.Add(-span.length), to)
	if err != nil {
		return Lanes{}, err
	}
	l := &Lanes{From: w.From, To: w.To, Range: req.Range, Group: req.Group, Sort: req.Sort, Prefix: req.Prefix, Page: req.Page}
	sum := a.sumRuns
	if span.days() {
		sum = a.sumDays
	}
	devices, err := sum(ctx, l, w, span)
	if err != nil {
		return Lanes{}, err
	}
	l.arrange(devices)
	return *l, nil
}

// lanesOf has a lane for each device whose name begins with l.Prefix.
type lanesOf struct {
	*Lanes
	width   time.Duration // of a column
	devices map[string]*Lane
}

// divide makes the columns.
func (l *Lanes) divide(width time.Duration) lanesOf {
	for at := l.From; at.Before(l.To); at = at.Add(width) {
		l.Columns = append(l.Columns, at)
	}
	return lanesOf{l, width, map[string]*Lane{}}
}

// column is the column in which a window that begins at t counts.
func (l lanesOf) column(t time.Time) int { return max(0, int(t.Sub(l.From)/l.width)) }

// of returns the lane of a device, nil if it has none. It keeps no part of device.
func (l lanesOf) of(device []byte) *Lane {
	lane := l.devices[string(device)]
	if lane == nil && strings.HasPrefix(string(device), l.Prefix) {
		lane = &Lane{Name: string(device), Devices: 1, Cells: make([]Cell, len(l.Columns))}
		l.devices[lane.Name] = lane
	}
	return lane
}

// add adds the sum of a device to its lane, if it has one.
func (l lanesOf) add(lane *Lane, column int, d fleet.DeviceSum) {
	if lane == nil {
		return
	}
	c := Cell{Jobs: d.Jobs, Queued: d.Queued, Scored: d.Scored, Failed: d.Failed, Rows: d.Rows, Anomalies: d.Anomalies}
	lane.Cells[column].add(c)
	lane.Sum.add(c)
	l.Sum.add(c)
}

// sumRuns returns the lanes of the devices of the runs in w.
func (a *API) sumRuns(ctx context.Context, l *Lanes, w fleet.Window, span span) (map[string]*Lane, error) {
	runs, err := a.Overview.RunsWithin(ctx, w, maxRuns)
	if err != nil {
		return nil, err
	}
	l.Left = len(runs) == maxRuns
	runs = withoutDoubles(runs)
	sums := make([][]fleet.DeviceSum, len(runs))
	group, ctx := spawn.WithContext(ctx)
	group.SetLimit(summers)
	for i, r := range runs {
		group.Start(func() (err error) {
			sums[i], err = a.sums.of(ctx, a.Overview, r)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	lanes := l.divide(columnWidth(span, shortest(runs)))
	for i, r := range runs {
		column := lanes.column(r.Window.From)
		for _, d := range sums[i] {
			lanes.add(lanes.of([]byte(d.Device)), column, d)
		}
	}
	return lanes.devices, nil
}

// sumDays returns the lanes of the devices of the days in w.
func (a *API) sumDays(ctx context.Context, l *Lanes, w fleet.Window, span span) (map[string]*Lane, error) {
	stale, err := a.Overview.StaleDays(ctx, w)
	if err != nil {
		return nil, err
	}
	days, err := a.Overview.Days(ctx, w)
	if err != nil {
		return nil, err
	}
	l.Behind = len(stale)
	width := span.length
	for _, d := range days {
		width = min(width, d.Shortest)
	}
	lanes := l.divide(columnWidth(span, width))
	// Most days have the same devices in the same order, so that few must be looked up.
	var before, order []*Lane
	for _, d := range days {
		column := lanes.column(d.Day)
		before, order = order, before[:0]
		err := d.Devices.Each(func(device []byte, s fleet.DeviceSum) {
			var lane *Lane
			if i := len(order); i < len(before) && before[i] != nil && before[i].Name == string(device) {
				lane = before[i]
			} else {
				lane = lanes.of(device)
			}
			lanes.add(lane, column, s)
			order = append(order, lane)
		})
		if err != nil {
			return nil, fmt.Errorf("sum of %s: %w", d.Day.Format(time.DateOnly), err)
		}
	}
	return lanes.devices, nil
}

// arrange groups, sorts and pages the lanes of devices.
func (l *Lanes) arrange(lanes map[string]*Lane) {
	l.Devices = len(lanes)
	if l.Group == "" {
		l.Group = "device"
		if l.Devices > lanesPage {
			l.Group = "site"
		}
	}
	if l.Group == "site" {
		sites := map[string]*Lane{}
		for device, lane := range lanes {
			name := site(device, l.Prefix)
			if sites[name] == nil {
				sites[name] = &Lane{Name: name, Cells: make([]Cell, len(l.Columns))}
			}
			sites[name].join(lane)
		}
		lanes = sites
	}
	all := slices.Collect(maps.Values(lanes))
	slices.SortFunc(all, func(a, b *Lane) int {
		worse := 0
		if l.Sort == "worst" {
			worse = cmp.Or(cmp.Compare(b.Sum.Share(), a.Sum.Share()), cmp.Compare(b.Sum.Failed, a.Sum.Failed))
		}
		return cmp.Or(worse, cmp.Compare(a.Name, b.Name))
	})
	l.Total, l.Pages = len(all), (len(all)+lanesPage-1)/lanesPage
	for _, lane := range all[min(len(all), l.Page*lanesPage):min(len(all), (l.Page+1)*lanesPage)] {
		l.Lanes = append(l.Lanes, *lane)
	}
}

func (lane *Lane) join(other *Lane) {
	lane.Devices += other.Devices
	lane.Sum.add(other.Sum)
	for i, c := range other.Cells {
		lane.Cells[i].add(c)
	}
}
