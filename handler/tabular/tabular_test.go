package tabular_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/tabular"
)

var start = time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)

// expected are eight readings of temp and vib of two pumps, half a minute
// apart.
func expected() []fleet.Reading {
	var all []fleet.Reading
	for _, device := range []string{"pump-1", "pump-2"} {
		for k, sensor := range []string{"temp", "vib"} {
			for i := range 8 {
				at := fleet.MillisOf(start.Add(time.Duration(i) * 30 * time.Second))
				all = append(all, fleet.Reading{ID: fleet.ID{Device: device, Sensor: sensor}, Time: at, Value: 20 + float64(i) + float64(k)/2})
			}
		}
	}
	return all
}

// long writes the readings, a line each as the format says of time, device,
// sensor and value.
func long(header, line string, layout func(time.Time) string) string {
	b := new(strings.Builder)
	fmt.Fprintln(b, header)
	for _, r := range expected() {
		fmt.Fprintf(b, line+"\n", layout(r.Time.Time()), r.ID.Device, r.ID.Sensor, r.Value)
	}
	return b.String()
}

// wide writes a line a moment and device; of one device alone if it is named.
func wide(header, line, only string, layout func(time.Time) string) string {
	b := new(strings.Builder)
	fmt.Fprintln(b, header)
	all := expected()
	for d := range 2 {
		for i := range 8 {
			temp, vib := all[d*16+i], all[d*16+8+i]
			if only == "" {
				fmt.Fprintf(b, line+"\n", layout(temp.Time.Time()), temp.ID.Device, temp.Value, vib.Value)
			} else if only == temp.ID.Device {
				fmt.Fprintf(b, line+"\n", layout(temp.Time.Time()), temp.Value, vib.Value)
			}
		}
	}
	return b.String()
}

func as(layout string) func(time.Time) string {
	return func(t time.Time) string { return t.Format(layout) }
}

