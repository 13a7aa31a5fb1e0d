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
)

// Overview reads the ledger for the pages and the API. A limit is the greatest number of
// elements in a result.
type Overview interface {
	// RunsWithin returns runs whose windows meet w, the newest window first.
	RunsWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error)
	// OpenWithin returns open runs whose windows begin in w, the newest window first.
	OpenWithin(ctx context.Context, w fleet.Window, limit int) ([]fleet.Run, error)
	RunSums
	// DeviceJobs returns the jobs of a device in runs whose windows meet w, the newest
	// window first.
	DeviceJobs(ctx context.Context, device string, w fleet.Window, limit int) ([]fleet.Job, error)
	// JobsTop returns jobs of a run in a state, "" for any, in an order.
	JobsTop(ctx context.Context, run string, state fleet.JobState, by fleet.JobOrder, limit int) ([]fleet.Job, error)
	// Work returns the jobs of a run for ids, each with the model that serves it now.
	Work(ctx context.Context, run string, ids []fleet.ID) ([]fleet.Work, error)
	// Attempts returns the failed attempts of a job at its present revision, the oldest first.
	Attempts(ctx context.Context, run string, key fleet.JobKey) ([]fleet.Attempt, error)
	// Devices returns devices whose names sort after the given one, with the number of
	// their sensors and models.
	Devices(ctx context.Context, after string, limit int) ([]fleet.DeviceSubjects, error)
	// Days returns the stored sums of the days in w, the oldest first.
	Days(ctx context.Context, w fleet.Window) ([]fleet.DaySum, error)
	// StaleDays returns the days in w whose runs have changed since they were summed, the
	// newest first.
	StaleDays(ctx context.Context, w fleet.Window) ([]fleet.DaySum, error)
	// Watermark returns the time up to which scheduled windows have been opened. ok is
	// false before the first.
	Watermark(ctx context.Context) (upto time.Time, ok bool, err error)
	Anomalies
}

// LanesRequest asks for the state of the fleet over a span of time.
type LanesRequest struct {
	// How long the span is. It is a day if it is left out, or an hour if all runs of that
	// day lie in that hour.
	Range  string    `query:"range" json:"-" enum:"hour,day,week,month,year"`
	To     time.Time `query:"to" json:"-" example:"2026-03-02T00:00:00Z"` // the end of the span; that of the last window if it is left out
	Prefix string    `query:"prefix" json:"-" example:"plant1/"`          // only devices whose names begin so
	// What a lane is: one device, or all devices whose names begin alike. A lane is a
	// device if it is left out and there are at most 100 devices.
	Group string `query:"group" json:"-" enum:"site,device"`
	Sort  string `query:"sort" json:"-" enum:"worst,name" default:"worst"` // the order: the greatest share of anomalies first, or by name
	Page  int    `query:"page" json:"-" minimum:"0"`                       // which page of the lanes, 100 a page; the first is 0
}

// Lanes is the state of the fleet: a lane for each device, or group of devices, and in
// it a cell for each part of the span.
type Lanes struct {
	From    time.Time   `json:"from"`                                  // the beginning of the span
	To      time.Time   `json:"to"`                                    // the end of the span
	Range   string      `json:"range" enum:"hour,day,week,month,year"` // how long the span is
	Group   string      `json:"group" enum:"site,device"`              // what a lane is: a device, or all devices whose names begin alike
	Sort    string      `json:"sort" enum:"worst,name"`                // the order of the lanes
	Prefix  string      `json:"prefix,omitempty"`                      // the beginning that the names of all devices have
	Columns []time.Time `json:"columns"`                               // where each part of the span begins
	Lanes   []Lane      `json:"lanes"`                                 // a page of the lanes
	Sum     Cell        `json:"sum"`                                   // the sum over all lanes, also those of other pages
	Total   int         `json:"total"`                                 // how many lanes there are
	Devices int         `json:"devices"`                               // how many devices they are of
	Page    int         `json:"page"`                                  // which page this is; the first is 0
	Pages   int         `json:"pages"`                                 // how many pages there are
	Left    bool        `json:"truncated,omitempty"`                   // whether the span has more runs than were summed
	// Behind is how many days have old sums. Their runs have changed since they were summed,
	// and there are too many to be summed anew for one answer. The tick sums them.
	Behind int `json:"behind,omitempty"`
}

