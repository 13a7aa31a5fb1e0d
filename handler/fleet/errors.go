package fleet

import (
	"errors"
	"net/http"
)

// The kinds of error that decide what happens next. Everything that fails
// wraps one of them, or counts as [ErrUnavailable]; [Failures] is the table.
var (
	// ErrInvalid: what was given cannot be accepted, and never will be.
	ErrInvalid = errors.New("invalid")
	// ErrNotFound: what was asked for does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict: what was given contradicts what is there.
	ErrConflict = errors.New("conflict")
	// ErrNoModel: no model serves the sensor.
	ErrNoModel = errors.New("no model")
	// ErrBadModel: the model cannot be read, checked or used.
	ErrBadModel = errors.New("bad model")
	// ErrNoData: there is no reading in the window.
	ErrNoData = errors.New("no data")
	// ErrBadData: the readings do not fit the model.
	ErrBadData = errors.New("bad data")
	// ErrUnavailable: SQL, storage or the network did not do what they should;
	// a retry may.
	ErrUnavailable = errors.New("unavailable")
)

// Failure is a row of [Failures].
type Failure struct {
	Err error
	// Outcome is the state in which a job closes that meets Err; empty if it
	// stays open.
	Outcome JobState
	// Status is what an HTTP caller gets, and, where no job is closed, the
	// Functions host.
	Status int
	// Retry says whether the host shall deliver the message or batch again.
	Retry   bool
	Meaning string
}

// Failures is the one table from an error to a job's outcome, the status and
// the host's retry. The first row that matches counts; the last matches all.
var Failures = []Failure{
	{ErrNoModel, NoModel, http.StatusNotFound, false, "no model serves the sensor: publish one"},
	{ErrBadModel, BadModel, http.StatusUnprocessableEntity, false, "the model cannot be used: the error log says why"},
	{ErrNoData, NoData, http.StatusNotFound, false, "no reading in the window"},
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
