// Handler is the production binary: the custom handler that the Azure
// Functions host starts, one process for all functions.
//
// It takes its port and settings from the environment and its end from the
// host, which kills it. Exit code 0 would mean that it is not wanted again, so
// it never ends with that.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/fleetscore/fleetscore/handler/cmd/printable"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintf(&printable.Writer{To: os.Stderr}, "handler: %v\n", err)
	}
	os.Exit(1)
}
