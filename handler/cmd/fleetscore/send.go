package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/tabular"
)

func sendCommand(c console) *cobra.Command {
	var data dataFlags
	var hub hubFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "send FILE...",
		Short: "Send the readings of files to an event hub",
		Long: `Send the readings of files to an event hub: history, or readings that could not be
sent in time. The readings of a sensor are sent in the order of the file. The command
waits when the hub asks for it. If it is interrupted, start it again: ingest drops
readings that are stored already.` + hubHelp + dataHelp,
		Example: `  fleetscore send history.csv
  fleetscore send 'export/*.csv.gz' --zone Europe/Berlin --date-order dmy
  fleetscore send plant.parquet --time datetime --device machineID
  azd exec go run ./handler/cmd/fleetscore send history.parquet`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{fmt.Errorf("FILE is missing")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := data.open(c, args)
			if err != nil {
				return err
			}
			h, err := hub.open(c, cmd)
			if err == nil {
				err = answers(cmd.Context(), h.URL)
			}
			if err != nil {
				return err
			}
			bar := c.progress("sending readings", -1)
			err = h.Send(cmd.Context(), files.All(), bar.add)
			bar.end()
			report := files.Report()
			for _, w := range warnings(report) {
				fmt.Fprintln(c.err, w)
			}
			if err != nil {
				return err
			}
			if asJSON {
				return c.writeJSON(struct {
					tabular.Report
					Sent int `json:"sent"`
				}{report, report.Read})
			}
			fmt.Fprintf(c.out, "%s; sent to %s\n", counts(report), h.URL)
			return nil
		},
	}
	data.add(cmd)
	hub.add(c, cmd)
	jsonFlag(cmd, &asJSON)
	return cmd
}
