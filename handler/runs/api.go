package runs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// Ledger reads and changes runs, jobs and sensors in SQL.
type Ledger interface {
	// Run returns a run. The error wraps [fleet.ErrNotFound] if there is none.
	Run(ctx context.Context, id string) (fleet.Run, error)
	// Counts returns how many jobs of a run are in each state.
	Counts(ctx context.Context, run string) (fleet.Counts, error)
	// Epochs returns up to limit epochs of a run, the newest first.
	Epochs(ctx context.Context, run string, limit int) ([]fleet.Epoch, error)

	// Runs returns runs whose ids sort before the given one, the newest first.
	Runs(ctx context.Context, before string, limit int) ([]fleet.Run, error)
	// JobsPage returns up to limit jobs of a run in the given state, "" for any,
	// after the given sensor or device model, in the order of these.
	JobsPage(ctx context.Context, run string, state fleet.JobState, after fleet.ID, limit int) ([]fleet.Job, error)

	// OpenRequested opens the run over w, with a job for each enabled sensor and device model
	// that matches. If the run is there already, it returns it unchanged.
	OpenRequested(ctx context.Context, w fleet.Window, match func(fleet.ID) bool, s fleet.Settings, now time.Time) (run fleet.Run, created bool, err error)
	// Rescore re-opens the jobs of a run whose sensor or device model matches and whose state
	// is one of states; no states mean any. It adds jobs that are missing. If s is not nil,
	// it replaces the run's settings, and all jobs are re-opened.
	Rescore(ctx context.Context, run string, match func(fleet.ID) bool, states []fleet.JobState, s *fleet.Settings, now time.Time) (reopened, added int, err error)
	// Cancel closes the queued jobs of a running run. The error wraps
	// [fleet.ErrConflict] if the run has ended.
	Cancel(ctx context.Context, run string, now time.Time) error

	// Subjects returns up to limit sensors and device models after the given one.
	Subjects(ctx context.Context, after fleet.ID, limit int) ([]fleet.Registered, error)
	// SetEnabled enables or disables the sensors and device models that match. A disabled one
	// gets no jobs in runs that are opened later.
	SetEnabled(ctx context.Context, match func(fleet.ID) bool, enabled bool) (changed int, err error)

	// Models returns the registered models.
	Models(ctx context.Context) ([]fleet.Model, error)
}

// Published reads the registered models, and what they serve and scored.
type Published interface {
	// ServingModels returns models whose names sort after the given one, in the order of
	// their names.
	ServingModels(ctx context.Context, after string, limit int) ([]fleet.Serving, error)
	// ServingModel returns a model. The error wraps [fleet.ErrNotFound] if there is none.
	ServingModel(ctx context.Context, name string) (fleet.Serving, error)
	// ServedBy returns the sensors and device models after the given one that a model serves.
	ServedBy(ctx context.Context, model int64, after fleet.ID, limit int) ([]fleet.ID, error)
	// Versions sums the jobs that each version of a model scored, in runs whose windows
	// begin at from or later.
	Versions(ctx context.Context, m fleet.Model, from time.Time) ([]fleet.Version, error)
}

// Portraits reads and exchanges the files of models.
type Portraits interface {
	// Portrait describes the content of a model's file.
	Portrait(ctx context.Context, version fleet.Model) (Portrait, error)
	// Previous reports whether there is a version before the model in a place.
	Previous(ctx context.Context, place fleet.Place) (bool, error)
	// Rollback exchanges the model in a place with the version before it, or puts a removed
	// one back.
	Rollback(ctx context.Context, place fleet.Place) error
	// Remove takes the model in a place away.
	Remove(ctx context.Context, place fleet.Place) error
}

// Models is the registry of models; see package registry.
type Models interface {
	// List registers what has changed in the container models.
	List(ctx context.Context, log *slog.Logger) error
}

// Schedule says when windows end; see package ncrontab. A result is zero if there is no such time.
type Schedule interface {
	Next(after time.Time) time.Time
	Last(upto time.Time) time.Time
}

// API answers requests. It is safe for concurrent use.
type API struct {
	Ledger      Ledger
	Overview    Overview
	Readings    Readings
	Figures     Figures
	Published   Published
	Portraits   Portraits
	DeadLetters DeadLetters
	Files       blob.Store
	Models      Models
	Sender      ledger.Messenger
	Ender       ledger.Closer
	Settings    fleet.Settings // of the runs that are opened now
	Schedule    Schedule
	// Delay is the time from the end of a window until it is scored.
	Delay time.Duration
	// Retention is how long runs and readings are kept; 0 is for ever.
	Retention time.Duration
	// ListTime is how long a request waits for the listing of the models.
	ListTime time.Duration
	// Later runs f while the caller already has its answer. If the process is killed before
	// f has ended, the tick does the rest.
	Later func(f func(context.Context))
	Log   *slog.Logger
	Now   func() time.Time
}

// register registers the models that were published before the call. If that takes longer
// than ListTime, or storage is away, the registry stays as it is, and the result says so.
func (a *API) register(ctx context.Context) (warning string) {
	ctx, cancel := context.WithTimeout(ctx, a.ListTime)
	defer cancel()
	err := a.Models.List(ctx, a.Log)
	if err == nil {
		return ""
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("storage did not list them in %v", a.ListTime)
	}
	const text = "models that were published in the last minute may not be used"
	a.Log.Warn(text, "error", err.Error())
	return text + ": " + err.Error()
}

// advance returns a run that was opened or changed. Afterwards it sends the run's messages, and
// ends the run if all jobs are done. The caller does not wait for that, because the messages of
// a large fleet take minutes. If it fails, the tick does it within a minute, as the change is in
// the ledger.
func (a *API) advance(ctx context.Context, id string) (Run, error) {
	a.Later(func(ctx context.Context) {
		if _, err := a.Sender.Send(ctx, id); err != nil {
			a.Log.Warn("messages are left to the tick", "run", id, "error", err.Error())
		} else if err := a.Ender.End(ctx, a.Log, id); err != nil {
			a.Log.Warn("the end of the run is left to the tick", "run", id, "error", err.Error())
		}
	})
	return a.show(ctx, id)
}
