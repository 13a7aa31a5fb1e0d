package release

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// makeDatabaseReady migrates the database and gives the app access to it. If the server's firewall
// refuses this machine, makeDatabaseReady opens it for this time. The server's refusal names the
// address of this machine.
func (r *Releaser) makeDatabaseReady(ctx context.Context) error {
	db, err := r.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	defer r.closeFirewall(ctx)
	var waited time.Duration
	var opened string
	for {
		begun := time.Now()
		err := prepare(ctx, db, r.Identity, r.ClientID)
		address := refusedAddress(err)
		switch {
		case address == "":
			return err
		case waited > patience:
			return fmt.Errorf("the firewall still refuses %s: %w", address, err)
		case address != opened:
			r.say("open the SQL firewall for %s", address)
			opened = address
		}
		// In each round, because another release may have closed it.
		if err := r.openFirewall(ctx, address); err != nil {
			return err
		}
		if err := r.Wait(ctx, firewallWait); err != nil {
			return err
		}
		waited += time.Since(begun) + firewallWait
	}
}

// firewallWait is the time between two attempts to connect. A new firewall rule takes effect after
// up to five minutes.
const firewallWait = 10 * time.Second

// prepare migrates the database, and gives the identity access.
func prepare(ctx context.Context, db Database, identity, clientID string) error {
	ctx, cancel := context.WithTimeout(ctx, AttemptTimeout)
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

// rulePrefix begins the names of the firewall rules that releases make.
const rulePrefix = "fleetscore-release-"

func (r *Releaser) firewallRule(name string) string {
	return "Microsoft.Sql/servers/" + r.SQLServer + "/firewallRules" + name + "?"
}

func (r *Releaser) openFirewall(ctx context.Context, address string) error {
	_, err := r.arm(ctx, http.MethodPut, r.firewallRule("/"+rulePrefix+strings.ReplaceAll(address, ".", "-")), sqlVersion,
		map[string]any{"properties": map[string]string{"startIpAddress": address, "endIpAddress": address}}, http.StatusOK, http.StatusCreated)
	return err
}

// closeFirewall deletes all firewall rules of releases, also those of releases that were killed. It
// does so even if ctx has ended. Open connections stay open.
func (r *Releaser) closeFirewall(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := r.deleteRules(ctx); err != nil {
		r.say("the SQL firewall may still be open: %v\n    delete its rules %s… in the portal", err, rulePrefix)
	}
}

func (r *Releaser) deleteRules(ctx context.Context) error {
	got, err := r.arm(ctx, http.MethodGet, r.firewallRule(""), sqlVersion, nil, http.StatusOK)
	if err != nil {
		return err
	}
	var rules struct{ Value []struct{ Name string } }
	if err := json.Unmarshal(got.body, &rules); err != nil {
		return fmt.Errorf("list the firewall's rules: %w", err)
	}
	for _, rule := range rules.Value {
		if !strings.HasPrefix(rule.Name, rulePrefix) {
			continue
		}
		r.say("close the SQL firewall: %s", rule.Name)
		if _, err := r.arm(ctx, http.MethodDelete, r.firewallRule("/"+rule.Name), sqlVersion, nil, http.StatusOK, http.StatusAccepted, http.StatusNoContent); err != nil {
			return err
		}
	}
	return nil
}
