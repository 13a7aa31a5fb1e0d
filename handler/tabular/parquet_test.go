package tabular_test

import (
	"bytes"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

// parquetRow is a row of one reading.
type parquetRow struct {
	At     time.Time `parquet:"ts,timestamp(microsecond)"`
	Device string    `parquet:"device,dict"`
	Tag    string    `parquet:"tag"`
	Value  *float32  `parquet:"value,optional"`
}

// wideRow is a row of a machine, as pandas writes it.
type wideRow struct {
	At    int64    `parquet:"__index_level_0__,timestamp(nanosecond)"`
	Unit  int32    `parquet:"unit"`
	State string   `parquet:"state"`
	Temp  float64  `parquet:"temp"`
	Vib   *float64 `parquet:"vib,optional"`
}

// TestParquet reads Parquet files with a row for each reading and with a column for each sensor, and
// damaged ones.
func TestParquet(t *testing.T) {
	t.Parallel()
	var rows []parquetRow
	for _, r := range expected() {
		v := float32(r.Value)
		rows = append(rows, parquetRow{r.Time.Time(), r.ID.Device, r.ID.Sensor, &v})
	}
	rows = append(rows, parquetRow{start, "pump-1", "temp", nil})
	b := new(bytes.Buffer)
	if err := parquet.Write(b, rows); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{"a.parquet": b.String(), "a.parquet.gz": gzipped(b.String())} {
		got, report, err := read(t, tabular.Options{}, write(t, dir, name, content))
		if err != nil || !slices.Equal(got, expected()) || report.Missing != 1 {
			t.Errorf("%s: got %v, %v, %+v", name, got, err, report)
		}
	}
	b.Reset()
	low, high := float32(1), float32(math.Inf(1))
	if err := parquet.Write(b, []parquetRow{{start, "p", "a", &low}, {start, "=p", "a", &high}, {start, "p", "a", &low}}); err != nil {
		t.Fatal(err)
	}
	if got, report, err := read(t, tabular.Options{}, write(t, dir, "refused.parquet", b.String())); err != nil || len(got) != 2 || report.Missing != 1 {
		t.Errorf("an infinite value: got %v, %v, %+v; want it missing", got, err, report)
	}
	b.Reset()
	if err := parquet.Write(b, []parquetRow{{start, "p", "a", &low}, {start, "=p", "a", &low}}); err != nil {
		t.Fatal(err)
	}
	if got, report, err := read(t, tabular.Options{}, write(t, dir, "refused.parquet", b.String())); err != nil || len(got) != 1 || report.Refused != 1 || !strings.Contains(report.First[0], "refused.parquet: row 2: ") {
		t.Errorf("an invalid name: got %v, %v, %+v; want row 2 refused", got, err, report)
	}
	if _, _, err := read(t, tabular.Options{Strict: true}, filepath.Join(dir, "refused.parquet")); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("an invalid name, strict: got %v, want fleet.ErrInvalid", err)
	}
	b.Reset()
	if err := parquet.Write(b, rows, parquet.MaxRowsPerRowGroup(10)); err != nil {
		t.Fatal(err)
	}
	if got, _, err := read(t, tabular.Options{}, write(t, dir, "groups.parquet", b.String())); err != nil || !slices.Equal(got, expected()) {
		t.Errorf("several groups of rows: got %d readings, %v; want %d", len(got), err, len(expected()))
	}
	b.Reset()
	v := 0.5
	if err := parquet.Write(b, []wideRow{{start.UnixNano(), 7, "on", 1.5, &v}, {start.UnixNano() + 999_999, 7, "off", 2, nil}}); err != nil {
		t.Fatal(err)
	}
	got, report, err := read(t, tabular.Options{}, write(t, dir, "wide.parquet", b.String()))
	at := fleet.MillisOf(start)
	of := func(sensor string, v float64) fleet.Reading {
		return fleet.Reading{ID: fleet.ID{Device: "7", Sensor: sensor}, Time: at, Value: v}
	}
	want := []fleet.Reading{of("temp", 1.5), of("temp", 2), of("vib", 0.5)}
	if err != nil || !slices.Equal(got, want) || report.Missing != 1 || len(report.Ignored) != 1 || !strings.Contains(report.Ignored[0], "state") {
		t.Errorf("wide rows: got %v, %v, %+v; want %v", got, err, report, want)
	}
	for n := range b.Len() {
		damaged := slices.Clone(b.Bytes())
		damaged[n] ^= 0x55
		_, _, err := read(t, tabular.Options{}, write(t, dir, "damaged.parquet", string(damaged)))
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Fatalf("byte %d damaged: got %v, want fleet.ErrInvalid", n, err)
		}
	}
}

// TestParquetFooter checks that a truncated Parquet file, or one whose footer would be longer than the
// file, is refused before memory is allocated for the footer.
func TestParquetFooter(t *testing.T) {
	t.Parallel()
	b := new(bytes.Buffer)
	if err := parquet.Write(b, []wideRow{{start.UnixNano(), 7, "on", 1.5, nil}}); err != nil {
		t.Fatal(err)
	}
	whole, dir := b.String(), t.TempDir()
	for name, c := range map[string]struct{ content, reason string }{
		"cut off":     {whole[:len(whole)-3], "does not end with PAR1"},
		"only begun":  {"PAR1", "4 bytes, too few"},
		"long footer": {whole[:len(whole)-8] + "\xff\xff\xff\x7fPAR1", "its footer has 2147483647 bytes"},
	} {
		_, _, err := read(t, tabular.Options{}, write(t, dir, name+".parquet", c.content))
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: got %v, want %s", name, err, c.reason)
		}
	}
}
