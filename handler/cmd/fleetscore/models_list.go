package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/model/publish"
)

type listedModel struct {
	Serves   string   `json:"serves"`
	Blobs    []string `json:"blobs"`
	Size     int64    `json:"size"`
	Previous bool     `json:"previous"`
}

func listModelsCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the published models",
		Long:    "List the published models: whom each serves, its blob, its size, and whether there\nis one before to roll back to.",
		Example: "  fleetscore models list\n  fleetscore models list --json | jq -r '.[].serves'",
		Args:    arguments(),
	}
	open := c.storageFlag(cmd)
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
		list := []listedModel{}
		for _, place := range slices.SortedFunc(maps.Keys(published), publish.ComparePlaces) {
			if p := published[place]; len(p.Names) > 0 {
				list = append(list, listedModel{publish.Title(place), p.Names, p.Size, p.Previous})
			}
		}
		if asJSON {
			return c.writeJSON(list)
		}
		return c.tableOf(list)
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (c console) tableOf(list []listedModel) error {
	if len(list) == 0 {
		fmt.Fprintln(c.out, "no model is published: fleetscore models publish DIR")
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVES\tBLOB\tBYTES\tBEFORE")
	for _, m := range list {
		before := ""
		if m.Previous {
			before = "kept"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", m.Serves, strings.Join(m.Blobs, " and "), m.Size, before)
	}
	return w.Flush()
}

func rollbackCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback DEVICE/NAME",
		Short: "Exchange a model with the one before",
		Long: `Exchange a model with the one that publish replaced: that of a sensor or device
(DEVICE/NAME), of the fleet (_fleet/NAME), the default one (default) or devices.csv.
Doing it twice changes nothing. It counts from the next tick on, with --refresh at
once; runs rescore scores again what the other model scored.`,
		Example: "  fleetscore models rollback machine-01/vibration\n  fleetscore models rollback default",
		Args:    arguments("DEVICE/NAME"),
	}
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
		name, err := publish.Rollback(cmd.Context(), storage.Blobs(), place)
		if err != nil {
			return err
		}
		counts, err := from.counts(cmd.Context())
		fmt.Fprintf(c.out, "%s: %s is the one before again%s\n", args[0], name, counts)
		return err
	}
	return cmd
}
