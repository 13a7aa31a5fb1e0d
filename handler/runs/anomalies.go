package runs

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Anomalies reads the anomalous rows that the ledger keeps.
type Anomalies interface {
	// AnomalousJobs returns the jobs of a run that found anomalies, without the rows, in the
	// order of device and name.
	AnomalousJobs(ctx context.Context, run string) ([]fleet.AnomalousJob, error)
	// Anomalies returns the jobs of a run for ids that found anomalies, with the rows.
	Anomalies(ctx context.Context, run string, ids []fleet.ID) ([]fleet.AnomalousJob, error)
	// DeviceAnomalies returns up to limit jobs of a device that found anomalies, with the rows, the newest window first.
	DeviceAnomalies(ctx context.Context, device string, w fleet.Window, limit int) ([]fleet.AnomalousJob, error)
	// SubjectSums sums the scored jobs of runs by subject.
	SubjectSums(ctx context.Context, runs []string) ([]fleet.SubjectSum, error)
}

// AnomaliesRequest asks for the anomalous rows in a span of time.
type AnomaliesRequest struct {
	// The beginning of the span. It is a day before the end if it is left out, or an hour
	// before it if all runs of that day lie in that hour.
	From time.Time `query:"from" json:"-" example:"2026-03-01T00:00:00Z"`
	// The end of the span: at most a year after its beginning. It is the end of the last
	// window if it is left out.
	To time.Time `query:"to" json:"-" example:"2026-03-02T00:00:00Z"`
	// A pattern for devices, or for device/sensor, in which * stands for any text and ? for
	// one character, and [*], [?] and [[] for these characters. All match if it is left out.
	Sensors string `query:"sensors" json:"-" example:"plant1/*"`
	After   string `query:"after" json:"-"`                                          // the member "next" of the page before
	Limit   int    `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"` // how many rows a page has at most: 1 to 1000
}

// AnomalyList is a page of anomalous rows. Those of the newest window come first; those
// of one window are in the order of device and name, then of time. Where the windows of a
// sensor's jobs overlap, each time is listed once: what the job with the longest window
// found, and of equally long ones that of the run that was opened last. What a requested
// run found is left out if a scheduled run covers any of its window. A page may have
// fewer rows than were asked for, even none, and yet not be the last: only the last has
// no "next".
type AnomalyList struct {
	From      time.Time `json:"from"`      // the beginning of the span
	To        time.Time `json:"to"`        // the end of the span
	Anomalies []Anomaly `json:"anomalies"` // the rows of this page
	// NotKept is how many anomalous rows of this page's jobs are only counted: the
	// ledger keeps the first 1,000 rows of a job, and the job's CSV has all.
	NotKept int `json:"not_kept"`
	// The parameter "after" of the next page. It is left out on the last page.
	Next string `json:"next,omitempty"`
}

// Anomaly is an anomalous row.
type Anomaly struct {
	Run string `json:"run"` // the id of the run
	fleet.ID
	At time.Time `json:"at"` // the time of the row
	// Score is the score that the model gave the row. It is left out where the model
	// gives none. Scores of different models cannot be compared.
	Score *float64 `json:"score,omitempty"`
}

const (
	mostRuns   = 20_000 // runs of a span; a year of half hours has 17,568
	runsAPage  = 200    // runs that are read for one page
	jobsAtOnce = 32     // jobs whose rows are read at a time
)

// ListAnomalies returns a page of anomalous rows.
func (a *API) ListAnomalies(ctx context.Context, req AnomaliesRequest) (AnomalyList, error) {
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return AnomalyList{}, err
	}
	after, err := parseCursor(req.After)
	if err != nil {
		return AnomalyList{}, err
	}
	match, err := glob(req.Sensors)
	if err != nil {
		return AnomalyList{}, err
	}
	w, err := a.span(ctx, req.From, req.To)
	if err != nil {
		return AnomalyList{}, err
	}
	runs, err := a.runsOf(ctx, w)
	if err != nil {
		return AnomalyList{}, err
	}
	p := anomalyPage{a: a, runs: runs, window: w, match: match, limit: limit, after: after, list: AnomalyList{From: w.From, To: w.To, Anomalies: []Anomaly{}}}
	if p.ids, err = a.named(ctx, req.Sensors, match); err != nil {
		return AnomalyList{}, err
	}
	looked := 0
	for _, r := range runs {
		if after.run != "" && (r.ID > after.run || r.ID == after.run && after.wholeRun()) {
			continue
		}
		if looked++; looked > runsAPage {
			p.list.Next = p.seen.String()
			break
		}
		if err := p.addRun(ctx, r); err != nil || p.list.Next != "" {
			return p.list, err
		}
		p.seen = cursor{run: r.ID}
	}
	return p.list, nil
}

// runsOf returns the runs whose windows meet w, the newest first. It leaves out requested runs if
// a scheduled one covers a part of their window. The error wraps [fleet.ErrInvalid] if there are
// too many runs.
func (a *API) runsOf(ctx context.Context, w fleet.Window) ([]fleet.Run, error) {
	runs, err := a.Overview.RunsWithin(ctx, w, mostRuns)
	if err != nil {
		return nil, err
	}
	if len(runs) == mostRuns {
		return nil, fmt.Errorf("%w: from %s to %s there are more than %d runs: ask for less time",
			fleet.ErrInvalid, w.From.Format(time.RFC3339), w.To.Format(time.RFC3339), mostRuns)
	}
	return slices.DeleteFunc(runs, covered), nil
}

