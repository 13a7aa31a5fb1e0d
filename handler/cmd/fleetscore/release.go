package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/release"
	"github.com/fleetscore/fleetscore/handler/release/pack"
	"github.com/fleetscore/fleetscore/handler/store"
)

func releaseCommand(c console) *cobra.Command {
	var back bool
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Release to Azure: database, package, restart, health",
		Long: `Release to the Azure resources that azd provisioned: make the database ready,
upload the package, make the app run it and wait until it serves.

azd deploy runs this command. You can repeat it after any failure; steps that are done
are left alone. It signs in as the user who is signed in to azd or az.`,
		Example: `  azd deploy
  azd exec go run ./handler/cmd/fleetscore release --rollback`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := c.releaser()
			if err != nil {
				return err
			}
			if back {
				return r.Rollback(cmd.Context())
			}
			p, err := pack.Build(cmd.Context(), ".")
			if err != nil {
				return err
			}
			return r.Release(cmd.Context(), p)
		},
	}
	cmd.Flags().BoolVar(&back, "rollback", false, "go back to the previous package; the database stays as it is")
	return cmd
}

// releaser returns a releaser to the resources that azd's environment names.
func (c console) releaser() (*release.Releaser, error) {
	target, err := release.TargetOf(c.getenv)
	if err != nil {
		return nil, err
	}
	tokens, err := release.SignedIn()
	if err != nil {
		return nil, err
	}
	return &release.Releaser{
		Target: target, HTTP: &http.Client{Timeout: release.AttemptTimeout}, Tokens: tokens, Out: c.out, Wait: release.Sleep,
		ARM: "https://management.azure.com", SCM: "https://" + target.App + ".scm.azurewebsites.net",
		Open: func() (release.Database, error) {
			return store.Open(administratorDSN(target), store.Options{MaxConns: 1, Log: slog.New(slog.NewTextHandler(c.err, nil))})
		},
	}, nil
}

// administratorDSN returns the DSN with which the user who is signed in to azd, or else
// to az, opens the database. [release.SignedIn] has the same order.
func administratorDSN(t release.Target) string {
	sign := "ActiveDirectoryAzureDeveloperCli"
	if _, err := exec.LookPath("azd"); err != nil {
		sign = "ActiveDirectoryDefault"
	}
	query := url.Values{
		"database": {t.Database}, "fedauth": {sign}, "encrypt": {"true"}, "TrustServerCertificate": {"false"}, "dial timeout": {"30"},
	}
	return (&url.URL{Scheme: "sqlserver", Host: t.SQLHost + ":1433", RawQuery: query.Encode()}).String()
}

// functionKey gets the function key of the app that azd deployed from Azure.
func (c console) functionKey(ctx context.Context) (string, error) {
	r, err := c.releaser()
	if err != nil {
		return "", err
	}
	r.Out = c.err
	return r.FunctionKey(ctx)
}
