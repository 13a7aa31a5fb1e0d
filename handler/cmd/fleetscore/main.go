// Fleetscore is the command line of the application. It runs the whole pipeline on this
// machine, simulates a fleet of sensors, checks and publishes models, and shows the
// results of runs.
//
// Each command is in a file of its name. fleetscore COMMAND --help shows how to use it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}
