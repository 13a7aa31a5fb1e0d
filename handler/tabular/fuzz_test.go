package tabular_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

// FuzzRead checks that no file makes reading panic, and that readings are valid, counted, and the
// same when the file is read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(long("TS,Device,Sensor,Val", "%s,%s,%s,%v", as(time.RFC3339))))
	f.Add([]byte(wide("datetime;machineID;temp;vib", "%s;%s;%v;%v", "", as(time.RFC3339))))
	f.Add([]byte(jsonLines(`{"device":%q,"sensor":%q,"ts":%q,"value":%v}`)))
	f.Add([]byte("[{\"ts\":1795762800,\"a\":{\"b\":1}}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if bytes.HasPrefix(content, []byte("PAR1")) {
			return // FuzzParquet reads Parquet files
		}
		again := func() ([]fleet.Reading, tabular.Report, error) {
			return read(t, tabular.Options{Stdin: bytes.NewReader(content)}, "-")
		}
		got, report, err := again()
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Fatal(err)
		}
		if len(got) != report.Read && err == nil {
			t.Errorf("got %d readings, but %+v", len(got), report)
		}
		for _, r := range got {
			if err := r.Validate(); err != nil {
				t.Errorf("%v: %v", r, err)
			}
		}
		if twice, _, _ := again(); !slices.Equal(twice, got) {
			t.Errorf("got %v, and then %v", got, twice)
		}
	})
}

// BenchmarkRead reads a CSV file of 100,000 readings.
func BenchmarkRead(b *testing.B) {
	line := new(strings.Builder)
	line.WriteString("TS,Device,Sensor,Val\n")
	for i := range 100_000 {
		fmt.Fprintf(line, "%s,machine-%03d,temperature,%v\n", start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i%100, float64(i)/7)
	}
	b.SetBytes(int64(line.Len()))
	for b.Loop() {
		r, err := tabular.Open([]string{"-"}, tabular.Options{Stdin: strings.NewReader(line.String())})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range r.All() {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 100_000 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "rows/s")
}
