package fleet

import "time"

// RunState is the state of a [Run].
type RunState string

// The states of a run. It is running or cancelling until all of its jobs are closed.
// Then [EndState] returns the state in which it ends.
const (
	RunRunning    RunState = "running"    // it has queued jobs
	RunCancelling RunState = "cancelling" // it was cancelled, and is about to end
	RunSucceeded  RunState = "succeeded"  // no job failed
	RunDegraded   RunState = "degraded"   // some jobs failed
	RunFailed     RunState = "failed"     // jobs failed and none was scored, or more failed than SCORE_MAX_FAILED allows
	RunCancelled  RunState = "cancelled"  // it was cancelled before its end
)

// Open reports whether a run in state s has not ended.
func (s RunState) Open() bool { return s == RunRunning || s == RunCancelling }

// RunKind is whether the schedule or a request opened a run.
type RunKind string

// The kinds of runs.
const (
	Scheduled RunKind = "scheduled" // opened by the tick, when its window was due
	Requested RunKind = "requested" // opened by a request of a person or program
)

// Reason is why an epoch of a run began: see [Epoch].
type Reason string

// The reasons.
const (
	BySchedule    Reason = "schedule"      // its window was due
	ByRequest     Reason = "request"       // a request opened it
	ByRescore     Reason = "rescore"       // a request re-opened jobs
	ByLateReading Reason = "late_readings" // readings arrived after it was opened
	ByLateSuccess Reason = "late_success"  // a failed job was scored after all
	ByLostFile    Reason = "lost_file"     // a job's CSV is not the one that the ledger names
	ByCancel      Reason = "cancel"        // a request cancelled it
)

// Epoch is a period of a run. The first begins when the run is opened. The next begins
// when a closed job changes or is re-opened, or when the run is cancelled.
type Epoch struct {
	Number   int
	Reason   Reason
	OpenedAt time.Time
	// EndedAt is when the run ended in this epoch. It is zero if the run is open, or
	// was still open when the next epoch began.
	EndedAt time.Time
	Jobs    int // the number of jobs opened or re-opened at its beginning
}

// Settings are the settings on which the predictions and the end state of a run
// depend. A run keeps the settings with which it was opened, so that it can be repeated.
type Settings struct {
	Aggregate string `json:"aggregate"`  // how readings become rows, in the form of SCORE_AGGREGATE; empty if each reading is a row
	MaxFailed string `json:"max_failed"` // how many jobs may fail, in the form of SCORE_MAX_FAILED; empty for no limit
}

// Opening is when and why a run was last opened: for the first time, or again after it
// had ended.
type Opening struct {
	Epoch  int // the epoch that it began
	Reason Reason
	At     time.Time
}

// Run is the scoring of all subjects in one window.
type Run struct {
	ID       string
	Window   Window
	Kind     RunKind
	State    RunState
	Epoch    int    // the number of the present epoch: see [Epoch]
	Reason   Reason // why the present epoch began
	Settings Settings
	OpenedAt time.Time // when it was first opened
	EndedAt  time.Time // zero while open
	// Covered is true for a requested run whose window overlaps that of a scheduled
	// run. Sums over runs leave it out.
	Covered bool

	Opening Opening
	Sum     RunSum
}

// reopenMargin is the time before a run's deletion in which it is not re-opened. So a
// re-opened run can be scored for a day before its files are deleted.
const reopenMargin = 24 * time.Hour

// Reopenable returns a time: runs that were first opened at that time or later may be
// re-opened now. The predictions of older runs are deleted, or will be within a day,
// because they are kept for retention. If retention is 0 they are never deleted, and
// Reopenable returns the zero time.
func Reopenable(now time.Time, retention time.Duration) time.Time {
	if retention == 0 {
		return time.Time{}
	}
	return now.Add(reopenMargin - retention)
}

// Counts is the number of a run's jobs in each state.
type Counts map[JobState]int

// Total returns the number of jobs.
func (c Counts) Total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// Failed returns the number of jobs that are bad_model, bad_data or failed.
func (c Counts) Failed() int { return c[BadModel] + c[BadData] + c[Failed] }

// EndState returns the state in which a run ends when all of its jobs are closed:
//
//   - cancelled, if it was cancelling;
//   - failed, if jobs went wrong and none was scored, or more went wrong than its
//     settings allow;
//   - degraded, if jobs went wrong;
//   - succeeded otherwise.
func EndState(was RunState, c Counts, s Settings) RunState {
	wrong := c.Failed()
	switch {
	case was == RunCancelling || was == RunCancelled:
		return RunCancelled
	case wrong > 0 && c[Scored] == 0, s.OverBudget(c) != "":
		return RunFailed
	case wrong > 0:
		return RunDegraded
	}
	return RunSucceeded
}

// JobState is the state of a [Job]: queued, or closed with an outcome.
type JobState string