func utf16le(s string, mark bool) string {
	b := new(bytes.Buffer)
	if mark {
		b.WriteString("\xff\xfe")
	}
	for _, u := range utf16.Encode([]rune(s)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	return b.String()
}

func gzipped(s string) string {
	b := new(bytes.Buffer)
	z := gzip.NewWriter(b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

func zstandard(s string) string {
	z, _ := zstd.NewWriter(nil)
	return string(z.EncodeAll([]byte(s), nil))
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read returns all readings of the files, in the order of sensors and times.
func read(t *testing.T, opt tabular.Options, patterns ...string) ([]fleet.Reading, tabular.Report, error) {
	t.Helper()
	r, err := tabular.Open(patterns, opt)
	if err != nil {
		return nil, tabular.Report{}, err
	}
	var all []fleet.Reading
	for reading, err := range r.All() {
		if err != nil {
			return all, r.Report(), err
		}
		all = append(all, reading)
	}
	slices.SortStableFunc(all, func(a, b fleet.Reading) int {
		if c := fleet.CompareID(a.ID, b.ID); c != 0 {
			return c
		}
		return int(a.Time - b.Time)
	})
	return all, r.Report(), nil
}

func TestShapes(t *testing.T) {
	t.Parallel()
	rfc := as("2006-01-02T15:04:05Z")
	plain := long("TS,Device,Sensor,Val", "%s,%s,%s,%v", rfc)
	for name, c := range map[string]struct {
		content string
		opt     tabular.Options
	}{
		"plain.csv":         {content: plain},
		"bom-crlf.csv":      {content: "\ufeff" + strings.ReplaceAll(plain, "\n", "\r\n")},
		"old-mac.csv.gz":    {content: gzipped(plain)},
		"plain.csv.zst":     {content: zstandard(plain)},
		"utf16.csv":         {content: utf16le(plain, true)},
		"utf16-no-mark.csv": {content: utf16le(plain, false)},
		"seconds.csv":       {content: long("ts,device,sensor,value", "%s,%s,%s,%v", func(t time.Time) string { return fmt.Sprint(t.Unix()) })},
		"tabs.tsv":          {content: long("time\tmachine\ttag\treading", "%s\t%s\t%s\t%v", rfc)},
		"pipes.txt":         {content: long("time|asset_id|tag name|value", "%s|%s|%s|%v", rfc)},
		"quoted.csv":        {content: long(`"ts","device","note","sensor","value"`, `"%s","%s","say ""hi"", then; go","%s","%v"`, rfc)},
		"two-lines.csv":     {content: long("ts,device,note,sensor,value", "%s,%s,\"two\nlines, or \"\"three\"\"\",%s,%v", rfc)},
		"sep.csv":           {content: "sep=;\n" + long("ts;device;sensor;value", "%s;%s;%s;%v", rfc)},
		"titles.csv":        {content: "Export of line 3\nby the logger\n\n" + plain},
		"comments.csv":      {content: "# made by a logger\n# ts and more, as they come\n" + plain},
		"hash.csv":          {content: "#" + plain},
		"epoch.csv":         {content: long("epoch,device,sensor,value", "%s,%s,%s,%v", func(t time.Time) string { return fmt.Sprint(t.Unix()) })},
		"influxdb.csv": {content: "#datatype,string,long,dateTime:RFC3339,string,string,string,double\n#group,false,false,false,true,true,true,false\n#default,_result,,,,,,\n" +
			long(",result,table,_time,_measurement,host,_field,_value", ",,0,%[1]s,machine,%[2]s,%[3]s,%[4]v", rfc)},
		"no-zone.csv":         {content: long("ts,device,sensor,value", "%s,%s,%s,%v", as("2006-01-02T15:04:05"))},
		"berlin.csv":          {content: long("ts,device,sensor,value", "%s,%s,%s,%v", func(t time.Time) string { return t.Add(time.Hour).Format("2006-01-02 15:04:05") }), opt: tabular.Options{Zone: zone(t, "Europe/Berlin")}},
		"offset.csv":          {content: long("ts,device,sensor,value", "%s,%s,%s,%v", func(t time.Time) string { return t.In(time.FixedZone("", -9000)).Format(time.RFC3339) })},
		"points.csv":          {content: long("Zeit;Anlage;Messstelle;Wert", "%s;%s;%s;%v", as("02.01.2006 15:04:05"))},
		"comma.csv":           {content: strings.ReplaceAll(long("Zeit;Anlage;Messstelle;Wert", "%s;%s;%s;%v", as("02.01.2006 15:04:05")), ".5\n", ",5\n")},
		"two-columns.csv":     {content: long("Date;Time;device;sensor;value", "%s;%s;%s;%v", as("02/01/2006;15:04:05")), opt: tabular.Options{DateOrder: "dmy"}},
		"american.csv":        {content: long("when,where,what,much", "%s,%s,%s,%v", as("1/2/2006 3:04:05 PM")), opt: tabular.Options{Time: "when", Device: "WHERE", Sensor: "what", Value: "much", DateOrder: "mdy"}},
		"colons.csv":          {content: long("ts~device~sensor~value", "%s~%s~%s~%v", rfc), opt: tabular.Options{Delimiter: '~'}},
		"wide.csv":            {content: wide("datetime,machineID,temp,vib", "%s,%s,%v,%v", "", as("2006-01-02 15:04:05"))},
		"wide-notes.csv":      {content: wide("datetime,state,machineID,temp,vib", "%s,running,%s,%v,%v", "", as("2006-01-02 15:04:05"))},
		"lines.jsonl":         {content: jsonLines(`{"device":%q,"sensor":%q,"ts":%q,"value":%v}`)},
		"array.json":          {content: "[" + strings.ReplaceAll(strings.TrimSpace(jsonLines(`{"device":%q,"sensor":%q,"ts":%q,"value":"%v"}`)), "\n", ",\n") + "]"},
		"array-in-lines.json": {content: "[\n" + strings.ReplaceAll(strings.TrimSpace(jsonLines(`{"deviceId":%q,"tag":%q,"timestamp":%q,"value":%v}`)), "\n", ",\n") + "\n]\n"},
		"pretty.json":         {content: strings.ReplaceAll(jsonLines(`{"device":%q,"sensor":%q,"ts":%q,"value":%v}`), ",", ",\n  ")},
		"wide.jsonl":          {content: wide("", `{"time":"%s","device":"%s","state":"on","values":{"temp":%v,"vib":%v}}`, "", rfc)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, report, err := read(t, c.opt, write(t, t.TempDir(), name, c.content))
			if err != nil || !slices.Equal(got, expected()) || report.Read != 32 || report.Refused+report.Missing != 0 {
				t.Errorf("%v, %+v\n%v\nof\n%s", err, report, got, c.content[:min(len(c.content), 300)])
			}
		})
	}
}

func jsonLines(line string) string {
	b := new(strings.Builder)
	for _, r := range expected() {
		fmt.Fprintf(b, line+"\n", r.ID.Device, r.ID.Sensor, r.Time.Time().Format(time.RFC3339), r.Value)
	}
	return b.String()
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// A file a device, each named for it: as files, as a folder, by a glob, with
// one of them through stdin under a constant.
func TestPerDevice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one := wide("timestamp,temp,vib", "%s,%v,%v", "pump-1", as(time.RFC3339))
	first := write(t, dir, "pump-1.csv", one)
	second := write(t, dir, "pump-2.csv.gz", gzipped(wide(",temp,vib", "%s,%v,%v", "pump-2", as(time.RFC3339))))
	write(t, dir, "notes.md", "no readings")
	for _, patterns := range [][]string{{first, second}, {dir}, {filepath.Join(dir, "*.csv*")}} {
		if got, report, err := read(t, tabular.Options{}, patterns...); err != nil || !slices.Equal(got, expected()) || report.Files != 2 {
			t.Errorf("%q: %v, %+v\n%v", patterns, err, report, got)
		}
	}
	got, _, err := read(t, tabular.Options{Device: "pump-1", Stdin: strings.NewReader(one)}, "-")
	if err != nil || !slices.Equal(got, expected()[:16]) {
		t.Errorf("stdin: %v\n%v", err, got)
	}
}

type parquetRow struct {
	At     time.Time `parquet:"ts,timestamp(microsecond)"`
	Device string    `parquet:"device,dict"`
	Tag    string    `parquet:"tag"`
	Value  *float32  `parquet:"value,optional"`
}

type wideRow struct {
	At    int64    `parquet:"__index_level_0__,timestamp(nanosecond)"`
	Unit  int32    `parquet:"unit"`
	State string   `parquet:"state"`
	Temp  float64  `parquet:"temp"`
	Vib   *float64 `parquet:"vib,optional"`
}

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
			t.Errorf("%s: %v, %+v\n%v", name, err, report, got)
		}
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
		t.Errorf("%v, %+v\n%v", err, report, got)
	}
	for n := range b.Len() {
		damaged := slices.Clone(b.Bytes())
		damaged[n] ^= 0x55
		_, _, err := read(t, tabular.Options{}, write(t, dir, "damaged.parquet", string(damaged)))
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Fatalf("byte %d damaged: %v", n, err)
		}
	}
}

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
		t.Errorf("%v, %+v", err, report)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		"1.5": 1.5, "1,5": 1.5, "1.234,5": 1234.5, "1,234.5": 1234.5, "1.234.567": 1234567, "-0,25": -0.25, "1e-3": 1e-3, "1,5E3": 1500, "+2": 2, "true": 1, "False": 0, "1.234": 1.234, "1,234": 1.234,
	} {
		got, report, err := read(t, tabular.Options{}, write(t, t.TempDir(), "a.csv", "ts;device;sensor;value\n2026-11-27T07:00:00Z;p;t;"+text+"\n"))
		if err != nil || len(got) != 1 || got[0].Value != want {
			t.Errorf("%s: %v, %+v, %v, want %v", text, got, report, err, want)
		}
	}
	for _, text := range []string{"12,34,56", "1.2.3", "0x10", "1_000", "1,5,", "12 34", "1e400", "five", `"1,234"`} {
		got, report, err := read(t, tabular.Options{}, write(t, t.TempDir(), "a.csv", "ts,device,sensor,value\n2026-11-27T07:00:00Z,p,t,"+text+"\n"))
		if text[0] != '"' && strings.Contains(text, ",") {
			continue // more columns
		}
		if err != nil || len(got) != 0 || report.Refused != 1 || !strings.Contains(report.First[0], "value") {
			t.Errorf("%s: %v, %+v, %v", text, got, report, err)
		}
	}
}

