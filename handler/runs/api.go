package runs

import (
	"context"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// Ledger is what an [API] reads and writes in SQL.
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

	// OpenRequested opens the run over w, with a job for what matches. If there is
	// such a run, it returns that as it is.
	OpenRequested(ctx context.Context, w fleet.Window, match func(fleet.ID) bool, s fleet.Settings, now time.Time) (run fleet.Run, created bool, err error)
	// Rescore re-opens the jobs of a run whose sensor or device model matches and
	// whose state is one of states (none: any), and adds jobs that are missing. With
	// settings s, these replace the run's, and all its jobs are re-opened.
	Rescore(ctx context.Context, run string, match func(fleet.ID) bool, states []fleet.JobState, s *fleet.Settings, now time.Time) (reopened, added int, err error)
	// Cancel closes the queued jobs of a running run. The error wraps
	// [fleet.ErrConflict] if the run has ended.
	Cancel(ctx context.Context, run string, now time.Time) error

	// Subjects returns up to limit sensors and device models after the given one.
	Subjects(ctx context.Context, after fleet.ID, limit int) ([]fleet.Registered, error)
	// SetEnabled enables or disables the sensors and device models that match. What
	// is disabled gets no jobs in runs that are opened from then on.
	SetEnabled(ctx context.Context, match func(fleet.ID) bool, enabled bool) (changed int, err error)

	// Models returns the registered models.
	Models(ctx context.Context) ([]fleet.Model, error)
}

// Published lists the registered models and what became of their jobs.
type Published interface {
	// ServingModels returns models after the given name, ordered by name.
	ServingModels(ctx context.Context, after string, limit int) ([]fleet.Serving, error)
	ServingModel(ctx context.Context, name string) (fleet.Serving, error)
	ServedBy(ctx context.Context, model int64, after fleet.ID, limit int) ([]fleet.ID, error)
	Versions(ctx context.Context, m fleet.Serving, from time.Time) ([]fleet.Version, error)
}

// Portraits says what is in the file of a model.
type Portraits interface {
	Portrait(ctx context.Context, version fleet.Model) (Portrait, error)
	// Rollback exchanges the model of a blob with the one that was there before.
	Rollback(ctx context.Context, m fleet.Model) error
}

// Models is the registry of models; see package registry.
type Models interface {
	// List registers what has changed in the container models.
	List(ctx context.Context, log *slog.Logger) error
}

// Schedule says when windows end; see package ncrontab. Times that there are none are zero.
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
	Settings    fleet.Settings // the current ones: of the runs it opens
	Schedule    Schedule       // when windows end
	// Delay is how long after a window's end it is due.
	Delay time.Duration
	// Retention is how long runs and readings are kept; 0 is for ever.
	Retention time.Duration
	// Later does what a caller need not wait for, as soon as it can and beside its
	// answer. It may be killed before its end: the tick does what is left.
	Later func(f func(context.Context))
	Log   *slog.Logger
	Now   func() time.Time
}

// register registers the models that were published before the call. If storage is
// away, the registry stays as it is.
func (a *API) register(ctx context.Context) {
	if err := a.Models.List(ctx, a.Log); err != nil {
		a.Log.Warn("models published lately may be missing: the registry is as it was", "error", err.Error())
	}
}

// advance returns a run that was opened or changed, as it stands. Beside that, it has
// its messages sent and its end looked at, which the tick would do within a minute. The
// caller does not wait for that: the messages of a large fleet take minutes, and the
// change is in the ledger.
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
