package fleet

import "time"

// RunState is the state of a [Run].
type RunState string

// A run is running, or cancelling, until each of its jobs is closed; what
// its jobs came to then decides its end: see [EndState].
const (
	RunRunning    RunState = "running"    // jobs of it are queued
	RunCancelling RunState = "cancelling" // it was cancelled, and is about to end
	RunSucceeded  RunState = "succeeded"  // no job failed
	RunDegraded   RunState = "degraded"   // some jobs failed
	RunFailed     RunState = "failed"     // jobs failed and none was scored, or more failed than SCORE_MAX_FAILED allows
	RunCancelled  RunState = "cancelled"  // it was cancelled before its end
)

// Open reports whether a run in state s has not ended.
func (s RunState) Open() bool { return s == RunRunning || s == RunCancelling }

// RunKind is what opened a run.
type RunKind string

// Whence a run comes.
const (
	Scheduled RunKind = "scheduled" // by the tick, when its window was due
	Requested RunKind = "requested" // by a person or program
)

// Reason is why a run was opened, or opened again.
type Reason string

// What opens a run, or opens it again.
const (
	BySchedule    Reason = "schedule"      // its window was due
	ByRequest     Reason = "request"       // somebody asked for it
	ByRescore     Reason = "rescore"       // somebody asked for jobs to be scored again
	ByLateReading Reason = "late_readings" // readings came after it was opened
	ByLateSuccess Reason = "late_success"  // a job was scored after it had been given up
	ByLostFile    Reason = "lost_file"     // a job's CSV is not the one that the ledger names
	ByCancel      Reason = "cancel"        // somebody cancelled it
)

// Epoch is a stretch of a run's life: from its opening, or from a change of a
// closed job, to the next such change.
type Epoch struct {
	Number   int
	Reason   Reason
	OpenedAt time.Time
	// EndedAt is when the run ended in this epoch; zero if it has not, or if
	// it was open still when the next epoch began.
	EndedAt time.Time
	Jobs    int // that it opened or re-opened
}

// Settings are the settings that shape what a run predicts and what it ends as. A run
// keeps those of its opening, so that it can be repeated.
type Settings struct {
	Aggregate string `json:"aggregate"`  // how readings become rows, as SCORE_AGGREGATE says it; empty where each reading is a row
	MaxFailed string `json:"max_failed"` // how many jobs may fail, as SCORE_MAX_FAILED says it; empty for no limit
}

// Opening is the last opening of a run: its first, or the last one after an end.
// The run has been open since, or until its end.
type Opening struct {
	Epoch  int // that it began
	Reason Reason
	At     time.Time
}

// Run is one pass over a window.
type Run struct {
	ID       string
	Window   Window
	Kind     RunKind
	State    RunState
	Epoch    int    // grows by one whenever an ended or closed part is re-opened
	Reason   Reason // of that epoch
	Settings Settings
	OpenedAt time.Time // for the first time
	EndedAt  time.Time // zero while open
	// Covered says that it was requested, and that a scheduled run judges some of its
	// time: sums over runs leave it out.
	Covered bool

	Opening Opening
}

// reopenMargin is the time before the deletion of a run in which it is not re-opened.
// So a run that is re-opened has a day to be scored while its files are there.
const reopenMargin = 24 * time.Hour

// Reopenable returns a time: a run may be re-opened now if it was first opened then or
// later. The predictions of older runs are deleted, or will be within a day, since they
// are kept for retention. A retention of 0 keeps them for ever, and Reopenable returns
// the zero time.
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

// EndState returns the state in which a run ends whose jobs are all closed:
// cancelled if it was being cancelled, failed if nothing was scored and
// something went wrong or more went wrong than its settings allow, degraded if
// something went wrong, else succeeded.
func EndState(was RunState, c Counts, s Settings) RunState {
	wrong := c[BadModel] + c[BadData] + c[Failed]
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

// The states of a job: queued, or what became of it.
const (
	Queued    JobState = "queued"    // it waits, or is being scored
	Scored    JobState = "scored"    // its predictions are written
	NoData    JobState = "no_data"   // no reading in the window
	NoModel   JobState = "no_model"  // no model serves the sensor
	BadModel  JobState = "bad_model" // its model cannot be used
	BadData   JobState = "bad_data"  // its readings do not fit its model
	Failed    JobState = "failed"    // given up after repeated tries; a late success replaces it
	Cancelled JobState = "cancelled" // its run was cancelled before it was scored
)

// JobStates lists every state, in the order in which people read them.
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

// JobKey is the name of a job at a revision, as messages carry it.
type JobKey struct {
	ID
	Revision int `json:"revision"` // how often the job was opened again
}

// Job is one subject in one run.
type Job struct {
	Run string
	JobKey
	// Lookback is how long before the window readings count for the job's rows, in
	// whole seconds. A late reading there re-opens the job.
	Lookback time.Duration
	State    JobState
	Epoch    int       // of the run, when this job was opened, re-opened or scored after all
	SentAt   time.Time // when a message for this revision was last sent; zero if not yet
	Sends    int       // how often at this revision
	ClosedAt time.Time // zero while queued
	Outcome            // zero while queued
}

// Reopened is what re-opening did to a run.
type Reopened struct {
	Run   string
	Again int // jobs re-opened
	Added int // jobs that were missing
}

// Outcome is what closes a job. Result is the state to close it in.
type Outcome struct {
	Result    JobState
	Rows      int // predictions written
	Anomalies int // of these
	// Anomalous are the first of them. Only the closing of a job carries them; what
	// reads jobs leaves them out.
	Anomalous    AnomalousRows
	EmptyBuckets int           // buckets without a row, when aggregating
	Duration     time.Duration // of the try that closed it
	Model        string        // blob name of the model used
	ModelSHA256  string        // lower-case hex
	// AttributesSHA256 is that of the attributes of the device which the rows were
	// made of, lower-case hex; empty if they were made of none.
	AttributesSHA256 string
	CSVSHA256        string // lower-case hex; empty if no file was written
	Error            string // what a person needs to mend it; empty if scored
}

// Attempt is a try at a job that ended in an error which a later try may not
// meet. Attempts are kept so that a job given up can say why.
type Attempt struct {
	At  time.Time
	Own bool // the error lies in the job itself, not in storage, SQL, network or time
	Err string
}

// DeviceSum sums the jobs that a run has of one device.
type DeviceSum struct {
	Device    string
	Jobs      int
	Queued    int // of the jobs
	Scored    int
	Failed    int // bad_model, bad_data or failed
	Rows      int // predictions
	Anomalies int // of these
}

// Add adds what jobs in another run came to.
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
	BySlowest JobOrder = "slowest" // what took longest first
)

// Serving is a registered model with what it serves.
type Serving struct {
	Model
	Subjects int // that have jobs for it
}

// Version is what jobs that one version of a model scored came to.
type Version struct {
	SHA256      string
	First, Last time.Time // where the windows of its first and last job begin
	Jobs        int
	Rows        int
	Anomalies   int
}
