package main

import (
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/runs"
)

func devicesCommand(c console) *cobra.Command {
	api := new(client)
	var out output
	cmd := &cobra.Command{
		Use:     "devices",
		Short:   "List devices, with the time of the last reading of each",
		Example: "  fleetscore devices\n  fleetscore devices --json | jq -r '.devices[] | select(.last < \"2026-03-01\").device'",
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := runs.DeviceList{Devices: []runs.DeviceSubjects{}}
			query := url.Values{"limit": {"1000"}}
			for {
				var page runs.DeviceList
				if err := api.call(cmd.Context(), http.MethodGet, "/devices", query, nil, &page); err != nil {
					return err
				}
				all.Devices = append(all.Devices, page.Devices...)
				if page.Next == "" {
					break
				}
				query.Set("after", page.Next)
			}
			t := listing{columns: []string{"device", "sensors", "device_models", "disabled", "last_reading"}}
			for _, d := range all.Devices {
				t.add(d.Device, d.Sensors, d.DeviceModels, d.Disabled, moment(d.Last))
			}
			return c.write(out, t, all)
		},
	}
	out.flags(cmd)
	api.flags(cmd, c)
	return cmd
}

// moment formats a time in UTC to the second. The zero time is empty.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
