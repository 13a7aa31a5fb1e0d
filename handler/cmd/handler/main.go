// Handler is the production binary: the custom handler that the Azure Functions host starts. One
// process serves all functions.
//
// It takes its port and its settings from the environment, and runs until the host kills it. It
// never exits with code 0, except for handler --version, because after code 0 the host would not
// start it again.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/fleetscore/fleetscore/handler/cmd/printable"
	"github.com/fleetscore/fleetscore/handler/version"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("handler", version.String())
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintf(&printable.Writer{To: os.Stderr}, "handler: %v\n", err)
	}
	os.Exit(1)
}
