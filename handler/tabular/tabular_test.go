package tabular_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/needs"
	"github.com/fleetscore/fleetscore/handler/tabular"
	"github.com/klauspost/compress/zstd"
)

var start = time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)

// expected returns eight readings each of temp and vib of two pumps, half a minute apart.
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

// long writes the expected readings as a header and a line for each. line is the format of the time,
// device, sensor and value.
func long(header, line string, layout func(time.Time) string) string {
	b := new(strings.Builder)
	fmt.Fprintln(b, header)
	for _, r := range expected() {
		fmt.Fprintf(b, line+"\n", layout(r.Time.Time()), r.ID.Device, r.ID.Sensor, r.Value)
	}
	return b.String()
}

// wide writes the expected readings as a header and a line for each time and device. If only is not
// empty, it writes the lines of that device, without its name.
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

// as returns a function that writes a time in this layout.
func as(layout string) func(time.Time) string {
	return func(t time.Time) string { return t.Format(layout) }
}

// utf16le returns s in UTF-16, with or without a byte order mark.
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

// gzipped returns s compressed by gzip.
func gzipped(s string) string {
	b := new(bytes.Buffer)
	z := gzip.NewWriter(b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

// zstandard returns s compressed by Zstandard.
func zstandard(s string) string {
	z, _ := zstd.NewWriter(nil)
	return string(z.EncodeAll([]byte(s), nil))
}

// write writes a file, and returns its path.
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

// TestShapes reads the expected readings from files of many shapes.
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
				t.Errorf("got %v, %v, %+v\nfrom\n%s", got, err, report, c.content[:min(len(c.content), 300)])
			}
		})
	}
}

// jsonLines writes the expected readings as a line of JSON for each.
func jsonLines(line string) string {
	b := new(strings.Builder)
	for _, r := range expected() {
		fmt.Fprintf(b, line+"\n", r.ID.Device, r.ID.Sensor, r.Time.Time().Format(time.RFC3339), r.Value)
	}
	return b.String()
}

// zone returns a time zone.
func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestPerDevice reads files that are named after their devices: by their names, by their folder, by a
// pattern, and one from standard input with the name of the device as an option.
func TestPerDevice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one := wide("timestamp,temp,vib", "%s,%v,%v", "pump-1", as(time.RFC3339))
	first := write(t, dir, "pump-1.csv", one)
	second := write(t, dir, "pump-2.csv.gz", gzipped(wide(",temp,vib", "%s,%v,%v", "pump-2", as(time.RFC3339))))
	write(t, dir, "notes.md", "no readings")
	for _, patterns := range [][]string{{first, second}, {dir}, {filepath.Join(dir, "*.csv*")}} {
		if got, report, err := read(t, tabular.Options{}, patterns...); err != nil || !slices.Equal(got, expected()) || report.Files != 2 {
			t.Errorf("%q: got %v, %v, %+v", patterns, got, err, report)
		}
	}
	got, _, err := read(t, tabular.Options{Device: "pump-1", Stdin: strings.NewReader(one)}, "-")
	if err != nil || !slices.Equal(got, expected()[:16]) {
		t.Errorf("standard input: got %v, %v", got, err)
	}
}

// TestCases reads the files in the folder shared, which is beside the repository.
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
			t.Errorf("%s: got %v, %v, %+v", f.Name(), got, err, report)
		}
	}
}
