package main

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
)

func openCommand(c console) *cobra.Command {
	api := new(client)
	var show bool
	cmd := &cobra.Command{
		Use:   "open",
		Short: "Open the page of the fleet in a browser",
		Long: `Open the page of the fleet in a browser. The address of an app in Azure contains the
function key. --print writes the address to stdout instead.`,
		Example: "  fleetscore open\n  azd exec go run ./handler/cmd/fleetscore open",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			address, err := api.page(cmd.Context())
			if err != nil {
				return err
			}
			if show {
				fmt.Fprintln(c.out, address)
				return nil
			}
			opener, args := browser(runtime.GOOS)
			if err := exec.CommandContext(cmd.Context(), opener, append(args, address)...).Run(); err != nil {
				fmt.Fprintln(c.out, address)
				return fmt.Errorf("no browser could be opened (%s: %w): open the address above yourself", opener, err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&show, "print", false, "write the address, with its key, and open no browser")
	api.flags(cmd, c)
	return cmd
}

// page returns the address of the page, with the function key if the app asks for one.
func (a *client) page(ctx context.Context) (string, error) {
	key, err := a.keyFor(ctx)
	if err != nil {
		return "", err
	}
	address := strings.TrimSuffix(a.url, "/") + "/api/"
	if key != "" {
		address += "?" + url.Values{"code": {key}}.Encode()
	}
	return address, nil
}

// browser returns the program that opens an address in the browser of an operating
// system, and its arguments before the address.
func browser(system string) (string, []string) {
	switch system {
	case "darwin":
		return "open", nil
	case "windows":
		return "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	return "xdg-open", nil
}
