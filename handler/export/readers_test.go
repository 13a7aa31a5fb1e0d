package export_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/export"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/needs"
)

// TestLayouts checks the Parquet rows of each layout of CSV, and that other CSVs are
// refused.
func TestLayouts(t *testing.T) {
	t.Parallel()
	const ts = "2026-03-01T11:00:00.000Z"
	for name, c := range map[string]struct {
		id         fleet.ID
		csv        string
		value      string
		prediction string
		label      string
		features   string
	}{
		"aggregates": {fleet.ID{Device: "d", Sensor: "s"}, "TS,Device,Sensor,Val,Prediction,Score,mean,max\n" + ts + ",d,s,1.5,1,-2,1.5,9\n", "1.5", "1", "-", "mean=1.5 max=9 "},
		"detector":   {fleet.ID{Device: "d", DeviceModel: "m"}, "TS,Device,Model,Prediction,Score,flow mean,empty\n" + ts + ",d,m,0,-2,3,\n", "-", "0", "-", "flow mean=3 "},
		"classifier": {fleet.ID{Device: "d", DeviceModel: "m"}, "TS,Device,Model,Prediction,Score,P(1),P(2)\n" + ts + ",d,m,2,,.25,.75\n", "-", "-", "2", "P(1)=0.25 P(2)=0.75 "},
		"regressor":  {fleet.ID{Device: "d", DeviceModel: "m"}, "TS,Device,Model,Prediction,Score,Actual,Residual,x\n" + ts + ",d,m,2.5,,3,0.5,1\n", "-", "2.5", "-", "Actual=3 Residual=0.5 x=1 "},
	} {
		content, err := export.Parquet(hour.RunID(), c.id, []byte(c.csv))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r := records(t, string(content))[0]
		text := func(v *float64) string {
			if v == nil {
				return "-"
			}
			return fmt.Sprint(*v)
		}
		label, features := "-", ""
		if r.Label != nil {
			label = *r.Label
		}
		for _, f := range r.Features {
			features += fmt.Sprintf("%s=%g ", f.Name, f.Value)
		}
		if text(r.Value) != c.value || text(r.Prediction) != c.prediction || label != c.label || features != c.features {
			t.Errorf("%s: got %+v with label %s and features %s, want %+v", name, r, label, features, c)
		}
	}
	for _, bad := range []string{"a,b\n1,2\n", "TS,Device,Model\n", "TS,Device,Model,Prediction\n", "TS,Device,Sensor,Val,Prediction,Score\nyesterday,d,s,1,1,1\n", "\"", "TS,Device,Model,Prediction,Score\n\"x\n"} {
		if _, err := export.Parquet("r", ids[0], []byte(bad)); err == nil {
			t.Errorf("%q was read, want an error", bad)
		}
	}
	if content, err := export.Parquet("r", ids[0], nil); err != nil || len(records(t, string(content))) != 0 {
		t.Errorf("an empty CSV: got %d bytes, %v; want a file without rows", len(content), err)
	}
}

// TestReaders runs the examples for DuckDB and pandas in docs/results.md on the files of a
// run.
func TestReaders(t *testing.T) {
	t.Parallel()
	python := needs.Python(t, "duckdb==1.4.2", "pandas==3.1.1", "pyarrow==26.0.1")
	b := newBench(t)
	b.closeAll(hour)
	b.end(hour)
	dir := t.TempDir()
	for name, content := range b.written() {
		writeFile(t, filepath.Join(dir, "preds", filepath.FromSlash(name)), content)
	}
	content, err := export.Parquet("r", fleet.ID{Device: "m", DeviceModel: "whole"}, []byte("TS,Device,Model,Prediction,Score,flow_mean\n2026-03-01T11:00:00.000Z,m,whole,0,-2,3.5\n"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "preds", "date=2026-03-01", "device=m", "r.parquet"), string(content))
	page, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, n int) string {
		_, rest, _ := strings.Cut(string(page), "```"+kind+"\n")
		for range n {
			_, rest, _ = strings.Cut(rest, "```"+kind+"\n")
		}
		text, _, found := strings.Cut(rest, "```")
		if !found {
			t.Fatalf("docs/results.md has no block %d of %s", n, kind)
		}
		return text
	}
	script := fmt.Sprintf(`import duckdb
print(duckdb.sql("""%s""").fetchall())
print(duckdb.sql("""SELECT score, flow_mean FROM (%s)""").fetchall())
%s
print(sorted(df.groupby(["device", "name"], observed=True).prediction.sum().items()), df.ts.dtype)
`, block("sql", 0), strings.TrimRight(block("sql", 1), ";\n"), strings.Replace(block("python", 0), "print(", "str(", 1))
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	want := "[('a', 's', 3, 1.0), ('a', 't', 3, 1.0), ('m', 'whole', 1, 0.0), ('z', 's', 3, 1.0), ('" + odd + "', 's', 3, 1.0)]\n[(-2.0, 3.5)]\n" +
		"[(('a', 's'), 1.0), (('a', 't'), 1.0), (('m', 'whole'), 0.0), (('z', 's'), 1.0), (('" + odd + "', 's'), 1.0)] datetime64[ms, UTC]\n"
	if err != nil || string(out) != want {
		t.Errorf("%v: got\n%s\nwant\n%s", err, out, want)
	}
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
