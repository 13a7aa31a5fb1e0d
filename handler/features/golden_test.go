package features

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/goldenfile"
)

// golden has the rows that golden.py in testdata made with a version of pandas.
type golden struct {
	Pandas   string
	Readings map[string][][3]any // time in milliseconds, sensor, value in hexadecimal
	Cases    []struct {
		Name, Readings string
		File           json.RawMessage
		Tolerance      float64 // relative; 0 for equality
		Columns        []string
		Rows           [][]any // time, values in hexadecimal
	}
}

// hexFloat parses a number in hexadecimal.
func hexFloat(t *testing.T, v any) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(v.(string), 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestPandas compares rows with those of pandas, within the tolerance of each case.
func TestPandas(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/pandas-*.json.gz")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d goldens, want at least 4 (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			g := goldenfile.Read[golden](t, file)
			rows := 0
			for _, c := range g.Cases {
				rows += len(c.Rows)
				t.Run(c.Name+" "+c.Readings, func(t *testing.T) {
					names, times, values := scoreRows(t, c.File, g.Readings[c.Readings])
					if len(times) != len(c.Rows) {
						t.Fatalf("got %d rows, pandas %s has %d", len(times), g.Pandas, len(c.Rows))
					}
					if len(c.Rows) > 0 && !slices.Equal(names, c.Columns) {
						t.Fatalf("got columns %v, pandas has %v", names, c.Columns)
					}
					for i, row := range c.Rows {
						if want := fleet.Millis(row[0].(float64)); times[i] != want {
							t.Fatalf("row %d is at %v, in pandas at %v", i, times[i], want)
						}
						for k, name := range names {
							got, want := values[i][k], hexFloat(t, row[1+k])
							if got == want || math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) <= c.Tolerance*math.Abs(want) {
								continue
							}
							t.Fatalf("row %d (%v), %s is %v, in pandas %v", i, times[i], name, got, want)
						}
					}
				})
			}
			if rows < 5000 {
				t.Errorf("%d rows were compared, want at least 5000", rows)
			}
		})
	}
}

// scoreRows returns the rows that a features file makes of readings.
func scoreRows(t *testing.T, file []byte, readings [][3]any) (names []string, times []fleet.Millis, values [][]float64) {
	t.Helper()
	p := mustPlan(t, file)
	w := fleet.Window{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
	rows := p.Start(w, func(ts fleet.Millis, x []float64) error {
		times, values = append(times, ts), append(values, slices.Clone(x))
		return nil
	})
	for _, r := range readings {
		sensor := slices.Index(p.Sensors(), r[1].(string))
		if sensor < 0 {
			continue
		}
		if err := rows.Add(sensor, fleet.Millis(r[0].(float64)), hexFloat(t, r[2])); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	return p.Columns(), times, values
}
