package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// Job is a job as the API shows it. Which members there are depends on its state.
type Job struct {
	Run string `json:"run"`
	fleet.JobKey
	State        fleet.JobState `json:"state"`
	SentAt       time.Time      `json:"sent_at,omitzero"` // at this revision
	Sends        int            `json:"sends"`            // likewise
	ClosedAt     time.Time      `json:"closed_at,omitzero"`
	Rows         int            `json:"rows"`
	Anomalies    int            `json:"anomalies"`
	EmptyBuckets int            `json:"empty_buckets"`
	DurationMS   float64        `json:"duration_ms"`
	Model        string         `json:"model,omitempty"` // in the container models
	ModelSHA256  string         `json:"model_sha256,omitempty"`
	File         string         `json:"file,omitempty"` // in the container preds
	SHA256       string         `json:"sha256,omitempty"`
	Error        string         `json:"error,omitempty"`
	ErrorLog     string         `json:"error_log,omitempty"` // in the container logs
}

func newJob(j fleet.Job) Job {
	job := Job{
		Run:          j.Run,
		JobKey:       j.JobKey,
		State:        j.State,
		SentAt:       j.SentAt,
		Sends:        j.Sends,
		ClosedAt:     j.ClosedAt,
		Rows:         j.Rows,
		Anomalies:    j.Anomalies,
		EmptyBuckets: j.EmptyBuckets,
		DurationMS:   float64(j.Duration) / float64(time.Millisecond),
		Model:        j.Model,
		ModelSHA256:  j.ModelSHA256,
		SHA256:       j.CSVSHA256,
		Error:        j.Error,
	}
	if j.State == fleet.Scored {
		job.File = ledger.CSVName(j.Run, j.ID)
	}
	if ledger.HasErrorLog(j.State) {
		job.ErrorLog = ledger.ErrorLogName(j.Run, j.JobKey)
	}
	return job
}

// JobsRequest asks for jobs of a run.
type JobsRequest struct {
	ID    string         `path:"id" json:"-"`
	State fleet.JobState `query:"state" json:"-"` // only jobs in this state; all if empty
	After string         `query:"after" json:"-"` // only sensors after this device/sensor
	Limit int            `query:"limit" json:"-"` // 1 to 1000, 100 if zero
	// Sort is empty, for the order of device and sensor, page by page; or worst or
	// slowest, for the first of that order alone.
	Sort fleet.JobOrder `query:"sort" json:"-"`
}

// JobList is a page of jobs, by device and sensor, in the order of the database,
// or in the order that was asked for.
type JobList struct {
	Jobs []Job  `json:"jobs"`
	Next string `json:"next,omitempty"` // what After is to be for the next page
}

// Jobs returns a page of a run's jobs.
func (a *API) Jobs(ctx context.Context, req JobsRequest) (JobList, error) {
	limit, after, err := req.page()
	if err != nil {
		return JobList{}, err
	}
	if _, err := a.Ledger.Run(ctx, req.ID); err != nil {
		return JobList{}, fmt.Errorf("run %s: %w", req.ID, err)
	}
	var jobs []fleet.Job
	if req.Sort == fleet.ByName {
		jobs, err = a.Ledger.JobsPage(ctx, req.ID, req.State, after, limit)
	} else {
		jobs, err = a.Overview.JobsTop(ctx, req.ID, req.State, req.Sort, limit)
	}
	if err != nil {
		return JobList{}, err
	}
	list := JobList{Jobs: make([]Job, len(jobs))}
	for i, j := range jobs {
		list.Jobs[i] = newJob(j)
	}
	if len(jobs) == limit && req.Sort == fleet.ByName {
		list.Next = jobs[limit-1].ID.String()
	}
	return list, nil
}

func (req JobsRequest) page() (limit int, after fleet.ID, err error) {
	if _, err = fleet.ParseRunID(req.ID); err != nil {
		return 0, after, err
	}
	if err := validStates(req.State); req.State != "" && err != nil {
		return 0, after, err
	}
	if after, err = afterID(req.After); err != nil {
		return 0, after, err
	}
	switch {
	case req.Sort != fleet.ByName && req.Sort != fleet.ByWorst && req.Sort != fleet.BySlowest:
		return 0, after, fmt.Errorf("%w: sort %.40q: it is worst or slowest, or left out", fleet.ErrInvalid, req.Sort)
	case req.Sort != fleet.ByName && req.After != "":
		return 0, after, fmt.Errorf("%w: after goes with the order of names, not with sort %q: ask for a higher limit", fleet.ErrInvalid, req.Sort)
	}
	limit, err = pageLimit(req.Limit)
	return limit, after, err
}

func validStates(states ...fleet.JobState) error {
	for _, s := range states {
		if !s.Valid() {
			return fmt.Errorf("%w: state %.80q is none of %v", fleet.ErrInvalid, s, fleet.JobStates)
		}
	}
	return nil
}

// JobRequest names a job.
type JobRequest struct {
	ID     string `path:"id" json:"-"`
	Device string `query:"device" json:"-"`
	Name   string `query:"name" json:"-"` // of the sensor or device model
}

// JobDetail is a job with what was tried.
type JobDetail struct {
	Job
	Attempts []ledger.Attempt `json:"attempts"` // at this revision, the first first
	// Log is its error log, if it has one and it is there.
	Log *ledger.ErrorLog `json:"log,omitempty"`
}

// maxErrorLog is how much of an error log is read.
const maxErrorLog = 1 << 20

// Job returns a job with its attempts and its error log.
func (a *API) Job(ctx context.Context, req JobRequest) (JobDetail, error) {
	if _, err := fleet.ParseRunID(req.ID); err != nil {
		return JobDetail{}, err
	}
	var work []fleet.Work
	for _, id := range []fleet.ID{{Device: req.Device, Sensor: req.Name}, {Device: req.Device, DeviceModel: req.Name}} {
		var err error
		if work, err = a.Overview.Work(ctx, req.ID, []fleet.ID{id}); err != nil {
			return JobDetail{}, err
		}
		if len(work) > 0 {
			break
		}
	}
	if len(work) == 0 {
		return JobDetail{}, fmt.Errorf("run %s: %w: it has no job of %s/%s", req.ID, fleet.ErrNotFound, req.Device, req.Name)
	}
	job := work[0].Job
	attempts, err := a.Overview.Attempts(ctx, req.ID, job.JobKey)
	if err != nil {
		return JobDetail{}, err
	}
	d := JobDetail{Job: newJob(job), Attempts: make([]ledger.Attempt, len(attempts))}
	for i, t := range attempts {
		d.Attempts[i] = ledger.Attempt{At: t.At, Own: t.Own, Error: t.Err}
	}
	if d.ErrorLog == "" {
		return d, nil
	}
	data, _, err := a.Files.Read(ctx, blob.Logs, d.ErrorLog, "", maxErrorLog)
	switch {
	case errors.Is(err, blob.ErrNotFound): // the retention may have deleted it
		return d, nil
	case err != nil:
		return JobDetail{}, err
	}
	d.Log = &ledger.ErrorLog{}
	if err := json.Unmarshal(data, d.Log); err != nil {
		return JobDetail{}, fmt.Errorf("logs/%s: %w", d.ErrorLog, err)
	}
	return d, nil
}
