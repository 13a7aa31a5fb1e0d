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
		// Each time, as another release may have closed it.
		if err := r.openFirewall(ctx, address); err != nil {
			return err
		}
		if err := r.Wait(ctx, firewallWait); err != nil {
			return err
		}
		waited += time.Since(begun) + firewallWait
	}
}

// firewallWait is the time between two tries to connect, until a new firewall rule has
// taken effect. That takes up to five minutes.
const firewallWait = 10 * time.Second

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

const ourRules = "fleetscore-release-"

func (r *Releaser) firewallRule(name string) string {
	return "Microsoft.Sql/servers/" + r.SQLServer + "/firewallRules" + name + "?"
}

func (r *Releaser) openFirewall(ctx context.Context, address string) error {
	_, err := r.arm(ctx, http.MethodPut, r.firewallRule("/"+ourRules+strings.ReplaceAll(address, ".", "-")), sqlVersion,
		map[string]any{"properties": map[string]string{"startIpAddress": address, "endIpAddress": address}}, http.StatusOK, http.StatusCreated)
	return err
}

// closeFirewall deletes the firewall rules of releases: its own, and those that a killed
// release left. It does so after ctx has ended too. Open connections stay open.
func (r *Releaser) closeFirewall(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := r.deleteRules(ctx); err != nil {
		r.say("the SQL firewall may be open still: %v\n    delete its rules %s… in the portal", err, ourRules)
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
		if !strings.HasPrefix(rule.Name, ourRules) {
			continue
		}
		r.say("close the SQL firewall: %s", rule.Name)
		if _, err := r.arm(ctx, http.MethodDelete, r.firewallRule("/"+rule.Name), sqlVersion, nil, http.StatusOK, http.StatusAccepted, http.StatusNoContent); err != nil {
			return err
		}
	}
	return nil
}
