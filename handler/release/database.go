package release

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// makeDatabaseReady migrates the database and admits the app to it. It opens
// the server's firewall for this machine as long as that takes.
//
// Nobody has to be asked for this machine's address: the server tells it when
// it refuses.
func (r *Releaser) makeDatabaseReady(ctx context.Context) error {
	db, err := r.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	var opened string
	defer func() { r.closeFirewall(ctx, opened) }()
	for waited := time.Duration(0); ; waited += firewallWait {
		err := prepare(ctx, db, r.Identity, r.ClientID)
		address := refusedAddress(err)
		switch {
		case err == nil:
			return nil
		case address == "":
			return err
		case address != opened:
			r.closeFirewall(ctx, opened)
			if err := r.openFirewall(ctx, address); err != nil {
				return err
			}
			opened, waited = address, 0
		case waited > patience:
			return fmt.Errorf("the firewall still refuses %s: %w", address, err)
		}
		if err := r.Wait(ctx, firewallWait); err != nil {
			return err
		}
	}
}

// firewallWait is the time between looks whether a rule has taken effect; five
// minutes are usual at worst.
const firewallWait = 10 * time.Second

func prepare(ctx context.Context, db Database, identity, clientID string) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	return db.Admit(ctx, identity, clientID)
}

var refusal = regexp.MustCompile(`[Cc]lient with IP address '([0-9.]+)' is not allowed`)

// refusedAddress returns the address that the firewall refused, or "".
func refusedAddress(err error) string {
	if err == nil {
		return ""
	}
	m := refusal.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	return m[1]
}

// firewallRule is one rule for each machine: two that release at once don't close
// each other's.
func (r *Releaser) firewallRule(address string) string {
	return "Microsoft.Sql/servers/" + r.SQLServer + "/firewallRules/fleetscore-release-" + strings.ReplaceAll(address, ".", "-") + "?"
}

func (r *Releaser) openFirewall(ctx context.Context, address string) error {
	r.say("open the SQL firewall for %s", address)
	_, err := r.arm(ctx, http.MethodPut, r.firewallRule(address), sqlVersion,
		map[string]any{"properties": map[string]string{"startIpAddress": address, "endIpAddress": address}}, http.StatusOK, http.StatusCreated)
	return err
}

// closeFirewall takes the rule away, if the release was stopped too.
func (r *Releaser) closeFirewall(ctx context.Context, address string) {
	if address == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	r.say("close the SQL firewall for %s", address)
	if _, err := r.arm(ctx, http.MethodDelete, r.firewallRule(address), sqlVersion, nil, http.StatusOK, http.StatusAccepted, http.StatusNoContent); err != nil {
		r.say("it is open still: %v\n    delete its rule fleetscore-release-… in the portal", err)
	}
}