// Lines that are no readings hold up no other, wherever a stray quote stands.
func TestDamaged(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(strings.TrimSuffix(long("TS,Device,Sensor,Val,Note", "%s,%s,%s,%v,fine", as(time.RFC3339)), "\n")+"\n", "\n")
	lines = lines[:len(lines)-1] // the last is empty
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
		t.Errorf("%v, %+v: %d readings", err, report, len(got))
	}
	if !strings.HasPrefix(report.First[0], path+":2: ") {
		t.Errorf("the first is %q", report.First[0])
	}
	_, report, err = read(t, tabular.Options{Strict: true}, path)
	if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), path+":2") || report.Refused != 1 {
		t.Errorf("strict: %v, %+v", err, report)
	}
}

// What cannot be read at all says why and what to do.
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
			t.Errorf("%.20q: %v, want %q", content, err, want)
		}
	}
	for _, patterns := range [][]string{nil, {filepath.Join(dir, "*.nothing")}, {t.TempDir()}, {filepath.Join(dir, "gone")}} {
		if _, _, err := read(t, tabular.Options{}, patterns...); err == nil {
			t.Errorf("%q: no error", patterns)
		}
	}
	path := write(t, dir, "b.csv", "ts,device,sensor,value\n")
	if _, _, err := read(t, tabular.Options{Time: "when"}, path); err == nil || !strings.Contains(err.Error(), `no column "when" (--time)`) {
		t.Errorf("a column that is not there: %v", err)
	}
}

