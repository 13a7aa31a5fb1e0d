package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/spawn"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

type runFlags struct {
	dist, models, out string
	data              []string
	files             dataFlags
	devices           int
	seed              uint64
	aggregate         string
	timeout           time.Duration
	verbose, asJSON   bool
}

func runCommand(c console) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the whole pipeline once on this machine",
		Long: `Run the whole pipeline once on this machine: start storage (Azurite), a Functions host
and the handler; publish models; send readings to an event hub; score them when all
are stored; write the predictions to a folder; stop everything.

Without --data and --models it scores a simulated fleet with known anomalies. With them
it scores your own fleet: --data are files of readings, --models is a folder of models
as models publish takes it, such as {device}/{sensor}.pkl. The window is the whole
time range of the data.` + dataHelp,
		Example: `  fleetscore run
  fleetscore run --devices 25
  fleetscore run --data readings.csv --models models --out out`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (len(f.data) == 0) != (f.models == "") {
				return usageError{errors.New("--data and --models go together: the readings, and a folder with a model per sensor")}
			}
			var in input = simulatedFleet(f.seed, f.devices)
			if slices.Contains(f.data, "-") { // files are read twice, but stdin can be read only once
				stdin, remove, err := tabular.Spool(c.in)
				if err != nil {
					return fmt.Errorf("read stdin: %w", err)
				}
				defer remove()
				c.in = stdin
			}
			if len(f.data) > 0 {
				var err error
				if in, err = c.openOwn(&f.files, f.data, f.models); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), f.timeout, fmt.Errorf("not done after %v (--timeout)", f.timeout))
			defer cancel()
			return c.runOnce(ctx, f, in)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.data, "data", nil, "file, folder or pattern of your readings; may be given several times")
	f.files.add(cmd)
	flags.StringVar(&f.models, "models", "", "folder of your models")
	flags.StringVar(&f.out, "out", "out", "folder for the predictions, {device}/{name}.csv")
	flags.IntVar(&f.devices, "devices", 3, "number of simulated devices, with four sensors each")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the simulated fleet")
	flags.StringVar(&f.aggregate, "aggregate", "", "score aggregates, such as 5m:mean,max (setting SCORE_AGGREGATE)")
	flags.StringVar(&f.dist, "dist", "dist", "folder of the built application (make build)")
	flags.DurationVar(&f.timeout, "timeout", 30*time.Minute, "give up after this time")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show the host's log")
	jsonFlag(cmd, &f.asJSON)
	return cmd
}

// never is a schedule that is very unlikely to fire: this command opens its run itself.
const never = "0 0 0 29 2 *"

// runOnce starts the stack, runs the pipeline once with in, and writes the report.
func (c console) runOnce(ctx context.Context, f runFlags, in input) error {
	say := c.out
	if f.asJSON {
		say = c.err
	}
	opt := stackOptions{dist: f.dist, settings: map[string]string{
		"SCORE_SCHEDULE": never, "SCORE_AGGREGATE": f.aggregate, "SCORE_SENSORS_PER_MESSAGE": perMessage(in.sensors()),
		"AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.200", // here nobody pays for each look at a queue
	}}
	if f.verbose {
		opt.log = slog.NewTextHandler(c.err, nil)
	}
	started := time.Now()
	s, err := startStack(ctx, opt)
	if err != nil {
		return err
	}
	ctx, cancel := s.watch(ctx)
	defer cancel(nil)
	r, err := c.pipeline(ctx, say, s, in, f.out)
	if err != nil && context.Cause(ctx) != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	if closed := s.close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%w\nthe host's log is %s", err, s.logName())
	}
	r.Seconds = time.Since(started).Seconds()
	if err := os.RemoveAll(s.dir); err != nil {
		return err
	}
	if f.asJSON {
		err = c.writeJSON(r)
	} else {
		err = r.write(c.out)
	}
	return errors.Join(err, r.err())
}

// pipeline publishes the models, sends the readings, opens a run, waits for its end, and
// copies the predictions to the folder out.
func (c console) pipeline(ctx context.Context, say io.Writer, s *stack, in input, out string) (r report, err error) {
	fmt.Fprintf(say, "host         %s, storage on port %d\n", s.host.URL(), s.storage.BlobPort)
	publishing := s.publish(ctx, in)
	sending := time.Now()
	bar := c.progress("sending readings", in.readings())
	err = s.hub.Send(ctx, in.each(), bar.add)
	bar.end()
	if err == nil {
		err = s.stored(ctx)
	}
	sent := time.Since(sending)
	models := <-publishing
	if models.err != nil {
		return r, fmt.Errorf("publish models: %w", models.err)
	}
	if err != nil {
		return r, err
	}
	for _, b := range models.bad {
		fmt.Fprintf(c.err, "warning: %s\n", b)
	}
	fmt.Fprintf(say, "models       %d published\n", models.count)
	refused, err := s.refused(ctx)
	if err != nil {
		return r, err
	}
	fmt.Fprintf(say, "readings     %d through the event hub into SQL, %d ms\n", in.readings()-len(refused), sent.Milliseconds())
	for _, letter := range firstFew(refused) {
		fmt.Fprintf(c.err, "warning: refused: %s\n", letter)
	}
	run, err := c.score(ctx, s, in.window())
	if err != nil {
		return r, err
	}
	fmt.Fprintf(say, "run          %s %s, %s\n", run.ID, run.State, took(run))
	r = report{Run: run, Refused: len(refused), Out: out}
	if r.Jobs, err = s.api.jobs(ctx, run.ID, ""); err != nil {
		return r, err
	}
	return r, r.collect(ctx, s.account.Blobs(), in)
}

// published is what became of the models.
type published struct {
	count int
	bad   []string // a line for each file that cannot be used
	err   error
}

// publish begins to publish the models. The readings can be sent meanwhile.
func (s *stack) publish(ctx context.Context, in input) <-chan published {
	done := make(chan published, 1)
	spawn.Go(func() error {
		var p published
		p.err = spawn.Catch(func() (err error) {
			p.count, p.bad, err = in.publish(ctx, s.account.Blobs())
			return err
		})
		done <- p
		return nil
	})
	return done
}

// score opens the run over w, and waits until it has ended.
func (c console) score(ctx context.Context, s *stack, w fleet.Window) (runs.Run, error) {
	run, err := s.api.open(ctx, w.From, w.To)
	if err != nil {
		return run.Run, err
	}
	bar := c.progress("scoring sensors", run.Progress.Jobs)
	defer bar.end()
	return s.api.wait(ctx, run.ID, bar)
}

// perMessage returns the number of sensors in a queue message. With it the queue holds about
// 64 messages at most. Azurite takes 3 ms of its one thread for each.
func perMessage(sensors int) string { return fmt.Sprint(min(sensors/64+1, fleet.MaxJobsPerMessage)) }
