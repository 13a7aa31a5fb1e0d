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
		Long:    "List the published models: the sensor or devices that each is for, its blob, its size,\nand whether rollback can bring a previous one back.",
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
		fmt.Fprintln(c.out, "no model is published; publish some: fleetscore models publish DIR")
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVES\tBLOB\tBYTES\tPREVIOUS")
	for _, m := range list {
		previous := ""
		if m.Previous {
			previous = "kept"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", m.Serves, strings.Join(m.Blobs, " and "), m.Size, previous)
	}
	return w.Flush()
}

func rollbackCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback DEVICE/NAME",
		Short: "Bring back the previous version of a model",
		Long: `Bring back the version of a model that publish replaced. Name the model of a sensor
or device (DEVICE/NAME), of the fleet (_fleet/NAME), the default model (default), or
devices.csv. A second rollback brings the newer version back.

The application uses the model from its next tick on; with --refresh at once. To
score past windows again with it, see fleetscore runs rescore.`,
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
		fmt.Fprintf(c.out, "%s: %s is the previous version again%s\n", args[0], name, counts)
		return err
	}
	return cmd
}
