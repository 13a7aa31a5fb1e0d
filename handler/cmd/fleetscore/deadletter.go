package main

import (
	"cmp"
	"context"
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

// letterFlags are the flags that select lines of dead letters.
type letterFlags struct {
	reason, device, from, to string
	open                     func() (*azure.Storage, error)
}

const letterHelp = `

The flags select lines by their reason, by the device, and by the time at which the
event reached the hub. NAME selects the dead letters whose names begin with it: the
name of a hub, for instance.`

func (f *letterFlags) add(c console, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.reason, "reason", "", "a part of the reason; upper and lower case are the same")
	flags.StringVar(&f.device, "device", "", "device, or a pattern such as 'press-*'")
	flags.StringVar(&f.from, "from", "", "events that reached the hub at this time or later, such as 2026-11-27T07:00:00Z; a time or date without a zone is in UTC")
	flags.StringVar(&f.to, "to", "", "events that reached the hub before this time")
	f.open = c.storageFlag(cmd)
}

// filter returns the filter of the flags and of the argument NAME, if there is one, and
// the storage account of the dead letters.
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
		at, err := parseTime(bound.name, bound.text, time.UTC)
		if err != nil {
			return filter, nil, err
		}
		*bound.to = at.Time()
	}
	if err := filter.Check(); err != nil {
		return filter, nil, usageError{fmt.Errorf("--%w", err)}
	}
	storage, err := f.open()
	return filter, storage, err
}

// letterCommand completes a command that works on lines of dead letters. It adds the flags
// that select lines, and --json. The command runs do with the filter of these flags.
func (c console) letterCommand(cmd *cobra.Command, do func(ctx context.Context, letters ingest.Letters, filter ingest.Filter, asJSON bool) error) *cobra.Command {
	var f letterFlags
	var asJSON bool
	cmd.Long += letterHelp
	f.add(c, cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		filter, storage, err := f.filter(args)
		if err != nil {
			return err
		}
		defer storage.Close()
		return do(cmd.Context(), ingest.Letters{Files: storage.Blobs()}, filter, asJSON)
	}
	return cmd
}

// letterGroup sums up the lines with one reason.
type letterGroup struct {
	Reason   string    `json:"reason"`
	Lines    int       `json:"lines"`
	Readings int       `json:"readings"`
	First    time.Time `json:"first,omitzero"`
	Last     time.Time `json:"last,omitzero"`
	Blob     string    `json:"blob"`    // the dead letter that holds the last line
	Example  string    `json:"example"` // the whole reason of the last line
}

func lettersListCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list [NAME]",
		Short:   "List the reasons why readings were refused",
		Long:    "List the reasons why readings are in the dead letter, the most frequent first.",
		Example: "  fleetscore deadletter list\n  fleetscore deadletter list --device 'press-*' --from 2026-11-27T00:00:00Z",
	}
	return c.letterCommand(cmd, func(ctx context.Context, letters ingest.Letters, filter ingest.Filter, asJSON bool) error {
		byReason := map[string]*letterGroup{}
		groups := []*letterGroup{}
		for x, err := range letters.All(ctx, filter) {
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
			fmt.Fprintln(c.out, "no lines in the dead letter")
		}
		for _, g := range groups {
			fmt.Fprintf(c.out, "%d readings, %s to %s: %s\n  the last: %s\n  in %s\n", g.Readings, g.First.Format(time.RFC3339), g.Last.Format(time.RFC3339), g.Reason, g.Example, g.Blob)
		}
		return nil
	})
}

func lettersShowCommand(c console) *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:     "show [NAME]",
		Short:   "Show what was refused, with its bytes",
		Long:    "Show lines of the dead letter: the position of the event in the hub, the reason, and its bytes.",
		Example: "  fleetscore deadletter show --reason clock --limit 3\n  fleetscore deadletter show readings/0/0000000000000000007-1-7d0c",
	}
	cmd.Flags().IntVar(&limit, "limit", 20, "largest number of lines")
	return c.letterCommand(cmd, func(ctx context.Context, letters ingest.Letters, filter ingest.Filter, asJSON bool) error {
		all := []ingest.BlobLetter{}
		for x, err := range letters.All(ctx, filter) {
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
	})
}

func lettersReplayCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay [NAME]",
		Short: "Ingest refused events again, after the mapping was mended",
		Long: `Take lines out of the dead letter and ingest their events again. The next tick reads
them with the present mapping and rules, and with the properties that hub and sender
gave them. Events that are refused again return to the dead letter. The command may
be stopped and started again: each reading is stored once, and none is lost.`,
		Example: "  fleetscore ingest publish plant.jq\n  fleetscore deadletter replay --reason 'no mapping reads it'\n  azd exec go run ./handler/cmd/fleetscore deadletter replay --device 'press-*'",
	}
	return c.letterCommand(cmd, func(ctx context.Context, letters ingest.Letters, filter ingest.Filter, asJSON bool) error {
		bar := c.progress("replaying readings", -1)
		sum, err := letters.Replay(ctx, filter, func(r ingest.Replayed) { bar.add(r.Readings) })
		bar.end()
		if err != nil {
			return err
		}
		if asJSON {
			return c.writeJSON(sum)
		}
		fmt.Fprintf(c.out, "%d readings in %d lines are taken out; the next tick ingests them again\n", sum.Readings, sum.Lines)
		return nil
	})
}
