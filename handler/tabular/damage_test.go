package tabular_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

// TestDamaged checks that damaged lines are refused, and do not affect the lines around them, also
// if they have a stray quote.
func TestDamaged(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(strings.TrimSuffix(long("TS,Device,Sensor,Val,Note", "%s,%s,%s,%v,fine", as(time.RFC3339)), "\n")+"\n", "\n")
	lines = lines[:len(lines)-1] // without the empty text after the last line
	bad := []string{"this,line,is damaged\n", "2026-11-27T07:00:00Z,pump-1,temp\n", "\"\n", "2026-11-27T07:00:00Z,pump-1,\"temp,1,\n", "x\x00y\n",
		"2026-11-27T07:00:00Z,=cmd(),temp,1,\n", "2026-11-27T07:00:00Z,,temp,1,\n", strings.Repeat("z", 5<<20) + "\n"}
	var damaged []string
	for i, l := range lines {
		damaged = append(damaged, l)
		if i < len(bad) {
			damaged = append(damaged, bad[i])
		}
	}
	path := write(t, t.TempDir(), "a.csv", strings.Join(damaged, ""))
	got, report, err := read(t, tabular.Options{}, path)
	if err != nil || !slices.Equal(got, expected()) || report.Refused != len(bad) || len(report.First) != len(bad) {
		t.Errorf("got %d readings, %v, %+v; want %d and %d refused", len(got), err, report, len(expected()), len(bad))
	}
	if !strings.HasPrefix(report.First[0], path+":2: ") {
		t.Errorf("the first refused line is reported as %q, want it on line 2", report.First[0])
	}
	_, report, err = read(t, tabular.Options{Strict: true}, path)
	if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), path+":2") || report.Refused != 1 {
		t.Errorf("strict: got %v, %+v; want an error on line 2", err, report)
	}
}

// TestSurplusFields checks that a line with more fields than there are columns is refused: 6,823
// in it may be one number. Delimiters at the end of a line are no fields.
func TestSurplusFields(t *testing.T) {
	t.Parallel()
	path := write(t, t.TempDir(), "a.csv", "time,device,flow,temp\n2026-11-27T07:00:00Z,pump-1,6,823,53\n2026-11-27T07:01:00Z,pump-1,7,54,,\n2026-11-27T07:02:00Z,pump-1,8\n")
	got, report, err := read(t, tabular.Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	var values []float64
	for _, r := range got {
		values = append(values, r.Value)
	}
	slices.Sort(values)
	if !slices.Equal(values, []float64{7, 8, 54}) || report.Rows != 3 || report.Refused != 1 || report.Missing != 1 {
		t.Errorf("got %v, %+v; want 7, 8 and 54, one row refused, one value missing", values, report)
	}
	if want := ":2: invalid: the row has 5 fields for 4 columns"; len(report.First) != 1 || !strings.Contains(report.First[0], want) {
		t.Errorf("got %q, want %q", report.First, want)
	}
}

// TestRefused checks the errors for files that cannot be read at all.
func TestRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for content, want := range map[string]string{
		"":                     "the file is empty",
		"a,b,c\n1,2,3\n":       `"a", "b", "c": name it with --time`,
		"ts,device,sensor\n":   "--value",
		"ts,device\n":          "--value",
		"\x00\x01\x02,\x00\n":  "this is no text",
		gzipped("ts,v\n")[:15]: "damaged or cut off",
		"PAR1 and no more":     "Parquet",
	} {
		_, _, err := read(t, tabular.Options{}, write(t, dir, "a.csv", content))
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %q", content, err, want)
		}
	}
	for _, patterns := range [][]string{nil, {filepath.Join(dir, "*.nothing")}, {t.TempDir()}, {filepath.Join(dir, "gone")}} {
		if _, _, err := read(t, tabular.Options{}, patterns...); err == nil {
			t.Errorf("%q: no error, though there is no such file", patterns)
		}
	}
	path := write(t, dir, "b.csv", "ts,device,sensor,value\n")
	if _, _, err := read(t, tabular.Options{Time: "when"}, path); err == nil || !strings.Contains(err.Error(), `no column "when" (--time)`) {
		t.Errorf("an unknown column: got %v", err)
	}
}
