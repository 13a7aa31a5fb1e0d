package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/publish"
)

type listedModel struct {
	Sensor   string   `json:"sensor"`
	Blobs    []string `json:"blobs"`
	Size     int64    `json:"size"`
	Previous bool     `json:"previous"`
}

func listModelsCommand(c console) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the published models",
		Long:    "List the published models: the sensor, its blob, its size, and whether there is one before to roll back to.",
		Example: "  fleetscore models list\n  fleetscore models list --json | jq -r '.[].sensor'",
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
		for _, id := range slices.SortedFunc(maps.Keys(published), fleet.CompareID) {
			if p := published[id]; len(p.Names) > 0 {
				list = append(list, listedModel{publish.File{Sensor: id}.String(), p.Names, p.Size, p.Previous})
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
	fmt.Fprintln(w, "SENSOR\tBLOB\tBYTES\tBEFORE")
	for _, m := range list {
		before := ""
		if m.Previous {
			before = "kept"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", m.Sensor, strings.Join(m.Blobs, " and "), m.Size, before)
	}
	return w.Flush()
}

func rollbackCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback DEVICE/SENSOR",
		Short: "Exchange a sensor's model with the one before",
		Long: `Exchange a sensor's model (or the default one) with the one that publish replaced.
Doing it twice changes nothing. It counts from the next job on; runs rescore
scores again what the other model scored.`,
		Example: "  fleetscore models rollback machine-01/vibration\n  fleetscore models rollback default",
		Args:    arguments("DEVICE/SENSOR"),
	}
	open := c.storageFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := fleet.ID{}, error(nil)
		if args[0] != "default" {
			if id, err = fleet.ParseID(args[0]); err != nil {
				return usageError{err}
			}
		}
		storage, err := open()
		if err != nil {
			return err
		}
		defer storage.Close()
		name, err := publish.Rollback(cmd.Context(), storage.Blobs(), id)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s: %s is the one before again\n", args[0], name)
		return nil
	}
	return cmd
}
