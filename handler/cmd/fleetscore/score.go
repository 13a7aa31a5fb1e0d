package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/offline"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/series"
)

type scoreFlags struct {
	files     dataFlags
	window    windowFlags
	memory    *series.Options
	out       string
	aggregate string
	lookback  time.Duration
	asJSON    bool
}

func scoreCommand(c console) *cobra.Command {
	var f scoreFlags
	cmd := &cobra.Command{
		Use:   "score DATA... MODELS",
		Short: "Score files of readings with a folder of models, without any service",
		Long: `Score files of readings with a folder of models on all cores of this machine. No
Functions host, storage, queue or SQL is needed. The predictions are the same bytes as
those of a run over the same window. Without --from and --to the window is the whole
time range of the data. Readings may be in any order. Readings that exceed
--readings-memory go to temporary files.

MODELS is a folder as models publish takes it: {device}/{sensor}.pkl,
{device}/{name}.pkl with {name}.features.json, _fleet/{name}.zip, default.pkl,
devices.csv and so on.

The predictions go to {device}/{sensor}.csv in the folder --out. If a sensor or device
model cannot be scored, its error log is in _errors/, and the others are scored.
manifest.json is written last; it lists all files of the result. The exit code is 1 if
a sensor or device model failed. One without a model or without readings has not
failed. If nothing at all was scored, the exit code is 1 too.` + dataHelp,
		Example: `  fleetscore score readings.csv models -o out
  fleetscore score data/2026-*.parquet models -o out --aggregate 5m:mean,max --readings-memory 4096`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{errors.New("DATA or MODELS is missing: name files of readings, and then a folder of models")}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.out, "out", "o", "out", "folder for the predictions")
	flags.StringVar(&f.aggregate, "aggregate", "", "score aggregates, such as 5m:mean,max (setting SCORE_AGGREGATE)")
	flags.DurationVar(&f.lookback, "max-lookback", 0, "longest time that a model's rows may look back before the window (default: 192h)")
	f.window.add(cmd, "the window")
	f.files.add(cmd)
	f.memory = memoryFlags(cmd)
	jsonFlag(cmd, &f.asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		last := len(args) - 1
		return c.scoreFiles(cmd.Context(), f, args[:last], args[last])
	}
	return cmd
}

// scored is the output of score --json.
type scored struct {
	Run      string         `json:"run"`
	State    fleet.RunState `json:"state"`
	Jobs     []runs.Job     `json:"jobs"`
	Readings int            `json:"readings"` // in the files
	// Conflicts is the number of readings that were left out because an earlier reading
	// of the same sensor and time has another value.
	Conflicts int     `json:"conflicts"`
	Out       string  `json:"out"`
	Seconds   float64 `json:"seconds"`
}

func (c console) scoreFiles(ctx context.Context, f scoreFlags, data []string, models string) (err error) {
	began := time.Now()
	if _, err := fleet.ParseAggregation(f.aggregate); err != nil {
		return usageError{fmt.Errorf("--aggregate: %w", err)}
	}
	window, given, err := f.window.window()
	if err != nil {
		return err
	}
	if info, err := os.Stat(models); err != nil {
		return err
	} else if !info.IsDir() {
		return usageError{fmt.Errorf("%s is not a folder: the last argument must be the folder of models", models)}
	}
	set, err := c.readSeries(ctx, &f.files, f.memory, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, set.Close()) }()
	if !given {
		first, last := set.Span()
		if window, err = outwards(first, last+1); err != nil {
			return err
		}
	}
	s := &offline.Scoring{
		Readings: set, Window: window, Settings: fleet.Settings{Aggregate: f.aggregate}, MaxLookback: f.lookback, File: predictionsFile, Out: f.out,
	}
	if s.Models, s.Attributes, err = c.candidates(ctx, models, set.IDs()); err != nil {
		return fmt.Errorf("%s: %w", models, err)
	}
	var bar *progress
	s.Began = func(n int) { bar = c.progress("scoring", n) }
	s.Done = func() { bar.add(1) }
	result, err := s.Score(ctx)
	bar.end()
	if err != nil {
		return err
	}
	_, different := set.Copies()
	if different > 0 {
		fmt.Fprintf(c.err, "warning: %d readings have another value than an earlier one of the same sensor and time; they are left out\n", different)
	}
	if n := len(result.Unused); n > 0 {
		fmt.Fprintf(c.err, "warning: %d of %d models are for no sensor in the data: %s\n", n, len(s.Models), strings.Join(firstFew(result.Unused), ", "))
	}
	r := scored{Run: result.Run.ID, State: result.Run.State, Readings: set.Len(), Conflicts: different, Out: f.out, Seconds: time.Since(began).Seconds()}
	for _, j := range result.Jobs {
		r.Jobs = append(r.Jobs, offlineJob(j))
	}
	if f.asJSON {
		err = c.writeJSON(r)
	} else {
		err = report{Run: runs.Run{ID: r.Run, State: r.State}, Jobs: r.Jobs, Out: f.out, Seconds: r.Seconds}.write(c.out)
	}
	if err := errors.Join(err, result.Err()); err != nil {
		return err
	}
	return nothingScored(result.Jobs, set)
}

// nothingScored returns an error if no job was scored. It says which readings there are.
func nothingScored(jobs []fleet.Job, set *series.Set) error {
	var list []runs.Job
	for _, j := range jobs {
		if j.State == fleet.Scored {
			return nil
		}
		list = append(list, offlineJob(j))
	}
	var devices []string
	for _, id := range set.IDs() {
		if !slices.Contains(devices, id.Device) {
			devices = append(devices, id.Device)
		}
	}
	first, last := set.Span()
	return fmt.Errorf("NOTHING WAS SCORED%s: the readings are from %s to %s, of the devices %s; the flags --time, --device, --sensor, --from and --to say how to read them",
		unscored(list), first, last, strings.Join(firstFew(devices), ", "))
}

// readSeries reads the readings of files, and sorts them. The caller must close the set.
func (c console) readSeries(ctx context.Context, flags *dataFlags, memory *series.Options, data []string) (_ *series.Set, err error) {
	files, err := flags.open(c, data)
	if err != nil {
		return nil, err
	}
	set := series.New(*memory)
	defer func() {
		if err != nil {
			err = errors.Join(err, set.Close())
		}
	}()
	bar := c.progress("reading", -1)
	defer bar.end()
	n := 0
	for r, err := range files.All() {
		if err == nil {
			err = set.Add(r)
		}
		if err != nil {
			return nil, err
		}
		if n++; n%(1<<16) == 0 {
			bar.add(1 << 16)
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	for _, w := range warnings(files.Report()) {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
	if set.Len() == 0 {
		return nil, fmt.Errorf("%s: no reading in %s", strings.Join(data, ", "), counts(files.Report()))
	}
	return set, set.Sort()
}

// offlineJob returns a job as the API shows it, with the paths of its files on disk.
func offlineJob(j fleet.Job) runs.Job {
	job := runs.Job{
		JobKey: j.JobKey, State: j.State, Rows: j.Rows, Anomalies: j.Anomalies, EmptyBuckets: j.EmptyBuckets,
		DurationMS: float64(j.Duration) / float64(time.Millisecond), Model: j.Model, ModelSHA256: j.ModelSHA256, SHA256: j.CSVSHA256, Error: j.Error,
	}
	file := filepath.ToSlash(predictionsFile(j.ID))
	if j.State == fleet.Scored {
		job.File = file
	}
	job.ErrorLog = filepath.ToSlash(offline.ErrorLogOf(file, j.State))
	return job
}
