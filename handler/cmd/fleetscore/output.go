package main

import (
	"encoding/csv"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// output is the format in which a command writes its result: a table for people, or JSON
// or CSV for programs.
type output struct{ json, csv bool }

func (o *output) flags(cmd *cobra.Command) {
	jsonFlag(cmd, &o.json)
	cmd.Flags().BoolVar(&o.csv, "csv", false, "write CSV, for spreadsheets")
	cmd.MarkFlagsMutuallyExclusive("json", "csv")
}

// listing is a result in rows.
type listing struct {
	columns []string // names as in CSV, such as device_model
	rows    [][]any
}

func (t *listing) add(row ...any) { t.rows = append(t.rows, row) }

// write writes the listing as a table or as CSV, or whole as JSON.
func (c console) write(o output, t listing, whole any) error {
	switch {
	case o.json:
		return c.writeJSON(whole)
	case o.csv:
		return c.writeCSV(t)
	}
	return c.writeTable(t)
}

func (c console) writeCSV(t listing) error {
	w := csv.NewWriter(c.out)
	if err := w.Write(t.columns); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := w.Write(texts(row)); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// writeTable writes a table with a header line. If there are no rows, it says so on stderr.
func (c console) writeTable(t listing) error {
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(c.err, "there is nothing to list")
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.ToUpper(strings.ReplaceAll(strings.Join(t.columns, "\t"), "_", " ")))
	for _, row := range t.rows {
		fmt.Fprintln(w, strings.TrimRight(strings.Join(texts(row), "\t"), "\t"))
	}
	return w.Flush()
}

func texts(row []any) []string {
	all := make([]string, len(row))
	for i, v := range row {
		all[i] = fmt.Sprint(v)
	}
	return all
}
