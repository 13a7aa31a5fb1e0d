package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// table is a CSV file of numbers, read row by row. Its first line may name the
// columns.
type table struct {
	name  string
	rows  *csv.Reader
	head  []string // nil if there is none
	first []string // the first row of numbers, if there is no head
	row   []string // the current row
	line  int      // the number of its line in the file, from 1
}

func newTable(name string, r io.Reader) (*table, error) {
	t := &table{name: name, rows: csv.NewReader(r)}
	t.rows.ReuseRecord = true
	first, err := t.rows.Read()
	if err == io.EOF {
		return t, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	first = slices.Clone(first)
	first[0] = strings.TrimPrefix(first[0], "\ufeff")
	for _, field := range first {
		if _, err := parseNumber(field); err != nil {
			for i := range first {
				first[i] = strings.TrimSpace(first[i])
			}
			t.head = first
			return t, nil
		}
	}
	t.first = first
	return t, nil
}

// columns returns the positions of the columns that names lists. If names is empty, it
// returns all columns except others. It is an error if they are not n. Upper and lower
// case are the same.
func (t *table) columns(names []string, n int, others ...string) ([]int, error) {
	var at []int
	if len(names) > 0 {
		for _, name := range names {
			i := slices.IndexFunc(t.head, func(h string) bool { return strings.EqualFold(h, name) })
			if i < 0 {
				return nil, fmt.Errorf("%s has no column %q; it has %s", t.name, name, t.describe())
			}
			at = append(at, i)
		}
	} else {
		for i := range t.width() {
			if t.head == nil || !slices.ContainsFunc(others, func(o string) bool { return strings.EqualFold(o, t.head[i]) }) {
				at = append(at, i)
			}
		}
	}
	if len(at) != n && t.width() > 0 {
		return nil, fmt.Errorf("the model takes %d columns, %s has %s: name those to use, in order, with --columns", n, t.name, t.describe())
	}
	return at, nil
}

func (t *table) width() int { return max(len(t.head), len(t.first)) }

// has reports whether a column has that name.
func (t *table) has(name string) bool {
	return slices.ContainsFunc(t.head, func(h string) bool { return strings.EqualFold(h, name) })
}

func (t *table) describe() string {
	if t.head == nil {
		return fmt.Sprintf("%d, without names", t.width())
	}
	return strings.Join(t.head, ", ")
}

// read reads the next row into t.row. It returns io.EOF after the last.
func (t *table) read() (err error) {
	t.row, t.first = t.first, nil
	if t.row == nil {
		if t.row, err = t.rows.Read(); err != nil {
			if err == io.EOF {
				return err
			}
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	t.line, _ = t.rows.FieldPos(0)
	return nil
}

// numbers appends the fields at the positions at to x, as numbers. An empty field is
// NaN.
func (t *table) numbers(x []float64, at []int) ([]float64, error) {
	for _, i := range at {
		v, err := parseNumber(t.row[i])
		if err != nil {
			return x, fmt.Errorf("%s:%d: %q is not a number", t.name, t.line, t.row[i])
		}
		x = append(x, v)
	}
	return x, nil
}

// fields returns the fields at the positions at, without blanks around them.
func (t *table) fields(at []int) []string {
	if len(at) == 0 {
		return nil
	}
	fields := make([]string, len(at))
	for i, column := range at {
		fields[i] = strings.TrimSpace(t.row[column])
	}
	return fields
}

func parseNumber(field string) (float64, error) {
	if field = strings.TrimSpace(field); field == "" {
		return math.NaN(), nil
	}
	v, err := strconv.ParseFloat(field, 64)
	if errors.Is(err, strconv.ErrRange) { // as Python: too large is infinite
		return v, nil
	}
	return v, err
}
