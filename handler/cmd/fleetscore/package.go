package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/release/pack"
)

func packageCommand(c console) *cobra.Command {
	var azd bool
	cmd := &cobra.Command{
		Use:   "package",
		Short: "Build the package that Azure runs: dist/app.zip",
		Long: `Build the package that Azure runs: dist/app.zip, with host.json, the functions
and the handler for Linux. The same commit gives the same bytes anywhere.`,
		Example: `  fleetscore package`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := pack.Build(cmd.Context(), ".")
			if err != nil {
				return err
			}
			out := filepath.Join("dist", "app.zip")
			if err := os.MkdirAll("dist", 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(out, p.Zip, 0o644); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s: %d bytes, %s\n", out, len(p.Zip), p.Name())
			if azd {
				return c.namePackage(cmd.Context(), p)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&azd, "azd-env", false, "set the package in azd's environment for azd provision: the one that runs now, or this one for a new app")
	return cmd
}

// namePackage sets APP_PACKAGE in azd's environment, which infra's parameters read. For
// an app that runs it is the package that runs: the new one is not uploaded yet, and
// release sets it after the upload.
func (c console) namePackage(ctx context.Context, p pack.Package) error {
	name := "releases/" + p.Name()
	if c.getenv("FUNCTION_APP_NAME") != "" { // provisioned before
		r, err := c.releaser()
		if err != nil {
			return err
		}
		running, err := r.Running(ctx)
		if err != nil {
			return err
		}
		if running != "" {
			name = running
		}
	}
	set := exec.CommandContext(ctx, "azd", "env", "set", "APP_PACKAGE", name)
	set.Stdout, set.Stderr = c.out, c.err
	if err := set.Run(); err != nil {
		return fmt.Errorf("azd env set APP_PACKAGE: %w", err)
	}
	return nil
}
