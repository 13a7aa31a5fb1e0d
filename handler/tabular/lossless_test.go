package tabular_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

// cells is a table of values as text. It also has how many of them are to be read, missing and
// refused.
type cells struct {
	rows                   [][]string // a cell for each sensor
	read, missing, refused int
}

// randomCells returns a random table.
func randomCells(rnd *rand.Rand) (c cells) {
	sensors := 1 + rnd.IntN(4)
	for range 1 + rnd.IntN(12) {
		row := make([]string, sensors)
		for i := range row {
			switch rnd.IntN(5) {
			case 0:
				row[i] = []string{"", "NaN", "Bad", "null", "?", "(null)"}[rnd.IntN(6)]
				c.missing++
			case 1:
				row[i] = []string{"1.2.3", "five", "1e999", "0x10", "21.5 °C"}[rnd.IntN(5)]
				c.refused++
			default:
				row[i] = []string{fmt.Sprint(rnd.Float64()), "-7", "true", "+2", "1e-3"}[rnd.IntN(5)]
				c.read++
			}
		}
		c.rows = append(c.rows, row)
	}
	// A column without any number would not be a sensor's.
	row := slices.Repeat([]string{"1"}, sensors)
	c.rows = append(c.rows, row)
	c.read += sensors
	return c
}

// files returns the table as files of each kind.
func (c cells) files(t *testing.T, rnd *rand.Rand) map[string]string {
	t.Helper()
	d := []string{",", ";", "\t", "|"}[rnd.IntN(4)]
	end := []string{"\n", "\r\n"}[rnd.IntN(2)]
	quote := func(s string) string {
		if rnd.IntN(3) == 0 {
			return `"` + s + `"`
		}
		return s
	}
	var wide, long, lines, values strings.Builder
	wide.WriteString("time" + d + "device")
	names := []string{"time", "device"}
	for i := range c.rows[0] {
		names = append(names, fmt.Sprintf("s%d", i))
		wide.WriteString(d + names[i+2])
	}
	wide.WriteString(end)
	long.WriteString(strings.Join([]string{"value", "sensor", "device", "time"}, d) + end)
	for i, row := range c.rows {
		at := 1795762800 + i
		fmt.Fprintf(&wide, "%d%sd", at, d)
		object := map[string]any{"time": at, "device": "d"}
		list := []any{at, "d"}
		for j, v := range row {
			wide.WriteString(d + quote(v))
			fmt.Fprintf(&long, "%s%s%s%sd%s%d%s", quote(v), d, names[j+2], d, d, at, end)
			object[names[j+2]] = v
			list = append(list, v)
		}
		wide.WriteString(end)
		for to, v := range map[*strings.Builder]any{&lines: object, &values: list} {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			to.Write(text)
			to.WriteString("\n")
		}
	}
	columns, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.ReplaceAll(strings.TrimSpace(values.String()), "\n", ",")
	return map[string]string{
		"wide.csv": wide.String(), "long.csv": long.String(), "titles.csv": "An export\n\n# of a logger\n" + long.String(), "long.csv.gz": gzipped(long.String()), "wide.csv.zst": zstandard(wide.String()),
		"again.csv":  long.String() + long.String()[:strings.Index(long.String(), end)+len(end)], // with the header again at the end
		"array.json": "[" + strings.ReplaceAll(strings.TrimSpace(lines.String()), "\n", ",\n") + "]",
		"split.json": `{"columns":` + string(columns) + `,"data":[` + rows + `]}`, "long.parquet": c.parquet(t, names[2:]),
	}
}

// parquet returns the table as a Parquet file.
func (c cells) parquet(t *testing.T, names []string) string {
	t.Helper()
	type row struct {
		TS     int64   `parquet:"ts"`
		Device string  `parquet:"device,dict"`
		Sensor string  `parquet:"sensor,dict"`
		Value  *string `parquet:"value,optional"`
	}
	var rows []row
	for i, r := range c.rows {
		for j := range r {
			v := &r[j]
			if r[j] == "null" {
				v = nil
			}
			rows = append(rows, row{1795762800 + int64(i), "d", names[j], v})
		}
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, rows); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// check reads the table from files of each kind.
func (c cells) check(t *testing.T, rnd *rand.Rand) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range c.files(t, rnd) {
		got, report, err := read(t, tabular.Options{}, write(t, dir, name, content))
		if err != nil || len(got) != c.read || report.Read != c.read || report.Missing != c.missing || report.Refused != c.refused {
			t.Errorf("%s: got %d read of %d, %d missing of %d, %d refused of %d, %v, %q\n%s", name, len(got), c.read, report.Missing, c.missing, report.Refused, c.refused, err, report.First, content)
		}
	}
}

// TestNothingIsLost checks that each cell of a file is read, missing or refused, whatever the kind of
// file.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		randomCells(rnd).check(t, rnd)
	}
}

// FuzzNothingIsLost does the same with any seed.
func FuzzNothingIsLost(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		randomCells(rnd).check(t, rnd)
	})
}

// FuzzParquet checks that any Parquet file gives valid readings, or an error that wraps
// fleet.ErrInvalid.
func FuzzParquet(f *testing.F) {
	goldenfile.Lines(f, "testdata/parquet.jsonl", 25, false, func(p *productFile) { f.Add(p.Raw) })
	path := filepath.Join(f.TempDir(), "a.parquet")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, report, err := read(t, tabular.Options{}, path)
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Fatal(err)
		}
		if err == nil && len(got) != report.Read {
			t.Errorf("got %d readings, but %+v", len(got), report)
		}
		for _, r := range got {
			if err := r.Validate(); err != nil {
				t.Errorf("%v: %v", r, err)
			}
		}
	})
}