// TestCases reads the files that are kept beside the repository.
func TestCases(t *testing.T) {
	t.Parallel()
	dir := needs.Shared(t, "cases/files")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() == "README.md" || f.Name() == "expected.json" {
			continue
		}
		got, report, err := read(t, tabular.Options{}, filepath.Join(dir, f.Name()))
		want := expected()
		missing, refused := 0, 0
		switch f.Name() {
		case "missing-values.csv":
			want, missing = want[8:], 8
		case "damaged-line.csv":
			refused = 3
		}
		if err != nil || !slices.Equal(got, want) || report.Missing != missing || report.Refused != refused {
			t.Errorf("%s: %v, %+v\n%v", f.Name(), err, report, got)
		}
	}
}

// FuzzRead: nothing crashes, each cell of a row is counted once, and what is
// read is valid and the same when read again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(long("TS,Device,Sensor,Val", "%s,%s,%s,%v", as(time.RFC3339))))
	f.Add([]byte(wide("datetime;machineID;temp;vib", "%s;%s;%v;%v", "", as(time.RFC3339))))
	f.Add([]byte(jsonLines(`{"device":%q,"sensor":%q,"ts":%q,"value":%v}`)))
	f.Add([]byte("[{\"ts\":1795762800,\"a\":{\"b\":1}}]"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if bytes.HasPrefix(content, []byte("PAR1")) {
			t.Skip() // reads the file from its end: TestParquet damages one
		}
		again := func() ([]fleet.Reading, tabular.Report, error) {
			return read(t, tabular.Options{Stdin: bytes.NewReader(content)}, "-")
		}
		got, report, err := again()
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Fatal(err)
		}
		if len(got) != report.Read && err == nil {
			t.Errorf("%d readings, %+v", len(got), report)
		}
		for _, r := range got {
			if err := r.Validate(); err != nil {
				t.Errorf("%v: %v", r, err)
			}
		}
		if twice, _, _ := again(); !slices.Equal(twice, got) {
			t.Errorf("%v, then %v", got, twice)
		}
	})
}

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
