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

It is what azd deploy runs. It may be repeated after any failure; what is done
already is left alone. It signs in as azd does, and needs no other tool.`,
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
	cmd.Flags().BoolVar(&back, "rollback", false, "go back to the package before; the database stays as it is")
	return cmd
}

// releaser is one to the target in azd's environment.
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

// administratorDSN enters the database as whoever is signed in to azd, else to
// az: in the order of [release.SignedIn].
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

// functionKey asks Azure for the key of what azd deployed.
func (c console) functionKey(ctx context.Context) (string, error) {
	r, err := c.releaser()
	if err != nil {
		return "", err
	}
	r.Out = c.err
	return r.FunctionKey(ctx)
}
