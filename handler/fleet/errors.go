package fleet

import (
	"errors"
	"net/http"
)

// The sentinel errors. Which of them an error wraps decides what happens next: see
// [Failures]. An error that wraps none of them is retried.
var (
	// ErrInvalid: the input cannot be accepted, and a retry would not help.
	ErrInvalid = errors.New("invalid")
	// ErrNotFound: there is no such thing.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the input contradicts what is stored.
	ErrConflict = errors.New("conflict")
	// ErrNoModel: no model serves the sensor.
	ErrNoModel = errors.New("no model")
	// ErrBadModel: the model cannot be read, checked or used.
	ErrBadModel = errors.New("bad model")
	// ErrNoData: there is no reading, or no complete row, in the window.
	ErrNoData = errors.New("no data")
	// ErrBadData: the readings do not fit the model.
	ErrBadData = errors.New("bad data")
	// ErrUnavailable: SQL, storage or the network failed, and a retry may succeed.
	ErrUnavailable = errors.New("unavailable")
)

// Failure is a row of [Failures].
type Failure struct {
	Err error
	// Outcome is the state in which Err closes a job; empty if the job stays open.
	Outcome JobState
	// Status is the HTTP status for a caller of the API. The Functions host gets it
	// too, unless a job is closed.
	Status int
	// Retry is whether the host delivers the message or batch again.
	Retry   bool
	Meaning string // for the documentation
}

// Failures maps an error to the outcome of a job, the HTTP status and the host's
// retry. The first row that matches is used. The last row matches all errors.
var Failures = []Failure{
	{ErrNoModel, NoModel, http.StatusNotFound, false, "no model serves the sensor: publish one"},
	{ErrBadModel, BadModel, http.StatusUnprocessableEntity, false, "the model cannot be used: the error log says why"},
	{ErrNoData, NoData, http.StatusNotFound, false, "no reading, or no complete row, in the window"},
	{ErrBadData, BadData, http.StatusUnprocessableEntity, false, "the readings do not fit the model"},
	{ErrInvalid, "", http.StatusBadRequest, false, "what was sent cannot be accepted; it is kept in the dead letter"},
	{ErrNotFound, "", http.StatusNotFound, false, "there is no such thing"},
	{ErrConflict, "", http.StatusConflict, false, "it contradicts what is there"},
	{ErrUnavailable, "", http.StatusServiceUnavailable, true, "SQL, storage or the network failed: tried again"},
	{nil, "", http.StatusInternalServerError, true, "anything else: tried again, then poison"},
}

// FailureOf returns the row of [Failures] for err, which must not be nil.
func FailureOf(err error) Failure {
	for _, f := range Failures {
		if f.Err == nil || errors.Is(err, f.Err) {
			return f
		}
	}
	panic("fleet: Failures has no last row")
}