// Lane is a device, or the devices whose names begin with Name.
type Lane struct {
	Name    string `json:"name"`    // the name of the device, or the beginning that the names of its devices share
	Devices int    `json:"devices"` // how many devices it is of
	Sum     Cell   `json:"sum"`     // the sum of its cells
	Cells   []Cell `json:"cells"`   // one cell for each of the columns
}

// Cell sums the jobs of a lane in a column.
type Cell struct {
	Jobs      int `json:"jobs"`      // how many jobs there are
	Queued    int `json:"queued"`    // how many of the jobs wait
	Scored    int `json:"scored"`    // how many of the jobs were scored
	Failed    int `json:"failed"`    // how many of the jobs failed: bad_model, bad_data or failed
	Rows      int `json:"rows"`      // how many rows were predicted
	Anomalies int `json:"anomalies"` // how many of the rows are anomalies
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
	lanesPage   = 100     // lanes of a page
	maxPage     = 1 << 20 // the highest number of a page
	maxRuns     = 1500    // runs that one answer sums: a week of windows of seven minutes
	maxOpen     = 100     // open runs of a month or year
	mostColumns = 96      // columns of a lane
)

// check sets the default order and checks the request. Its error wraps [fleet.ErrInvalid].
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

// Lanes returns the state of the fleet. A run counts in the column in which its window begins. A
// requested run counts only if no scheduled run covers a part of its window.
//
// A month and a year consist of whole days. Runs that have ended are taken from the stored sums
// of their days. If runs of a day have changed since it was summed, the day is summed anew. Open
// runs are added. A run that ends during the call may count twice.
func (a *API) Lanes(ctx context.Context, req LanesRequest) (Lanes, error) {
	if err := req.check(); err != nil {
		return Lanes{}, err
	}
	to, err := a.end(ctx, req.To)
	if err != nil {
		return Lanes{}, err
	}
	if req.Range == "" {
		if req.Range, err = a.defaultRange(ctx, to); err != nil {
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
	l := &Lanes{From: w.From, To: w.To, Range: req.Range, Group: req.Group, Sort: req.Sort, Prefix: req.Prefix, Page: req.Page, Lanes: []Lane{}}
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

// laneSums sums jobs in a lane for each device whose name begins with l.Prefix.
type laneSums struct {
	*Lanes
	width   time.Duration // of a column
	devices map[string]*Lane
	// order are the lanes of the sums that are being added, before those of the call of add
	// before. Most sums have the same devices in the same order. So few devices must be
	// looked up in the map.
	before, order []*Lane
}

// newSums makes the columns of l, and returns sums without lanes.
func (l *Lanes) newSums(width time.Duration) *laneSums {
	for at := l.From; at.Before(l.To); at = at.Add(width) {
		l.Columns = append(l.Columns, at)
	}
	return &laneSums{Lanes: l, width: width, devices: map[string]*Lane{}}
}

// lane returns the lane of a device, nil if its name does not begin with l.Prefix. The caller may
// change device afterwards.
func (l *laneSums) lane(device []byte) *Lane {
	lane := l.devices[string(device)]
	if lane == nil && strings.HasPrefix(string(device), l.Prefix) {
		lane = &Lane{Name: string(device), Devices: 1, Cells: make([]Cell, len(l.Columns))}
		l.devices[lane.Name] = lane
	}
	return lane
}

// add adds sums to the column that t lies in. What begins before the span counts in the first
// column.
func (l *laneSums) add(t time.Time, sums fleet.PackedSums) error {
	column := max(0, int(t.Sub(l.From)/l.width))
	l.before, l.order = l.order, l.before[:0]
	return sums.Each(func(device []byte, d fleet.DeviceSum) {
		var lane *Lane
		if i := len(l.order); i < len(l.before) && l.before[i] != nil && l.before[i].Name == string(device) {
			lane = l.before[i]
		} else {
			lane = l.lane(device)
		}
		l.order = append(l.order, lane)
		if lane == nil {
			return
		}
		c := Cell{Jobs: d.Jobs, Queued: d.Queued, Scored: d.Scored, Failed: d.Failed, Rows: d.Rows, Anomalies: d.Anomalies}
		lane.Cells[column].add(c)
		lane.Sum.add(c)
		l.Sum.add(c)
	})
}

// sumRuns returns the lanes of devices, summed over the runs in w. It sets the columns of l.
func (a *API) sumRuns(ctx context.Context, l *Lanes, w fleet.Window, span span) (map[string]*Lane, error) {
	runs, err := a.Overview.RunsWithin(ctx, w, maxRuns)
	if err != nil {
		return nil, err
	}
	l.Left = len(runs) == maxRuns
	runs = slices.DeleteFunc(runs, covered)
	lanes := l.newSums(columnWidth(span, shortest(runs)))
	return lanes.devices, a.addRuns(ctx, lanes, runs)
}

// addRuns adds the jobs of runs to lanes.
func (a *API) addRuns(ctx context.Context, lanes *laneSums, runs []fleet.Run) error {
	return eachSum(ctx, a.Overview, runs, func(r fleet.Run, sums fleet.PackedSums) error {
		if err := lanes.add(r.Window.From, sums); err != nil {
			return fmt.Errorf("sums of run %s: %w", r.ID, err)
		}
		return nil
	})
}

// sumDays returns the lanes of devices, summed over the days in w. It sets the columns of l.
func (a *API) sumDays(ctx context.Context, l *Lanes, w fleet.Window, span span) (map[string]*Lane, error) {
	days, err := a.days(ctx, l, w)
	if err != nil {
		return nil, err
	}
	open, err := a.Overview.OpenWithin(ctx, w, maxOpen)
	if err != nil {
		return nil, err
	}
	l.Left = len(open) == maxOpen
	open = slices.DeleteFunc(open, covered)
	width := min(span.length, shortest(open))
	for _, d := range days {
		width = min(width, d.Shortest)
	}
	lanes := l.newSums(columnWidth(span, width))
	for _, d := range days {
		if err := lanes.add(d.Day, d.Devices); err != nil {
			return nil, fmt.Errorf("sum of %s: %w", d.Day.Format(time.DateOnly), err)
		}
	}
	return lanes.devices, a.addRuns(ctx, lanes, open)
}

// days returns the sums of the days in w, in any order. Days whose runs have changed since they
// were summed are summed anew, the newest first, as long as they have no more than [maxRuns]
// runs together. Of the others it returns the old sums, and counts them in l.Behind.
func (a *API) days(ctx context.Context, l *Lanes, w fleet.Window) ([]fleet.DaySum, error) {
	stale, err := a.Overview.StaleDays(ctx, w)
	if err != nil {
		return nil, err
	}
	days, err := a.Overview.Days(ctx, w)
	if err != nil {
		return nil, err
	}
	left := maxRuns
	for _, d := range stale {
		if left < d.Runs {
			l.Behind++
			continue
		}
		left -= d.Runs
		if err := sumDay(ctx, a.Overview, &d); err != nil {
			return nil, err
		}
		days = append(slices.DeleteFunc(days, func(was fleet.DaySum) bool { return was.Day.Equal(d.Day) }), d)
	}
	return days, nil
}

// arrange groups and sorts the lanes of devices, and sets a page of them.
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

// join adds the jobs of another lane.
func (lane *Lane) join(other *Lane) {
	lane.Devices += other.Devices
	lane.Sum.add(other.Sum)
	for i, c := range other.Cells {
		lane.Cells[i].add(c)
	}
}
