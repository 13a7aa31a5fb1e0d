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

// console is the input, output and environment of a command.
type console struct {
	getenv   func(string) string
	in       io.Reader
	out, err io.Writer // stdout and stderr, with control characters escaped
	screen   io.Writer // stderr without escaping, for the progress bar
}

// run executes a command line. It returns the exit code: 0 for success, 1 for an error,
// 2 for a command line that is not valid.
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
		fmt.Fprintln(stderr, "Is it running? fleetscore serve starts everything on this machine; --storage, SQL_DSN and the other settings name services elsewhere.")
	}
	return 1
}

func newRoot(c console) *cobra.Command {
	root := &cobra.Command{
		Use:   "fleetscore",
		Short: "Score a fleet of machines, each with its own Python models",
		Long: `Score a fleet of machines, each with its own Python models.

Sensors send readings to Event Hubs. On a schedule, the application scores each sensor,
or all sensors of a machine together, with model files that scikit-learn, XGBoost,
LightGBM or PyOD wrote. It reads these files as data, and runs nothing in them. The
predictions are CSV files in Blob storage.

This command runs all of it on this machine, and works with an app in Azure.`,
		Example: `  fleetscore run                        score a simulated fleet
  fleetscore run --data readings.csv --models models --out out    score your own
  fleetscore models inspect model.pkl   show what is in a model file, without running it
  fleetscore serve                      keep it running, with its page at http://localhost:7071/api/`,
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

// usageError is an error in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// arguments checks that there is an argument for each name. The error names the first
// that is missing.
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

// group returns a command that only has subcommands.
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

// terminal reports whether stderr is a terminal.
func (c console) terminal() bool {
	f, ok := c.screen.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
