package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/config"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
	"github.com/fleetscore/fleetscore/handler/ingest/rules"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

func ingestCommand(c console) *cobra.Command {
	return group("ingest", "Try out mappings and rules, publish them, and show what ingest did", tryCommand(c), mappingsCommand(c), publishMapCommand(c), ingestStatusCommand(c))
}

// mapFlags are the flags that say how events are read.
type mapFlags struct {
	mapping, csv, zone, order, rules string
	future                           time.Duration
}

func (f *mapFlags) add(c console, cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.mapping, "map", c.setting("INGEST_MAP"), "mapping: a built-in name, a program in jq, or a file NAME.jq (setting INGEST_MAP)")
	flags.StringVar(&f.csv, "csv", c.setting("INGEST_CSV"), "columns of CSV events, or \"header\" if the first line names them (setting INGEST_CSV)")
	flags.StringVar(&f.zone, "zone", c.setting("INGEST_TIME_ZONE"), "time zone of times without an offset (setting INGEST_TIME_ZONE)")
	flags.StringVar(&f.order, "date-order", c.setting("INGEST_DATE_ORDER"), "order of a date such as 03/04/2026: dmy or mdy (setting INGEST_DATE_ORDER)")
	flags.StringVar(&f.rules, "rules", c.setting("INGEST_RULES"), "rules for readings: JSON, or a file NAME.json (setting INGEST_RULES)")
	future, err := time.ParseDuration(c.setting("INGEST_FUTURE"))
	if err != nil {
		future = 24 * time.Hour
	}
	flags.DurationVar(&f.future, "future", future, "how much later than its event the time of a reading may be (setting INGEST_FUTURE)")
}

// options returns the options of the flags, all but the mapping.
func (f *mapFlags) options(c console, cmd *cobra.Command) (mapping.Options, error) {
	zone, err := time.LoadLocation(f.zone)
	if err != nil {
		return mapping.Options{}, usageError{fmt.Errorf("--zone %q is no time zone: use a name such as Europe/Berlin", f.zone)}
	}
	order := timestamp.Order(f.order)
	if order != timestamp.Unsaid && order != timestamp.DayFirst && order != timestamp.MonthFirst {
		return mapping.Options{}, usageError{fmt.Errorf("--date-order %q: use dmy or mdy", f.order)}
	}
	if err := mapping.CheckCSV(f.csv); err != nil {
		return mapping.Options{}, usageError{fmt.Errorf("--csv: %w", err)}
	}
	all, err := c.parseRules(cmd, f.rules)
	if err != nil {
		return mapping.Options{}, err
	}
	return mapping.Options{Format: timestamp.Format{Zone: zone, Order: order}, Future: f.future, CSV: f.csv, Rules: all}, nil
}

// parseRules returns rules, or nil if text is empty. text is the JSON of the rules, the
// name of a file, or the name of a blob in the container config, as in a setting.
func (c console) parseRules(cmd *cobra.Command, text string) (*rules.Rules, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, nil
	}
	if strings.HasPrefix(text, "{") {
		return rules.Parse([]byte(text))
	}
	content, err := os.ReadFile(text)
	if name, ok := rules.BlobName(text); ok && os.IsNotExist(err) {
		content, err = c.published(cmd, name)
	}
	if err != nil {
		return nil, err
	}
	all, err := rules.Parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return all, nil
}

// parseMapping returns a mapping, and the text of its program unless it is built in.
// text is the name of a built-in mapping, a program, the name of a file, or the name of
// a blob in the container config, as in a setting.
func (c console) parseMapping(cmd *cobra.Command, text string) (*mapping.Mapping, string, error) {
	program := text
	if strings.HasSuffix(strings.TrimSpace(text), ".jq") {
		content, err := os.ReadFile(strings.TrimSpace(text))
		if name, ok := mapping.BlobName(text); ok && os.IsNotExist(err) {
			content, err = c.published(cmd, name)
		}
		if err != nil {
			return nil, "", err
		}
		program = string(content)
	}
	m, err := mapping.Parse(program)
	if err != nil {
		return nil, program, err
	}
	if m.Name() != "program" {
		program = ""
	}
	return m, program, nil
}

func (c console) published(cmd *cobra.Command, name string) ([]byte, error) {
	storage, err := c.storage("")
	if err != nil {
		return nil, err
	}
	defer storage.Close()
	content, _, err := storage.Blobs().Read(cmd.Context(), blob.Config, name, "", 1<<20)
	return content, err
}

func mappingsCommand(c console) *cobra.Command {
	return &cobra.Command{
		Use:   "mappings",
		Short: "List the built-in mappings and the functions for programs",
		Args:  arguments(),
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(c.out, "mappings, for --map and INGEST_MAP:")
			for _, m := range mapping.Builtin() {
				fmt.Fprintf(c.out, "  %-16s %s\n", m[0], m[1])
			}
			fmt.Fprintln(c.out, "\nfunctions, for programs in jq:")
			for _, f := range mapping.Functions() {
				fmt.Fprintf(c.out, "  %-30s %s\n", f[0], f[1])
			}
			return nil
		},
	}
}

func publishMapCommand(c console) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish FILE.jq|FILE.json",
		Short: "Upload a mapping, or rules, after checking them",
		Long: `Check a mapping (a program in jq) or rules (JSON), and upload the file into the
container config under its own name. The setting INGEST_MAP=config/FILE.jq makes the
application use the mapping; INGEST_RULES=config/FILE.json makes it use the rules.
When you publish the file again, the application uses the new one within seconds.`,
		Example: "  fleetscore ingest publish plant.jq\n  fleetscore ingest publish limits.json",
		Args:    arguments("FILE"),
	}
	open := c.storageFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := filepath.Base(args[0])
		content, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		setting, does := "INGEST_MAP", "makes the application use it"
		if _, ok := rules.BlobName(blob.Config + "/" + name); ok {
			setting, does = "INGEST_RULES", "makes the application use them"
			_, err = rules.Parse(content)
		} else if _, ok := mapping.BlobName(blob.Config + "/" + name); ok {
			_, err = mapping.Parse(string(content))
		} else {
			return usageError{fmt.Errorf("%s: name the file NAME.jq or NAME.json, without blanks", name)}
		}
		if err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		storage, err := open()
		if err != nil {
			return err
		}
		defer storage.Close()
		if err := writeBlob(cmd.Context(), storage.Blobs(), blob.Config, name, "text/plain", content); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "published; %s=%s/%s %s\n", setting, blob.Config, name, does)
		if now := c.setting(setting); now != blob.Config+"/"+name && now != config.Default(setting) {
			fmt.Fprintf(c.out, "%s is now %s\n", setting, now)
		}
		return nil
	}
	return cmd
}
