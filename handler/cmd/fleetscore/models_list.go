package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/publish"
	"github.com/fleetscore/fleetscore/handler/runs"
)

type listedModel struct {
	Serves   string    `json:"serves"`
	Kind     string    `json:"kind,omitempty"` // left out if nobody has read the file yet, or the app does not answer
	Since    time.Time `json:"since"`          // when it was published, rolled back to, or removed
	Blobs    []string  `json:"blobs"`          // none if it was removed
	Size     int64     `json:"size"`
	Previous bool      `json:"previous"` // there is one to roll back to
	Removed  bool      `json:"removed"`
}

func listModelsCommand(c console) *cobra.Command {
	api := new(client)
	var out output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the published models",
		Long: `List the published models: the sensor or devices that each is for, its kind, since when
it is published, its blob, its size, and whether rollback can bring a previous one
back. The kind is known to the app at --url, after the first job of the model at the
latest. Models that were removed are listed too; rollback puts them back.`,
		Example: "  fleetscore models list\n  fleetscore models list --json | jq -r '.[].serves'",
		Args:    arguments(),
	}
	open := c.storageFlag(cmd)
	api.flags(cmd, c)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		storage, err := open()
		if err != nil {
			return err
		}
		defer storage.Close()
		published, err := publish.List(cmd.Context(), storage.Blobs())
		if err != nil {
			return err
		}
		kinds, err := api.kinds(cmd.Context())
		if err != nil && len(published) > 0 {
			fmt.Fprintf(c.err, "warning: the kinds of the models are not known: %v\n", err)
		}
		list := []listedModel{}
		for _, place := range slices.SortedFunc(maps.Keys(published), publish.ComparePlaces) {
			p := published[place]
			m := listedModel{publish.Title(place), "", p.Since, []string{}, p.Size, p.Previous, len(p.Names) == 0}
			switch {
			case !m.Removed:
				m.Blobs, m.Kind = p.Names, kinds[p.Names[0]]
			case p.Removed == "":
				continue // only a previous one is left, of a model that was deleted by hand
			}
			list = append(list, m)
		}
		if len(list) == 0 && !out.json && !out.csv {
			fmt.Fprintln(c.out, "no model is published; publish some: fleetscore models publish DIR")
			return nil
		}
		return c.write(out, listingOf(list), list)
	}
	out.flags(cmd)
	return cmd
}

func listingOf(list []listedModel) listing {
	t := listing{columns: []string{"serves", "kind", "since", "blob", "bytes", "previous"}}
	for _, m := range list {
		blobs, previous := strings.Join(m.Blobs, " and "), ""
		if m.Previous {
			previous = "kept"
		}
		if m.Removed {
			blobs = "(removed)"
		}
		t.add(m.Serves, m.Kind, m.Since.Format(time.DateTime), blobs, m.Size, previous)
	}
	return t
}

// kinds returns the kinds of the models that the app knows, by the names of their blobs.
func (a *client) kinds(ctx context.Context) (map[string]string, error) {
	kinds := make(map[string]string)
	query := url.Values{"limit": {"1000"}}
	for {
		var page runs.ModelList
		if err := a.call(ctx, http.MethodGet, "/models", query, nil, &page); err != nil {
			return kinds, err
		}
		for _, m := range page.Models {
			if !m.Removed {
				kinds[m.Name] = m.Kind
			}
		}
		if page.Next == "" {
			return kinds, nil
		}
		query.Set("after", page.Next)
	}
}

func rollbackCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback DEVICE/NAME",
		Short: "Bring back the previous version of a model",
		Long: `Bring back the version of a model that publish replaced. Name the model of a sensor
or device (DEVICE/NAME), of the fleet (_fleet/NAME), the default model (default), or
devices.csv. A second rollback brings the newer version back. A model that was removed
is put back.

The application uses the model from its next tick on; with --refresh at once. To
score past windows again with it, see fleetscore runs rescore.`,
		Example: "  fleetscore models rollback machine-01/vibration\n  fleetscore models rollback default",
		Args:    arguments("DEVICE/NAME"),
	}
	c.changesModel(cmd, publish.Rollback, "%s: %s is the previous version again%s\n")
	return cmd
}

func removeCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove DEVICE/NAME",
		Short: "Take a model away",
		Long: `Take a published model away. Name the model of a sensor or device (DEVICE/NAME), of the
fleet (_fleet/NAME), the default model (default), or devices.csv. What it served is
scored by another model that fits, or not at all. What it has scored stays.

The application notices from its next tick on; with --refresh at once. The model is
kept: fleetscore models rollback puts it back.`,
		Example: "  fleetscore models remove machine-01/vibration\n  fleetscore models rollback machine-01/vibration",
		Args:    arguments("DEVICE/NAME"),
	}
	c.changesModel(cmd, publish.Remove, "%s: %s is removed%s; fleetscore models rollback puts it back\n")
	return cmd
}

// changesModel lets cmd change the model in the place that its argument names. change returns the
// name of the model's blob. said is what is printed then: with the argument, that name, and what
// the application has noticed.
func (c console) changesModel(cmd *cobra.Command, change func(context.Context, blob.Store, fleet.Place) (string, error), said string) {
	open := c.storageFlag(cmd)
	from := c.refreshFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		place, err := publish.ParsePlace(args[0])
		if err != nil {
			return usageError{err}
		}
		storage, err := open()
		if err != nil {
			return err
		}
		defer storage.Close()
		name, err := change(cmd.Context(), storage.Blobs(), place)
		if err != nil {
			return err
		}
		counts, err := from.counts(cmd.Context())
		fmt.Fprintf(c.out, said, args[0], name, counts)
		return err
	}
}
