package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// OpenRequest asks for a run over the window from a time up to, but without, another.
type OpenRequest struct {
	From time.Time `json:"from" example:"2026-03-01T06:00:00Z"` // the beginning of the window, in whole seconds
	To   time.Time `json:"to" example:"2026-03-01T07:00:00Z"`   // the end of the window, in whole seconds; it is past
	// Sensors is a pattern for devices, or for device/sensor, in which * stands for any
	// text and ? for one character, and [*], [?] and [[] for these characters. A new run
	// has jobs of what matches. All match if it is left out.
	Sensors string `json:"sensors,omitempty" example:"plant1/*"`
}

// Opened is the run over the window of a request.
type Opened struct {
	Run
	Result OpenResult `json:"result"` // whether the run is new
	// Warning says why models that were just published may not be used. It is usually left
	// out.
	Warning string `json:"warning,omitempty"`
}

// OpenResult is the result of a request for a run.
type OpenResult string

// The results of a request for a run.
const (
	NewRun   OpenResult = "opened" // the run is new
	FoundRun OpenResult = "found"  // there was such a run, and it is open
	EndedRun OpenResult = "ended"  // there was such a run, and it has ended
)

// Request opens the run over a past window, with a job for each enabled sensor and device model
// that matches. Its messages are sent afterwards. There is one run for each window. If the run is
// there already, Request returns it unchanged; [API.Rescore] scores it again. The error wraps
// [fleet.ErrConflict] if the window is not over yet, its readings are deleted, or its run is
// being cancelled.
func (a *API) Request(ctx context.Context, req OpenRequest) (Opened, error) {
	w, err := fleet.NewWindow(req.From, req.To)
	if err != nil {
		return Opened{}, err
	}
	match, err := glob(req.Sensors)
	if err != nil {
		return Opened{}, err
	}
	now := a.Now()
	if w.To.After(now) {
		return Opened{}, fmt.Errorf("%w: the window ends at %s, which is still to come (it is %s): its readings cannot be complete",
			fleet.ErrConflict, w.To.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if err := a.checkRetention(ctx, w, now); err != nil {
		return Opened{}, err
	}
	warning := a.register(ctx)
	run, created, err := a.Ledger.OpenRequested(ctx, w, match, a.Settings, now)
	if err != nil {
		return Opened{}, fmt.Errorf("request run %s: %w", w.RunID(), err)
	}
	result := FoundRun
	switch {
	case created:
		result = NewRun
	case run.State == fleet.RunCancelling:
		return Opened{}, cancelling(run.ID)
	case !run.State.Open():
		result = EndedRun
	}
	shown, err := a.advance(ctx, run.ID)
	return Opened{shown, result, warning}, err
}

// checkRetention returns an error that wraps [fleet.ErrConflict] if readings of the window are
// deleted, or soon will be. It returns nil if there is a run over the window.
func (a *API) checkRetention(ctx context.Context, w fleet.Window, now time.Time) error {
	if a.Retention == 0 || !w.From.Before(now.Add(-a.Retention)) {
		return nil
	}
	_, err := a.Ledger.Run(ctx, w.RunID())
	if errors.Is(err, fleet.ErrNotFound) {
		return fmt.Errorf("%w: the window begins at %s, and readings are deleted after %d days: set SCORE_RETENTION_DAYS higher, and send the readings again",
			fleet.ErrConflict, w.From.Format(time.RFC3339), days(a.Retention))
	}
	return err
}

// days returns a duration in whole days.
func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// cancelling returns the error of a change to a run that is being cancelled.
func cancelling(id string) error {
	return fmt.Errorf("%w: run %s is being cancelled: wait until it has ended, then rescore it", fleet.ErrConflict, id)
}

// RescoreRequest says which jobs of a run are to be scored again.
type RescoreRequest struct {
	ID string `path:"id" json:"-" example:"20260301T060000Z-20260301T070000Z"` // the id of the run
	// Sensors is a pattern for devices, or for device/sensor, in which * stands for any
	// text and ? for one character, and [*], [?] and [[] for these characters. All match
	// if it is left out.
	Sensors string `json:"sensors,omitempty" example:"plant1/*"`
	// Job is the sensor or device model of the only job that is scored again, as
	// device/name. A slash in a name is written %2F.
	Job string `json:"job,omitempty" example:"plant1/temperature"`
	// States are the states of the jobs that are scored again. If it is left out, jobs in
	// any state are.
	States []fleet.JobState `json:"states,omitempty"`
	// Settings may be "current". Then the settings of the application replace the run's,
	// and all jobs are scored again, whatever their sensors and states. If it is left out,
	// the run keeps its settings.
	Settings string `json:"settings,omitempty" enum:"current"`
}

// Rescored is the result of a request to score jobs of a run again.
type Rescored struct {
	Run      Run `json:"run"`      // the run after the change
	Reopened int `json:"reopened"` // how many jobs will be scored again
	Added    int `json:"added"`    // how many jobs are new: those of enabled sensors that match and had none
	// Warning says why models that were just published may not be used. It is usually left
	// out.
	Warning string `json:"warning,omitempty"`
}

// Rescore re-opens jobs of a run, so that they are scored again with the present models. Their
// messages are sent afterwards. The error wraps [fleet.ErrConflict] if the run is being
// cancelled, or is so old that its predictions are deleted, and [fleet.ErrNotFound] if the run
// has no job of the one sensor or device model that is named.
func (a *API) Rescore(ctx context.Context, req RescoreRequest) (Rescored, error) {
	match, err := req.match()
	if err != nil {
		return Rescored{}, err
	}
	if err := validStates(req.States...); err != nil {
		return Rescored{}, err
	}
	var settings *fleet.Settings
	switch req.Settings {
	case "":
	case "current":
		settings = &a.Settings
	default:
		return Rescored{}, fmt.Errorf("%w: settings %.80q: leave it out to keep the run's, or say \"current\"", fleet.ErrInvalid, req.Settings)
	}
	if _, err := fleet.ParseRunID(req.ID); err != nil {
		return Rescored{}, err
	}
	run, err := a.Ledger.Run(ctx, req.ID)
	if err != nil {
		return Rescored{}, fmt.Errorf("run %s: %w", req.ID, err)
	}
	if run.State == fleet.RunCancelling {
		return Rescored{}, cancelling(run.ID)
	}
	if run.OpenedAt.Before(fleet.Reopenable(a.Now(), a.Retention)) {
		return Rescored{}, fmt.Errorf("%w: run %s was opened on %s, and its predictions are deleted after %d days (SCORE_RETENTION_DAYS): it cannot be scored again",
			fleet.ErrConflict, run.ID, run.OpenedAt.Format(time.DateOnly), days(a.Retention))
	}
	warning := a.register(ctx)
	r := Rescored{Warning: warning}
	if r.Reopened, r.Added, err = a.Ledger.Rescore(ctx, req.ID, match, req.States, settings, a.Now()); err != nil {
		return Rescored{}, fmt.Errorf("rescore run %s: %w", req.ID, err)
	}
	if id, _ := fleet.ParseID(req.Job); req.Job != "" && r.Reopened+r.Added == 0 {
		if _, err := a.job(ctx, req.ID, id.Device, id.Sensor); err != nil {
			return Rescored{}, err
		}
	}
	r.Run, err = a.advance(ctx, req.ID)
	return r, err
}

// match returns the test for the jobs that are to be scored again.
func (r RescoreRequest) match() (func(fleet.ID) bool, error) {
	if r.Job == "" {
		return glob(r.Sensors)
	}
	if r.Sensors != "" {
		return nil, fmt.Errorf("%w: both sensors and job: name the jobs by one of them", fleet.ErrInvalid)
	}
	if _, err := fleet.ParseID(r.Job); err != nil {
		return nil, fmt.Errorf("job: %w", err)
	}
	return func(id fleet.ID) bool { return id.String() == r.Job }, nil
}

// maxGlob is the longest pattern, in bytes: two names and a slash.
const maxGlob = 2*4*fleet.MaxName + 1

// glob returns a function that reports whether a pattern matches a sensor's device, or its
// device/sensor. Its error wraps [fleet.ErrInvalid].
func glob(pattern string) (func(fleet.ID) bool, error) {
	if len(pattern) > maxGlob {
		return nil, fmt.Errorf("%w: sensors %.80q... is longer than %d bytes", fleet.ErrInvalid, pattern, maxGlob)
	}
	if pattern == "" {
		return func(fleet.ID) bool { return true }, nil
	}
	patterns := []string{pattern}
	return func(id fleet.ID) bool {
		return fleet.Match(patterns, id.Device) || fleet.Match(patterns, id.Device+"/"+id.Name())
	}, nil
}

// Cancel closes the queued jobs of a run as cancelled, and ends the run as cancelled. The error
// wraps [fleet.ErrConflict] if the run has ended.
func (a *API) Cancel(ctx context.Context, req ShowRequest) (Run, error) {
	if _, err := fleet.ParseRunID(req.ID); err != nil {
		return Run{}, err
	}
	if err := a.Ledger.Cancel(ctx, req.ID, a.Now()); err != nil {
		return Run{}, fmt.Errorf("cancel run %s: %w", req.ID, err)
	}
	return a.advance(ctx, req.ID)
}