// The states of a job: queued, or its outcome.
const (
	Queued    JobState = "queued"    // it waits to be scored, or is being scored
	Scored    JobState = "scored"    // its predictions are written
	NoData    JobState = "no_data"   // no reading in the window
	NoModel   JobState = "no_model"  // no model serves the sensor
	BadModel  JobState = "bad_model" // its model cannot be used
	BadData   JobState = "bad_data"  // its readings do not fit its model
	Failed    JobState = "failed"    // it failed in all tries; a late success replaces it
	Cancelled JobState = "cancelled" // its run was cancelled before it was scored
)

// JobStates lists all states, in the order for people.
var JobStates = []JobState{Queued, Scored, NoData, NoModel, BadModel, BadData, Failed, Cancelled}

// Valid reports whether s is one of [JobStates].
func (s JobState) Valid() bool {
	for _, t := range JobStates {
		if s == t {
			return true
		}
	}
	return false
}

// JobKey names a job of a run at a revision. Queue messages carry it.
type JobKey struct {
	ID
	Revision int `json:"revision"` // how often the job was opened again
}

// Job is one subject in one run.
type Job struct {
	Run string
	JobKey
	// Lookback is the time before the window from which the job's rows use readings,
	// in whole seconds. A late reading in this time re-opens the job.
	Lookback time.Duration
	State    JobState
	Epoch    int       // the epoch of the run in which the job was opened, re-opened or scored after it had failed
	SentAt   time.Time // when a message for this revision was last sent; zero if never
	Sends    int       // the number of messages sent for this revision
	ClosedAt time.Time // zero while queued
	Outcome            // zero while queued
}

// Reopened counts the jobs of a run that were re-opened or added.
type Reopened struct {
	Run   string
	Again int // jobs re-opened
	Added int // missing jobs that were added
}

// Outcome is the result with which a job closes.
type Outcome struct {
	Result    JobState // the state in which the job closes
	Rows      int      // the number of predictions
	Anomalies int      // how many of them are anomalies
	// Anomalous are the first anomalous rows. They are set when a job is closed; the
	// methods that read jobs leave them empty.
	Anomalous    AnomalousRows
	EmptyBuckets int           // buckets without a row, if the run aggregates
	Duration     time.Duration // of the try that closed the job
	Model        string        // the blob name of the model
	ModelSHA256  string        // lower-case hex
	// AttributesSHA256 is the sha256 of the device attributes in the rows, in
	// lower-case hex. It is empty if the rows have none.
	AttributesSHA256 string
	CSVSHA256        string // lower-case hex; empty if no file was written
	Error            string // the error and its remedy, for people; empty if scored
}

// Attempt is a try at a job that failed with an error that a later try may not have.
// Attempts are stored, so that a job that fails in all tries can report their errors.
type Attempt struct {
	At  time.Time
	Own bool // whether the job itself caused the error, not storage, SQL, the network or a deadline
	Err string
}

// DeviceSum sums the jobs of one device in a run.
type DeviceSum struct {
	Device    string
	Jobs      int
	Queued    int // how many of the jobs are queued
	Scored    int // how many are scored
	Failed    int // how many are bad_model, bad_data or failed
	Rows      int // the number of predictions
	Anomalies int // how many of them are anomalies
}

// Add adds the sums of the jobs in another run.
func (s *DeviceSum) Add(o DeviceSum) {
	s.Jobs += o.Jobs
	s.Queued += o.Queued
	s.Scored += o.Scored
	s.Failed += o.Failed
	s.Rows += o.Rows
	s.Anomalies += o.Anomalies
}

// Count adds a job of the device.
func (s *DeviceSum) Count(j Job) {
	s.Jobs++
	s.Rows += j.Rows
	s.Anomalies += j.Anomalies
	switch j.State {
	case Queued:
		s.Queued++
	case Scored:
		s.Scored++
	case BadModel, BadData, Failed:
		s.Failed++
	}
}

// JobOrder is an order of a run's jobs.
type JobOrder string

// The orders of a run's jobs.
const (
	ByName    JobOrder = ""
	ByWorst   JobOrder = "worst"   // the greatest share of anomalies first
	BySlowest JobOrder = "slowest" // the longest duration first
)

// Serving is a registered model with the number of its subjects.
type Serving struct {
	Model
	Subjects int // the judged sensors and device models that it serves
}

// RunSums are what the jobs of a run came to.
type RunSums struct {
	Run     RunSum
	Devices PackedSums
	Models  []ModelSum // of the models that may serve several devices; see [SharedModel]
}

// RunSum counts the jobs of a run when it ended last. It is zero if the run has not ended.
type RunSum struct {
	Jobs      int
	Failed    int // jobs that are bad_model, bad_data or failed
	Rows      int
	Anomalies int
}

// ModelSum sums the jobs of a run that one version of a model scored.
type ModelSum struct {
	Model, SHA256         string // the name of its blob, and the SHA-256 of the version
	Jobs, Rows, Anomalies int
}

// Version sums the jobs that one version of a model scored.
type Version struct {
	SHA256      string
	First, Last time.Time // the beginnings of the windows of its first and last job
	Jobs        int
	Rows        int
	Anomalies   int
}
