package tabular_test

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/tabular"
	"github.com/fleetscore/fleetscore/handler/timestamp"
)

var update = flag.Bool("update", false, "write into testdata what is read from files now; check each line before committing")

// productFile is a file as a product writes it.
type productFile struct {
	Name   string          `json:"name"`
	Text   string          `json:"text,omitempty"`
	Raw    []byte          `json:"raw,omitempty"` // instead of Text, if that is not UTF-8
	Order  timestamp.Order `json:"order,omitempty"`
	Device string          `json:"device,omitempty"`
	Sensor string          `json:"sensor,omitempty"`
	// Want has device/sensor@seconds=value for each reading, in seconds after 07:00, ? for each
	// missing value, ! with the reason for each of the first refused rows, or for the file, and ~
	// with each column that is ignored.
	Want string `json:"want"`
}

// TestProducts checks what is read from exports of historians, loggers, databases and pandas, and from
// similar files that must not be misread.
func TestProducts(t *testing.T) {
	t.Parallel()
	for file, least := range map[string]int{"testdata/products.jsonl": 75, "testdata/parquet.jsonl": 25} {
		goldenfile.Lines(t, file, least, *update, func(f *productFile) {
			got := f.read(t)
			if got != f.Want && !*update {
				t.Errorf("%s: %s\n got %s\nwant %s", f.Name, f.Text, got, f.Want)
			}
			f.Want = got
		})
	}
}

// read reads the file, and returns a text as in Want.
func (f productFile) read(t *testing.T) string {
	t.Helper()
	text := f.Text
	if f.Raw != nil {
		text = string(f.Raw)
	}
	path := write(t, t.TempDir(), f.Name, text)
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
