package tabular_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/tabular"
)

// TestMissing checks which cells count as missing values.
func TestMissing(t *testing.T) {
	t.Parallel()
	words := []string{"", "NaN", "Bad Input", "?", "-", "null", "No Data", "inf", "N/A", `"Calc Failed"`}
	b := new(strings.Builder)
	b.WriteString("TS,Device,Sensor,Val\n")
	for _, w := range words {
		fmt.Fprintf(b, "2026-11-27T07:00:00Z,p,t,%s\n", w)
	}
	b.WriteString("2026-11-27T07:00:00Z,p,t,4\n")
	got, report, err := read(t, tabular.Options{}, write(t, t.TempDir(), "a.csv", b.String()))
	if err != nil || len(got) != 1 || report.Missing != len(words) || report.Refused != 0 {
		t.Errorf("got %d readings, %v, %+v; want one reading and %d missing", len(got), err, report, len(words))
	}
}

// TestNumbers checks which cells are numbers, in which notation, and which are refused.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"1.5": 1.5, "1,5": 1.5, "1.234,5": 1234.5, "1,234.5": 1234.5, "1.234.567": 1234567, "-0,25": -0.25, "1e-3": 1e-3, "1,5E3": 1500, "+2": 2, "true": 1, "False": 0, "1.234": 1.234, "1,234": 1.234,
	} {
		got, report, err := read(t, tabular.Options{}, write(t, t.TempDir(), "a.csv", "ts;device;sensor;value\n2026-11-27T07:00:00Z;p;t;"+text+"\n"))
		if err != nil || len(got) != 1 || got[0].Value != want {
			t.Errorf("%s: got %v, %+v, %v; want %v", text, got, report, err, want)
		}
	}
	for _, text := range []string{"12,34,56", "1.2.3", "0x10", "1_000", "1,5,", "12 34", "1e400", "five", `"1,234"`} {
		got, report, err := read(t, tabular.Options{}, write(t, t.TempDir(), "a.csv", "ts,device,sensor,value\n2026-11-27T07:00:00Z,p,t,"+text+"\n"))
		if text[0] != '"' && strings.Contains(text, ",") {
			continue // the row has too many columns
		}
		if err != nil || len(got) != 0 || report.Refused != 1 || !strings.Contains(report.First[0], "value") {
			t.Errorf("%s: got %v, %+v, %v; want one refused row", text, got, report, err)
		}
	}
}
