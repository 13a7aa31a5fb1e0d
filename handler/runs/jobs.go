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

// Job is a job: one sensor or device model in one run. Which members there are depends
// on its state.
type Job struct {
	Run string `json:"run"` // the id of the run
	fleet.JobKey
	State        fleet.JobState `json:"state"`                  // queued, or how it was closed
	SentAt       time.Time      `json:"sent_at,omitzero"`       // when its message was last sent at this revision
	Sends        int            `json:"sends"`                  // how often its message was sent at this revision
	ClosedAt     time.Time      `json:"closed_at,omitzero"`     // when it was closed; left out while it is queued
	Rows         int            `json:"rows"`                   // how many rows it predicted
	Anomalies    int            `json:"anomalies"`              // how many of the rows are anomalies
	EmptyBuckets int            `json:"empty_buckets"`          // how many buckets of its aggregation had no reading
	DurationMS   float64        `json:"duration_ms"`            // how many milliseconds the attempt took that closed it
	Model        string         `json:"model,omitempty"`        // the model that was used: the name of a blob in the container models
	ModelSHA256  string         `json:"model_sha256,omitempty"` // the SHA-256 of that model, in lower-case hex
	File         string         `json:"file,omitempty"`         // its predictions: the name of a CSV in the container preds
	SHA256       string         `json:"sha256,omitempty"`       // the SHA-256 of that CSV, in lower-case hex
	Error        string         `json:"error,omitempty"`        // why it was not scored
	ErrorLog     string         `json:"error_log,omitempty"`    // its error log: the name of a blob in the container logs
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
	ID    string         `path:"id" json:"-" example:"20260301T060000Z-20260301T070000Z"`  // the id of the run
	State fleet.JobState `query:"state" json:"-"`                                          // only jobs in this state; all if it is left out
	After string         `query:"after" json:"-" example:"plant1%2Fpump-07/current"`       // the member "next" of the page before: only jobs after this device/name
	Limit int            `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"` // how many jobs a page has at most: 1 to 1000
	// The order: the greatest share of anomalies first, or what took longest first, and no
	// second page. The order is that of device and name, page by page, if it is left out.
	Sort fleet.JobOrder `query:"sort" json:"-"`
}

// JobList is a page of jobs: by device and name, as the database sorts them, or in the
// order that was asked for.
type JobList struct {
	Jobs []Job `json:"jobs"` // the jobs of this page
	// The parameter "after" of the next page. It is left out on the last page.
	Next string `json:"next,omitempty"`
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
	ID     string `path:"id" json:"-" example:"20260301T060000Z-20260301T070000Z"`   // the id of the run
	Device string `query:"device" json:"-" required:"true" example:"plant1/pump-07"` // the name of the device
	Name   string `query:"name" json:"-" required:"true" example:"current"`          // the name of the sensor or device model
}

// JobDetail is a job with its failed attempts.
type JobDetail struct {
	Job
	Attempts []ledger.Attempt `json:"attempts"`      // the attempts that failed at this revision, the first one first
	Log      *ledger.ErrorLog `json:"log,omitempty"` // the content of its error log; left out if it has none or it is deleted
}

// maxErrorLog is the largest error log that is read, in bytes.
const maxErrorLog = 1 << 20

// job returns the job of a sensor or device model. The error wraps [fleet.ErrNotFound] if the
// run has none.
func (a *API) job(ctx context.Context, run, device, name string) (fleet.Job, error) {
	for _, id := range []fleet.ID{{Device: device, Sensor: name}, {Device: device, DeviceModel: name}} {
		work, err := a.Overview.Work(ctx, run, []fleet.ID{id})
		if err != nil {
			return fleet.Job{}, err
		}
		if len(work) > 0 {
			return work[0].Job, nil
		}
	}
	return fleet.Job{}, fmt.Errorf("run %s: %w: it has no job of %s", run, fleet.ErrNotFound, fleet.ID{Device: device, Sensor: name})
}

// Job returns a job with its attempts and its error log.
func (a *API) Job(ctx context.Context, req JobRequest) (JobDetail, error) {
	if _, err := fleet.ParseRunID(req.ID); err != nil {
		return JobDetail{}, err
	}
	job, err := a.job(ctx, req.ID, req.Device, req.Name)
	if err != nil {
		return JobDetail{}, err
	}
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
