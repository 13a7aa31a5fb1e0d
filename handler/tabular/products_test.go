package tabular_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/tabular"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

var update = flag.Bool("update", false, "write into testdata what files come to now; read each before it is kept")

// productFile is a file as a product writes it.
type productFile struct {
	Name   string          `json:"name"`
	Text   string          `json:"text,omitempty"`
	Raw    []byte          `json:"raw,omitempty"` // in place of Text, if that is not UTF-8
	Order  timestamp.Order `json:"order,omitempty"`
	Device string          `json:"device,omitempty"`
	Sensor string          `json:"sensor,omitempty"`
	// Want has device/sensor@seconds after 07:00=value, ? for each missing value,
	// ! with the first rows that are refused or why the file is, and ~ with what is passed over.
	Want string `json:"want"`
}

// TestProducts holds what becomes of the exports of historians, loggers, databases and pandas,
// and of what is close to them and must not be read wrong.
func TestProducts(t *testing.T) {
	t.Parallel()
	for file, least := range map[string]int{"testdata/products.jsonl": 75, "testdata/parquet.jsonl": 25} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var written bytes.Buffer
		lines := json.NewEncoder(&written)
		lines.SetEscapeHTML(false)
		n := 0
		for line := range bytes.Lines(content) {
			var f productFile
			if err := json.Unmarshal(line, &f); err != nil {
				t.Fatal(err)
			}
			got := f.read(t)
			if got != f.Want && !*update {
				t.Errorf("%s: %s\n got %s\nwant %s", f.Name, f.Text, got, f.Want)
			}
			f.Want = got
			if err := lines.Encode(f); err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n < least {
			t.Errorf("%s has %d files", file, n)
		}
		if *update {
			if err := os.WriteFile(file, written.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (f productFile) read(t *testing.T) string {
	t.Helper()
	if f.Raw != nil {
		f.Text = string(f.Raw)
	}
	path := write(t, t.TempDir(), f.Name, f.Text)
	r, err := tabular.Open([]string{path}, tabular.Options{DateOrder: f.Order, Device: f.Device, Sensor: f.Sensor})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for x, err := range r.All() {
		if err != nil {
			all = append(all, "!"+err.Error())
			break
		}
		all = append(all, fmt.Sprintf("%s@%v=%v", x.ID, x.Time.Time().Sub(time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)).Seconds(), x.Value))
	}
	report := r.Report()
	for range report.Missing {
		all = append(all, "?")
	}
	for _, s := range report.First {
		all = append(all, "!"+s)
	}
	for _, s := range report.Ignored {
		all = append(all, "~"+s)
	}
	return strings.ReplaceAll(strings.Join(all, " "), filepath.Dir(path)+string(filepath.Separator), "")
}
