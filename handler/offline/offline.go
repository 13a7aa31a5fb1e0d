package offline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/series"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Candidate is a model that may be used for some of the sensors or devices.
type Candidate struct {
	Name  string // the name that it would have in the container models
	File  string // the path of its file in the folder, for errors; empty: Name
	Place fleet.Place
	// Load reads the model, and returns the SHA-256 of its file in hexadecimal. Its errors
	// mean that the file is no valid model.
	Load func() (model.Loaded, string, error)
}

// Scoring says what to score, and where to write the predictions.
type Scoring struct {
	Readings   *series.Set // sorted
	Models     []Candidate
	Attributes features.Attributes
	Window     fleet.Window
	Settings   fleet.Settings
	// MaxLookback is the longest lookback of rows. 0 means [features.DefaultMaxLookback].
	MaxLookback time.Duration
	// File returns the path of a subject's predictions, relative to Out.
	File func(id fleet.ID) string
	Out  string // a folder
	// Began, if not nil, is called with the number of subjects.
	Began func(n int)
	// Done, if not nil, is called after each subject, by several goroutines.
	Done func()
}

// Result is the result of a [Scoring].
type Result struct {
	Run  fleet.Run // over the window; it has ended
	Jobs []fleet.Job
	// Unused are the names of the models that no subject uses.
	Unused []string
}

// ErrorLogs is the folder of the error logs, in Out. No device can have this name.
const ErrorLogs = "_errors"

// ErrorLogOf returns the path of a job's error log, relative to Out, or "" if a job in that
// state has none. File is the path of its predictions.
func ErrorLogOf(file string, state fleet.JobState) string {
	if !ledger.HasErrorLog(state) {
		return ""
	}
	return filepath.Join(ErrorLogs, strings.TrimSuffix(file, ".csv")+".json")
}

// Score scores all subjects. An error is one of the disk or of ctx. The error of a subject is
// in its job.
func (s *Scoring) Score(ctx context.Context) (Result, error) {
	aggregation, err := fleet.ParseAggregation(s.Settings.Aggregate)
	if err != nil {
		return Result{}, err
	}
	b := &batch{Scoring: s, aggregation: aggregation, cpu: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))}
	b.run = fleet.Run{ID: s.Window.RunID(), Window: s.Window, Kind: fleet.Requested, State: fleet.RunRunning, Settings: s.Settings}
	b.run.Reason, b.run.Opening.Reason = fleet.ByRequest, fleet.ByRequest
	if err := os.MkdirAll(s.Out, 0o755); err != nil {
		return Result{}, err
	}
	// Without a manifest, files of an earlier scoring are no predictions.
	if err := remove(filepath.Join(s.Out, "manifest.json")); err != nil {
		return Result{}, err
	}
	subjects, err := b.subjects()
	if err != nil {
		return Result{}, err
	}
	if s.Began != nil {
		s.Began(len(subjects))
	}
	jobs := make([]fleet.Job, len(subjects))
	g, ctx := spawn.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, subject := range subjects {
		g.Start(func() error {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			o, err := b.score(ctx, subject)
			if err != nil {
				return fmt.Errorf("score %v: %w", subject.ID, err)
			}
			jobs[i] = fleet.Job{Run: b.run.ID, JobKey: fleet.JobKey{ID: subject.ID}, State: o.Result, Outcome: o}
			if s.Done != nil {
				s.Done()
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return Result{}, err
	}
	return b.end(jobs)
}

// end writes the manifest, after all other files. It has its name when it is whole.
func (b *batch) end(jobs []fleet.Job) (Result, error) {
	name := filepath.Join(b.Out, "manifest.json")
	f, err := os.Create(name + ".part")
	if err != nil {
		return Result{}, err
	}
	totals, err := ledger.WriteManifest(f, b.run, func(yield func(fleet.Job, error) bool) {
		for _, j := range jobs {
			if !yield(j, nil) {
				return
			}
		}
	})
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(name+".part", name)
	}
	b.run.State = totals.State
	return Result{b.run, jobs, b.unused}, err
}

// batch is a scoring that is running.
type batch struct {
	*Scoring
	run         fleet.Run
	aggregation fleet.Aggregation
	cpu         *semaphore.Weighted
	models      []*candidate
	unused      []string
}

// subject is a subject with its model.
type subject struct {
	fleet.Subject
	model *candidate // or nil
}

// subjects returns the subjects that get a job, in the order of [fleet.CompareID].
func (b *batch) subjects() ([]subject, error) {
	var all []subject
	registry, err := b.registry()
	if err != nil {
		return nil, err
	}
	ids := b.Readings.IDs()
	for len(ids) > 0 {
		device := ids[0].Device
		n := slices.IndexFunc(ids, func(id fleet.ID) bool { return id.Device != device })
		if n < 0 {
			n = len(ids)
		}
		sensors := make([]string, n)
		for i, id := range ids[:n] {
			sensors[i] = id.Sensor
		}
		ids = ids[n:]
		for _, s := range fleet.Assign(device, sensors, registry.of(device), max(len(b.aggregation.Functions), 1)) {
			if !s.Judged {
				continue
			}
			found := subject{Subject: s}
			if s.Model > 0 {
				found.model = b.models[s.Model-1]
				found.model.users++
			}
			all = append(all, found)
		}
	}
	for _, m := range b.models {
		if m.users == 0 {
			b.unused = append(b.unused, m.Name)
		}
	}
	return all, nil
}

func remove(name string) error {
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
