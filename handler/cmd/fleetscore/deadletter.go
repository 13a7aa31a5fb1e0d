package main

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/ingest"
)

func deadLetterCommand(c console) *cobra.Command {
	return group("deadletter", "List, show and replay what ingest refused", lettersListCommand(c), lettersShowCommand(c), lettersReplayCommand(c))
}

// letterFlags select lines of dead letters.
type letterFlags struct {
	reason, device, from, to string
	open                     func() (*azure.Storage, error)
}

const letterHelp = `

Lines are selected by a part of their reason, by a pattern of the device, and by when the event
reached the hub. NAME is the name of a dead letter, or its beginning, such as that of the hub.`

func (f *letterFlags) add(c console, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.reason, "reason", "", "a part of the reason, in any case")
	flags.StringVar(&f.device, "device", "", "device, or a pattern such as 'press-*'")
	flags.StringVar(&f.from, "from", "", "from when on the event reached the hub, such as 2026-11-27T07:00:00Z")
	flags.StringVar(&f.to, "to", "", "until when")
	f.open = c.storageFlag(cmd)
}

// filter returns what the flags select, with the storage it stands in.
func (f *letterFlags) filter(args []string) (ingest.Filter, *azure.Storage, error) {
	filter := ingest.Filter{Reason: f.reason, Device: f.device}
	if len(args) > 1 {
		return filter, nil, usageError{fmt.Errorf("unexpected argument %q", args[1])}
	}
	if len(args) > 0 {
		filter.Name = args[0]
	}
	for _, bound := range []struct {
		name, text string
		to         *time.Time
	}{{"from", f.from, &filter.From}, {"to", f.to, &filter.To}} {
		if bound.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, bound.text)
		if err != nil {
			return filter, nil, usageError{fmt.Errorf("--%s %q: write a time such as 2026-11-27T07:00:00Z", bound.name, bound.text)}
		}
		*bound.to = at
	}
	if err := filter.Check(); err != nil {
		return filter, nil, usageError{fmt.Errorf("--%w", err)}
	}
	storage, err := f.open()
	return filter, storage, err
}

// letterGroup are the lines of one reason.
type letterGroup struct {
	Reason   string    `json:"reason"`
	Lines    int       `json:"lines"`
	Readings int       `json:"readings"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	Blob     string    `json:"blob"` // of the last
	Example  string    `json:"example"`
}

func lettersListCommand(c console) *cobra.Command {
	var f letterFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list [NAME]",
		Short:   "List the reasons why readings were refused",
		Long:    "List the reasons for which readings stand in the dead letter, the most frequent first." + letterHelp,
		Example: "  fleetscore deadletter list\n  fleetscore deadletter list --device 'press-*' --from 2026-11-27T00:00:00Z",
	}
	f.add(c, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		filter, storage, err := f.filter(args)
		if err != nil {
			return err
		}
		defer storage.Close()
		byReason := map[string]*letterGroup{}
		groups := []*letterGroup{}
		for x, err := range (ingest.Letters{Files: storage.Blobs()}).All(cmd.Context(), filter) {
			if err != nil {
				return err
			}
			reason := ingest.KindOf(x.Reason)
			g := byReason[reason]
			if g == nil {
				g = &letterGroup{Reason: reason, First: x.Enqueued}
				byReason[reason] = g
				groups = append(groups, g)
			}
			g.Lines++
			g.Readings += x.Rejected
			if x.Enqueued.Before(g.First) {
				g.First = x.Enqueued
			}
			if !x.Enqueued.Before(g.Last) {
				g.Last, g.Blob, g.Example = x.Enqueued, x.Blob, x.Reason
			}
		}
		slices.SortStableFunc(groups, func(a, b *letterGroup) int {
			return cmp.Or(cmp.Compare(b.Readings, a.Readings), cmp.Compare(a.Reason, b.Reason))
		})
		if asJSON {
			return c.writeJSON(groups)
		}
		if len(groups) == 0 {
			fmt.Fprintln(c.out, "nothing stands in the dead letter")
		}
		for _, g := range groups {
			fmt.Fprintf(c.out, "%d readings, %s to %s: %s\n  the last: %s\n  in %s\n", g.Readings, g.First.Format(time.RFC3339), g.Last.Format(time.RFC3339), g.Reason, g.Example, g.Blob)
		}
		return nil
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func lettersShowCommand(c console) *cobra.Command {
	var f letterFlags
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show [NAME]",
		Short:   "Show what was refused, with its bytes",
		Long:    "Show lines of the dead letter: where the event stands in the hub, why it was refused, and its bytes." + letterHelp,
		Example: "  fleetscore deadletter show --reason clock --limit 3\n  fleetscore deadletter show readings/0/0000000000000000007-1-7d0c",
	}
	f.add(c, cmd)
	cmd.Flags().IntVar(&limit, "limit", 20, "how many lines at most")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		filter, storage, err := f.filter(args)
		if err != nil {
			return err
		}
		defer storage.Close()
		all := []ingest.Standing{}
		for x, err := range (ingest.Letters{Files: storage.Blobs()}).All(cmd.Context(), filter) {
			if err != nil {
				return err
			}
			if len(all) == limit {
				break
			}
			all = append(all, x)
		}
		if asJSON {
			return c.writeJSON(all)
		}
		for _, x := range all {
			fmt.Fprintf(c.out, "%s\n  %s, by %s", x.Blob, x.Enqueued.Format(time.RFC3339Nano), x.Mapping)
			if x.Element >= 0 {
				fmt.Fprintf(c.out, ", element %d", x.Element)
			}
			fmt.Fprintf(c.out, ": %s\n", x.Reason)
			if r := x.Reading; r != nil {
				fmt.Fprintf(c.out, "  %s/%s %s %v\n", r.Device, r.Sensor, r.TS, r.Value)
			}
			if len(x.System) > 0 {
				fmt.Fprintf(c.out, "  %s\n", x.System)
			}
			raw := string(x.Raw)
			if !utf8.Valid(x.Raw) {
				raw = base64.StdEncoding.EncodeToString(x.Raw)
			}
			fmt.Fprintf(c.out, "  %s\n", raw)
		}
		return nil
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func lettersReplayCommand(c console) *cobra.Command {
	var f letterFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay [NAME]",
		Short: "Give back to ingest what it refused, after the mapping was repaired",
		Long: `Take lines out of the dead letter and give their events back to ingest: the next
tick takes them through the present mapping and rules, with what hub and sender said of them. What is refused
again is in the dead letter again. It may be killed and begun anew: each reading is
stored once, and none is lost.` + letterHelp,
		Example: "  fleetscore ingest publish plant.jq\n  fleetscore deadletter replay --reason 'no mapping reads it'\n  azd exec go run ./handler/cmd/fleetscore deadletter replay --device 'press-*'",
	}
	f.add(c, cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		filter, storage, err := f.filter(args)
		if err != nil {
			return err
		}
		defer storage.Close()
		bar := c.progress("replaying readings", -1)
		sum, err := ingest.Letters{Files: storage.Blobs()}.Replay(cmd.Context(), filter, func(r ingest.Replayed) { bar.add(r.Readings) })
		bar.end()
		if err != nil {
			return err
		}
		if asJSON {
			return c.writeJSON(sum)
		}
		fmt.Fprintf(c.out, "%d readings in %d lines are given back; the next tick takes them\n", sum.Readings, sum.Lines)
		return nil
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
