package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// ErrorLogs is the writing of error logs.
type ErrorLogs struct {
	Attempts interface {
		Attempts(ctx context.Context, run string, key fleet.JobKey) ([]fleet.Attempt, error)
	}
	Files blob.Store
}

// ErrorLog is the content of a job's error log: what was tried, with what, how
// each attempt ended, and what mends it.
type ErrorLog struct {
	Run      string         `json:"run"`      // the id of the run
	From     time.Time      `json:"from"`     // the beginning of the window
	To       time.Time      `json:"to"`       // the end of the window
	Settings fleet.Settings `json:"settings"` // the settings of the run
	fleet.JobKey
	State       fleet.JobState `json:"state"`                  // what became of the job
	Error       string         `json:"error"`                  // why it was not scored
	Remedy      string         `json:"remedy"`                 // what mends it
	Model       string         `json:"model,omitempty"`        // the model that was tried: the name of a blob in the container models
	ModelSHA256 string         `json:"model_sha256,omitempty"` // the SHA-256 of that model, in lower-case hex
	Attempts    []Attempt      `json:"attempts"`               // the earlier tries that failed, the first one first
}

// Attempt is a try at a job that failed, and that a later try may mend.
type Attempt struct {
	At    time.Time `json:"at"`    // when it failed
	Own   bool      `json:"own"`   // whether the fault lies in the job itself, not in storage, SQL, the network or time
	Error string    `json:"error"` // why it failed
}

// HasErrorLog reports whether a job that closes in state s gets an error log.
func HasErrorLog(s fleet.JobState) bool { return remedies[s] != "" }

// remedies says what mends a job, for each state that has an error log.
var remedies = map[fleet.JobState]string{
	fleet.NoModel:  "publish a model for the sensor, or a default.pkl for all that have none, then rescore the run",
	fleet.BadModel: "publish a model that can be used (see the error), then rescore the run",
	fleet.BadData:  "look at the readings that the error names; fit the model or the run's aggregation to them, then rescore the run",
	fleet.Failed:   "mend what the attempts met, then rescore the run",
}

// ErrorLogName returns the name, in the container logs, of the error log of a
// job at a revision.
func ErrorLogName(run string, key fleet.JobKey) string {
	return run + "/" + key.Path() + "/" + strconv.Itoa(key.Revision) + ".json"
}

// Write writes the error log of a job that is about to be closed with o, if jobs
// with this outcome have one. It is called before the close, so that a closed job
// always has its log. If several processes write it, the last one's stays.
func (l *ErrorLogs) Write(ctx context.Context, run fleet.Run, key fleet.JobKey, o fleet.Outcome) error {
	if !HasErrorLog(o.Result) {
		return nil
	}
	attempts, err := l.Attempts.Attempts(ctx, run.ID, key)
	if err != nil {
		return fmt.Errorf("error log of %s: %w", key.ID, err)
	}
	content := NewErrorLog(run, key, o, attempts)
	_, err = l.Files.Write(ctx, blob.Logs, ErrorLogName(run.ID, key), "", "application/json", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(content)
	})
	if err != nil {
		return fmt.Errorf("error log of %s: %w", key.ID, err)
	}
	return nil
}

// NewErrorLog returns the error log of a job that closes with o.
func NewErrorLog(run fleet.Run, key fleet.JobKey, o fleet.Outcome, attempts []fleet.Attempt) ErrorLog {
	log := ErrorLog{
		Run:         run.ID,
		From:        run.Window.From,
		To:          run.Window.To,
		Settings:    run.Settings,
		JobKey:      key,
		State:       o.Result,
		Error:       o.Error,
		Remedy:      remedies[o.Result],
		Model:       o.Model,
		ModelSHA256: o.ModelSHA256,
		Attempts:    make([]Attempt, len(attempts)),
	}
	for i, a := range attempts {
		log.Attempts[i] = Attempt{a.At.UTC(), a.Own, a.Err}
	}
	return log
}
