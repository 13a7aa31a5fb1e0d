package main

import (
	"context"
	"net/url"

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
