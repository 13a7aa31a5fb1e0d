package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/fleetscore/fleetscore/handler/cmd/printable"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/version"
)

// console is a command's input, output and environment.
type console struct {
	getenv   func(string) string
	in       io.Reader
	out, err io.Writer // escape what is not printable
	screen   io.Writer // stderr as it is, for what draws on a terminal
}

// run executes the command line args and returns the exit code: 0 if all went
// well, 1 if not, 2 if args were not understood.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	screen := stderr
	stdout, stderr = &printable.Writer{To: stdout}, &printable.Writer{To: stderr}
	root := newRoot(console{getenv, stdin, stdout, stderr, screen})
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "fleetscore: %v\nSee %s --help\n", err, command.CommandPath())
		return 2
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "fleetscore: stopped")
		return 1
	}
	fmt.Fprintln(stderr, "fleetscore:", err)
	if errors.Is(err, fleet.ErrUnavailable) {
		fmt.Fprintln(stderr, "Is it running? fleetscore serve starts all of it here; --storage, SQL_DSN and the other settings name what runs elsewhere.")
	}
	return 1
}

func newRoot(c console) *cobra.Command {
	root := &cobra.Command{
		Use:   "fleetscore",
		Short: "Score a fleet of machines, each with its own Python models",
		Long: `Score a fleet of machines, each with its own Python models.

Sensors send readings to Event Hubs. On a schedule each sensor, or all sensors of a
machine together, are scored with the files that scikit-learn, XGBoost, LightGBM and
PyOD wrote; nothing in them runs. Predictions land in Blob storage.
Here, all of it runs on this machine.`,
		Example: `  fleetscore run                                     a simulated fleet, from nothing to predictions
  fleetscore run --data readings.csv --models models --out out    your own
  fleetscore models inspect model.pkl                what is in a model's file, without running it
  fleetscore serve                                   keep it running, with its page at http://localhost:7071/api/`,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(runCommand(c), serveCommand(c), simulateCommand(c), sendCommand(c), ingestCommand(c), deadLetterCommand(c), replayCommand(c), scoreCommand(c), featuresCommand(c), modelsCommand(c), runsCommand(c), sensorsCommand(c), devicesCommand(c), anomaliesCommand(c), backfillCommand(c), scheduleCommand(c), openCommand(c), migrateCommand(c), storageCommand(c),
		packageCommand(c), releaseCommand(c))
	return root
}

// usageError is a command line that was not understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// arguments wants as many arguments as names, and names what is missing.
func arguments(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < len(names) {
			return usageError{fmt.Errorf("%s is missing", names[len(args)])}
		}
		if len(args) > len(names) {
			return usageError{fmt.Errorf("unexpected argument %q", args[len(names)])}
		}
		return nil
	}
}

// group is a command that only has commands below it.
func group(name, short string, below ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: name, Short: short, Args: func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("%s has no command %q", name, args[0])}
		}
		return nil
	}, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	g.AddCommand(below...)
	return g
}

// jsonFlag adds the flag --json.
func jsonFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "write JSON, for scripts")
}

func (c console) writeJSON(v any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// terminal reports whether a person watches stderr, where progress is shown.
func (c console) terminal() bool {
	f, ok := c.screen.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
