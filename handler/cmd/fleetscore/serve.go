package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/simulate"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

type serveFlags struct {
	dist, dir     string
	port, events  int
	schedule      string
	fleet         simulate.Fleet
	idle, verbose bool
	enableAuth    bool
}

func serveCommand(c console) *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the whole application on this machine",
		Long: `Run the whole application on this machine until Ctrl-C: storage (Azurite), a Functions
host on port 7071, and the handler. A simulated fleet sends readings, and a window is
scored each minute.

Meanwhile other commands in the same folder use its storage, database and event hub:
models publish, models list, runs list, simulate and others.`,
		Example: `  fleetscore serve
  fleetscore serve --idle --dir state          no simulated fleet; the next start continues
  fleetscore serve --schedule '0 */5 * * * *'  score a window each five minutes`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := check(f.fleet); err != nil {
				return err
			}
			return c.serve(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	fleetFlags(cmd, &f.fleet)
	flags.Lookup("every").DefValue = "2s"
	f.fleet.Every = 2 * time.Second
	flags.BoolVar(&f.idle, "idle", false, "do not simulate a fleet")
	flags.StringVar(&f.schedule, "schedule", "0 * * * * *", "schedule, an NCRONTAB expression; a window ends whenever it fires (setting SCORE_SCHEDULE)")
	flags.IntVar(&f.port, "port", 7071, "port of the Functions host")
	flags.IntVar(&f.events, "event-port", 0, "port of the event hub (default 7072, or any free one if that is taken)")
	flags.BoolVar(&f.enableAuth, "enableAuth", false, "ask HTTP callers for a function key, as Azure does (named as in Core Tools)")
	flags.StringVar(&f.dir, "dir", "", "keep everything in this folder: readings, runs, models, predictions (default: a temporary one)")
	flags.StringVar(&f.dist, "dist", "dist", "folder of the built application (make build)")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show the host's log, not only its warnings")
	return cmd
}

func (c console) serve(ctx context.Context, f serveFlags) (err error) {
	began := time.Now()
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelInfo
	}
	settings := map[string]string{"SCORE_SCHEDULE": f.schedule, "SCORE_TICK": "*/10 * * * * *", "SCORE_DELAY": "5s"}
	for _, s := range config.Settings { // the caller's settings say how events are read
		if v := c.getenv(s.Name); v != "" && strings.HasPrefix(s.Name, "INGEST_") {
			settings[s.Name] = v
		}
	}
	other := servedURL()
	s, err := startStack(ctx, stackOptions{
		dist: f.dist, dir: f.dir, httpPort: f.port, eventPort: cmp.Or(f.events, preferred(7072)), auth: f.enableAuth,
		ports:    [3]int{preferred(10000), preferred(10001), preferred(10002)},
		settings: settings,
		log:      slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: level}),
	})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, s.close())
		if other == "" {
			err = errors.Join(err, writeServed(nil))
		}
		if f.dir == "" && err == nil {
			err = os.RemoveAll(s.dir)
		}
	}()
	if other != "" {
		fmt.Fprintf(c.out, "another serve runs in this folder, at %s/api/: other commands use that one, and this one only by --url %s\n", other, s.host.URL())
	} else if err := s.announce(); err != nil {
		return err
	}
	ctx, cancel := s.watch(ctx)
	defer cancel(nil)
	c.welcome(s, f)
	var from time.Time // the time of the first reading that is sent
	if !f.idle {
		if err := publishFleet(ctx, s.account.Blobs(), f.fleet); err != nil {
			return err
		}
		from = time.Now().UTC().Truncate(time.Second)
		spawn.Go(func() error {
			if err := spawn.Catch(func() error { return sendLive(ctx, s.hub, f.fleet, from) }); err != nil {
				cancel(err)
			}
			return nil
		})
	}
	if err := c.tell(ctx, s, f, began, from); ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	fmt.Fprintln(c.out, "\nstopping")
	return nil
}

// announce writes for other commands where the stack is.
func (s *stack) announce() error {
	address, err := url.Parse(s.host.URL())
	if err != nil {
		return err
	}
	announced := maps.Clone(s.settings)
	announced[servedPort] = address.Port()
	return writeServed(announced)
}

func (c console) welcome(s *stack, f serveFlags) {
	fmt.Fprintf(c.out, "page         %s/api/ (fleetscore open)\n", s.host.URL())
	if s.api.key != "" {
		fmt.Fprintf(c.out, "key          %s (header x-functions-key, or FLEETSCORE_KEY for fleetscore runs)\n", s.api.key)
	}
	fmt.Fprintf(c.out, "storage      Azurite, blobs on port %d, queues on port %d\n", s.storage.BlobPort, s.storage.QueuePort)
	fmt.Fprintf(c.out, "event hub    %s/%s/messages, and as IoT Hub /devices/{device}/messages/events\n", s.host.EventsURL(), s.settings["EVENTHUB_NAME"])
	fmt.Fprintf(c.out, "database     %s\n", s.settings["SQL_DSN"])
	if !f.idle {
		fmt.Fprintf(c.out, "fleet        %d sensors, a reading each %v, and a device model of each machine\n", len(f.fleet.Sensors()), f.fleet.Every)
	}
	fmt.Fprintf(c.out, "log          %s\n\nWindows end at %q and are scored within seconds. Ctrl-C stops everything.\n\n", s.logName(), f.schedule)
}

// tell prints a line for each run that has ended since began, until ctx ends. After an error of the
// API it asks again, as the handler may be starting. from is the time of the first
// reading of the simulated fleet.
func (c console) tell(ctx context.Context, s *stack, f serveFlags, began, from time.Time) error {
	told := make(map[string]int) // per run: the last epoch that was printed
	for {
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
		var list runs.RunList
		if err := s.api.call(ctx, http.MethodGet, "/runs", url.Values{"limit": {"5"}}, nil, &list); err != nil {
			continue // the handler is starting, or starting again; the host's log says more
		}
		for _, r := range list.Runs {
			epoch, ok := told[r.ID]
			if r.State.Open() || ok && epoch == r.Epoch || r.EndedAt.Before(began) {
				continue
			}
			jobs, err := s.api.jobs(ctx, r.ID, "")
			if err != nil {
				continue // as above; it is printed a second later
			}
			told[r.ID] = r.Epoch
			c.tellRun(r, jobs, f, from)
		}
	}
}

func (c console) tellRun(r runs.Run, jobs []runs.Job, f serveFlags, from time.Time) {
	rows, anomalies := 0, 0
	for _, j := range jobs {
		rows += j.Rows
		anomalies += j.Anomalies
	}
	fmt.Fprintf(c.out, "%s  %s  %s: %s, %d anomalies%s", time.Now().Format(time.TimeOnly), r.ID, r.State, totals(jobs, rows), anomalies, unscored(jobs))
	if !f.idle && r.Kind == fleet.Scheduled && r.To.After(from) { // what an earlier serve sent is not known here
		sent, known := fleet.Window{From: r.From, To: r.To}, 0
		if sent.From.Before(from) {
			sent.From = from
		}
		for sample := range f.fleet.Samples(sent) {
			if sample.Anomaly {
				known++
			}
		}
		for row := range f.fleet.Rows(sent) {
			if row.Anomaly {
				known++
			}
		}
		fmt.Fprintf(c.out, " (%d known)", known)
	}
	fmt.Fprintf(c.out, ", %s\n", took(r))
}

// preferred returns port if it is free. Otherwise it returns 0, which means any free
// port.
func preferred(port int) int {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return 0
	}
	l.Close()
	return port
}