// named returns the registered sensors and device models that a pattern without wildcards names.
// It is nil if the pattern has wildcards or is empty.
func (a *API) named(ctx context.Context, pattern string, match func(fleet.ID) bool) ([]fleet.ID, error) {
	if pattern == "" || strings.ContainsAny(pattern, "*?[\\") {
		return nil, nil
	}
	ids := []fleet.ID{}
	for n := 0; n <= len(pattern); n++ { // a name may have slashes
		if n < len(pattern) && pattern[n] != '/' {
			continue
		}
		device := pattern[:n]
		for after := (fleet.ID{Device: device}); ; {
			page, err := a.Ledger.Subjects(ctx, after, maxLimit)
			if err != nil {
				return nil, err
			}
			for _, s := range page {
				if s.Device == device && match(s.ID) {
					ids = append(ids, s.ID)
				}
			}
			if len(page) < maxLimit || page[maxLimit-1].Device != device {
				break
			}
			after = page[maxLimit-1].ID
		}
	}
	return ids, nil
}

// anomalyPage collects the rows of a page.
type anomalyPage struct {
	a      *API
	runs   []fleet.Run // of the span
	window fleet.Window
	match  func(fleet.ID) bool
	ids    []fleet.ID // the only ones that can match; nil: any
	limit  int
	after  cursor
	seen   cursor // up to where the list has all rows
	list   AnomalyList
}

// addRun adds the rows of a run. It sets list.Next when the page is full.
func (p *anomalyPage) addRun(ctx context.Context, r fleet.Run) error {
	ids, err := p.candidates(ctx, r.ID)
	if err != nil {
		return err
	}
	first := before(r, p.runs)
	for some := range slices.Chunk(ids, jobsAtOnce) {
		jobs, err := p.a.Overview.Anomalies(ctx, r.ID, some)
		if err != nil {
			return err
		}
		shown, err := p.shown(ctx, jobs, first)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if err := p.addJob(j, share{parts: shown[j.ID].add(r.Window)}); err != nil || p.list.Next != "" {
				return err
			}
		}
	}
	return nil
}

// shown returns the times, by sensor or device model, that are shown as jobs of other runs found
// them. jobs are of one run, and the others go before it.
func (p *anomalyPage) shown(ctx context.Context, jobs []fleet.AnomalousJob, others []fleet.Run) (map[fleet.ID]*times, error) {
	shown := make(map[fleet.ID]*times, len(jobs))
	ids := make([]fleet.ID, len(jobs))
	for i, j := range jobs {
		ids[i], shown[j.ID] = j.ID, &times{}
	}
	if len(ids) == 0 {
		return shown, nil
	}
	for _, r := range others {
		work, err := p.a.Overview.Work(ctx, r.ID, ids)
		if err != nil {
			return nil, err
		}
		for _, w := range work {
			if w.State == fleet.Scored {
				shown[w.ID].add(r.Window)
			}
		}
	}
	return shown, nil
}

// candidates returns the sensors and device models whose jobs in a run may have rows for the page.
func (p *anomalyPage) candidates(ctx context.Context, run string) ([]fleet.ID, error) {
	ids := p.ids
	if ids == nil {
		jobs, err := p.a.Overview.AnomalousJobs(ctx, run)
		if err != nil {
			return nil, err
		}
		for _, j := range jobs {
			if p.match(j.ID) {
				ids = append(ids, j.ID)
			}
		}
	}
	if run != p.after.run {
		return ids, nil
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id fleet.ID) bool { return fleet.CompareID(id, p.after.id) < 0 }), nil
}

// addJob adds the rows of a job that are shown, and lie in the window and after the page before.
func (p *anomalyPage) addJob(j fleet.AnomalousJob, s share) error {
	if s.hidden() {
		return nil
	}
	rows, err := j.Kept.List()
	if err != nil {
		return fmt.Errorf("job %s of run %s: %w", j.ID, j.Run, err)
	}
	subject := j.ID.String()
	resumed := j.Run == p.after.run && subject == p.after.subject
	for _, row := range rows {
		if !p.window.Contains(row.Time) || !s.contains(row.Time) || resumed && row.Time <= p.after.at {
			continue
		}
		if len(p.list.Anomalies) == p.limit {
			p.list.Next = p.seen.String()
			return nil
		}
		shown := Anomaly{Run: j.Run, ID: j.ID, At: row.Time.Time()}
		if !math.IsNaN(row.Score) {
			shown.Score = &row.Score
		}
		p.list.Anomalies = append(p.list.Anomalies, shown)
		p.seen = cursor{run: j.Run, at: row.Time, subject: subject}
	}
	p.list.NotKept += j.Anomalies - len(rows)
	return nil
}

// cursor is the end of a page of anomalies: a row, or the last row of a run.
type cursor struct {
	run     string
	at      fleet.Millis // the time of the row
	subject string       // the text of id; "": the last row of the run
	id      fleet.ID
}

func (p cursor) wholeRun() bool { return p.subject == "" }

// String returns what [AnomaliesRequest] takes as After.
func (p cursor) String() string {
	if p.wholeRun() {
		return p.run
	}
	return p.run + " " + strconv.FormatInt(int64(p.at), 10) + " " + p.subject
}

// parseCursor reads the result of [cursor.String]. The error wraps [fleet.ErrInvalid].
func parseCursor(text string) (p cursor, err error) {
	if text == "" {
		return p, nil
	}
	wrong := func(err error) (cursor, error) {
		return cursor{}, fmt.Errorf("after %.200q: %w: take it from the member next of the page before", text, err)
	}
	run, rest, more := strings.Cut(text, " ")
	if _, err := fleet.ParseRunID(run); err != nil {
		return wrong(err)
	}
	p.run = run
	if !more {
		return p, nil
	}
	at, subject, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return wrong(fmt.Errorf("%w: it has no time", fleet.ErrInvalid))
	}
	p.at, p.subject = fleet.Millis(n), subject
	if p.id, err = fleet.ParseID(subject); err != nil {
		return wrong(err)
	}
	return p, nil
}
