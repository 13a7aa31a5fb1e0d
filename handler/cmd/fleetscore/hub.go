package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/release"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// hubFlags are the flags that name an event hub.
type hubFlags struct{ connection, name string }

const hubHelp = `

The settings EventHubConnection and EVENTHUB_NAME name the event hub. In the folder
in which serve runs, the event hub of serve is the default. Under azd exec it is the
one that azd deployed.`

func (f *hubFlags) add(c console, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.connection, "connection", c.setting("EventHubConnection"), "connection string of the event hub (setting EventHubConnection)")
	cmd.Flags().Lookup("connection").DefValue = ""
	cmd.Flags().StringVar(&f.name, "hub", c.setting("EVENTHUB_NAME"), "name of the event hub (setting EVENTHUB_NAME)")
}

// open returns the event hub of the connection string. If the settings name a namespace
// and no connection string, it returns the event hub in that namespace, with the
// identity of the user who is signed in to azd or az.
func (f *hubFlags) open(c console, cmd *cobra.Command) (*simulate.Hub, error) {
	namespace := c.getenv("EventHubConnection__fullyQualifiedNamespace")
	if namespace == "" || cmd.Flags().Changed("connection") || c.getenv("EventHubConnection") != "" {
		return simulate.ParseHub(f.connection, f.name)
	}
	tokens, err := release.SignedIn()
	if err != nil {
		return nil, err
	}
	return &simulate.Hub{URL: "https://" + namespace + "/" + url.PathEscape(f.name), Authorize: func(ctx context.Context) (string, error) {
		token, err := tokens(ctx, "https://eventhubs.azure.net/.default")
		return "Bearer " + token, err
	}}, nil
}

// answers returns an error if nothing listens at the address of an event hub of serve or of
// the emulator, which have no TLS. A sender would try again for a while; here nothing
// would come of it.
func answers(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")))
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("no event hub answers at %s: start one with fleetscore serve and run this command in the same folder, or name another with --connection", address)
	}
	if err != nil {
		return nil // the sender meets it too, and tries again
	}
	return conn.Close()
}
