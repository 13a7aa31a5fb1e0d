package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fleetscore/fleetscore/handler/release/pack"
)

// Database is the application's database, to which the caller is connected as administrator.
type Database interface {
	Migrate(ctx context.Context) error
	// Admit makes a user with the name for the identity with the client id. The user gets
	// only the rights that the application needs.
	Admit(ctx context.Context, name, clientID string) error
	Close() error
}

// Releaser releases packages to a target.
type Releaser struct {
	Target
	HTTP   *http.Client // with the Timeout [AttemptTimeout]
	Tokens Tokens
	Open   func() (Database, error) // returns the database, and does not connect yet
	Out    io.Writer                // gets a line for each step
	Wait   func(ctx context.Context, d time.Duration) error
	ARM    string // the address of Azure Resource Manager, https://management.azure.com
	SCM    string // the address of the app's deployment site, for Flex Consumption
}

// Release makes the app run p.
func (r *Releaser) Release(ctx context.Context, p pack.Package) error {
	return r.run(ctx, []step{
		{"make the database ready", "you must be the SQL server's Entra administrator (FLEETSCORE_SQL_ADMIN), and your network must reach the server", r.makeDatabaseReady},
		{"make the app run " + p.Name(), "run it again; roles that were just assigned need up to ten minutes", func(ctx context.Context) error {
			if r.ContentShare {
				r.say("the package is in the content share: azd deploy app --from-package dist/app.zip changes it")
				return nil
			}
			return r.deploy(ctx, p)
		}},
		{"sync triggers", "run it again", r.syncTriggers},
		{"wait until it serves", "look at the app's log stream and at AppTraces for why the handler does not start", func(ctx context.Context) error {
			return r.waitUntilItServes(ctx, p.Functions)
		}},
	})
}

// Rollback makes the app run the package that was deployed before the present one. The database stays
// as it is, because every version can use the schema of the version after it.
func (r *Releaser) Rollback(ctx context.Context) error {
	if r.ContentShare {
		return errors.New("the package is in the content share: deploy an older one by azd deploy app --from-package FILE")
	}
	return r.run(ctx, []step{
		{"go back to the package before", "release another package instead", r.goBack},
		{"sync triggers", "run it again", r.syncTriggers},
		{"wait until it serves", "look at the app's log stream and at AppTraces for why the handler does not start", func(ctx context.Context) error {
			return r.waitUntilItServes(ctx, nil)
		}},
	})
}

// step is a step of a release. Remedy says what to do if it fails.
type step struct {
	name, remedy string
	do           func(context.Context) error
}

// run executes the steps one after the other, and ends at the first that fails.
func (r *Releaser) run(ctx context.Context, steps []step) error {
	for i, s := range steps {
		fmt.Fprintf(r.Out, "%d/%d %s\n", i+1, len(steps), s.name)
		if err := s.do(ctx); err != nil {
			return fmt.Errorf("%s: %w\nto mend it: %s", s.name, err, s.remedy)
		}
	}
	r.sayWhatToOpen()
	return nil
}

func (r *Releaser) say(format string, args ...any) {
	fmt.Fprintf(r.Out, "    "+format+"\n", args...)
}

func (r *Releaser) sayWhatToOpen() {
	portal := "https://portal.azure.com/#resource/subscriptions/" + r.Subscription + "/resourceGroups/" + r.Group + "/providers/Microsoft.Web/sites/" + r.App
	fmt.Fprintf(r.Out, "\nruns      %s/api/?code=KEY\nkey       %s/appKeys\nworkbook  %s\n", r.URL, portal, r.Workbook)
}

// Sleep waits for d or until ctx ends. It is the [Releaser.Wait] of real releases.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
