package tabular

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// TestBad checks which qualities are bad.
func TestBad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		quality cell
		want    bool
	}{
		{cell{kind: number, number: 1<<31 - 1}, false}, {cell{kind: number, number: 1 << 31}, true}, {cell{kind: number, text: []byte("false")}, true}, {cell{kind: number, number: 1, text: []byte("true")}, false},
		{cell{text: []byte("Bad")}, true}, {cell{text: []byte("Good")}, false}, {cell{kind: missing}, false},
	} {
		if got := c.quality.bad(); got != c.want {
			t.Errorf("%+v is bad: got %v, want %v", c.quality, got, c.want)
		}
	}
}

// TestGrouped checks which numbers have a separator before each three digits.
func TestGrouped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"1,234": true, "12,345": true, "123,456": true, "1,234,567": true, "+1,234": true, "-1,234": true,
		"": false, "123": false, "1234,567": false, ",123": false, "1,23": false, "1,2345": false, "1,,234": false, "a,123": false, "1,abc": false, "1.234": false,
	} {
		if got := grouped([]byte(text), ','); got != want {
			t.Errorf("grouped(%q) = %v, want %v", text, got, want)
		}
	}
}

// TestWithoutUnit checks that a unit in brackets at the end of a name is left out, but not a time
// zone other than UTC.
func TestWithoutUnit(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"temp (°C)": "temp ", "temp[kPa]": "temp", "time (UTC)": "time ", "time (GMT)": "time ", "flow (L)": "flow ", "speed (RPM)": "speed ", "Value (°C)": "Value ", "ts (ms)": "ts ",
		"time (CET)": "time (CET)", "Uhrzeit (CEST)": "Uhrzeit (CEST)", "Date (UTC+2)": "Date (UTC+2)", "time (Europe/Berlin)": "time (Europe/Berlin)", "date (dd/mm/yyyy)": "date ", "ts (AB)": "ts ", "temp": "temp", "(temp)": "(temp)", "temp (a) b": "temp (a) b", "": "", "a()": "a",
	} {
		if got := withoutUnit(name); got != want {
			t.Errorf("withoutUnit(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestDelimiter checks which delimiter a line has. Of those that give equally many fields the first
// is used, but none that divides a text in quotes.
func TestDelimiter(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]rune{"a": ',', "a,b;c": ',', "a;b;c,d": ';', "a;b|c": ';', "a\tb|c": '\t', "a|b": '|', `"a,b";c`: ';', `"time";"temp, °C"`: ';', `"a,b;c`: ',', `x;"a`: ';', `"a,b"`: ',', "": ','} {
		if got := delimiter([]byte(line)); got != want {
			t.Errorf("delimiter(%q) = %q, want %q", line, got, want)
		}
	}
}

// TestFlattened checks how deep objects may be nested so that their members are columns.
func TestFlattened(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"b":1,"a":2}`:                           "a b",
		`{"a":{"b":{"c":{"d":{"e":1}}}}}`:         "a.b.c.d.e",
		`{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}`:   "a.b.c.d.e(no value)",
		`{"values":{"a":1},"x":{"fields":[1,2]}}`: "a x.fields(no value)",
	} {
		var object map[string]any
		if err := decode([]byte(text), &object); err != nil {
			t.Fatal(err)
		}
		columns, cells := flattened(object)
		for i, c := range cells {
			if c.kind == other {
				columns[i] += "(no value)"
			}
		}
		if got := strings.Join(columns, " "); got != want {
			t.Errorf("%s: got columns %s, want %s", text, got, want)
		}
	}
}

// TestOrientations checks the rows of objects that hold whole tables, and their order.
func TestOrientations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ time, text, want string }{
		{"", `{"ts":{"0":1,"10":3,"2":2},"a":{"0":7,"10":9,"2":8}}`, "[map[a:7 ts:1] map[a:8 ts:2] map[a:9 ts:3]]"},
		{"", `{"2026-11-27T07:00:00Z":{"a":1},"2026-11-27T07:00:01Z":{"a":2}}`, "[map[a:1 ts:2026-11-27T07:00:00Z] map[a:2 ts:2026-11-27T07:00:01Z]]"},
		{"when", `{"2026-11-27T07:00:00Z":{"a":1}}`, "[map[a:1 when:2026-11-27T07:00:00Z]]"},
		{"", `{"columns":["a"],"index":["2026-11-27T07:00:00Z"],"data":[[1]]}`, "[map[a:1 ts:2026-11-27T07:00:00Z]]"},
		{"", `{"columns":["a"],"index":[1,2],"data":[[1]]}`, "[map[a:1]]"},
		{"when", `{"when":[1,2],"a":[3,4],"device":"d"}`, "[map[a:3 device:d when:1] map[a:4 device:d when:2]]"},
		{"", `{"ts":1,"a":2}`, "none"},
	} {
		var object map[string]any
		if err := decode([]byte(c.text), &object); err != nil {
			t.Fatal(err)
		}
		rows, ok, err := Options{Time: c.time}.oriented(object)
		got := fmt.Sprint(rows)
		if !ok {
			got = "none"
		}
		if err != nil || got != c.want {
			t.Errorf("%s with --time %q: got %s, %v; want %s", c.text, c.time, got, err, c.want)
		}
	}
}

// all reads a text as a file, and returns its readings as device/sensor=value with the report.
func all(t *testing.T, text string) (readings []string, report Report) {
	t.Helper()
	r, err := Open([]string{"-"}, Options{Stdin: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	for x, err := range r.All() {
		if err != nil {
			t.Fatal(err)
		}
		readings = append(readings, fmt.Sprintf("%s=%v", x.ID, x.Value))
	}
	return readings, r.Report()
}

// TestNotes checks which columns of words are ignored: those without any number at the beginning of
// the file.
func TestNotes(t *testing.T) {
	t.Parallel()
	const header, row = "ts,device,a,b\n", "2026-11-27T07:00:00Z,p,1,"
	for _, c := range []struct {
		name, text       string
		refused, ignored int
	}{
		{"only words", header + row + "on\n" + row + "off\n", 0, 1},
		{"a number in the last line, which has no line end", header + row + "on\n" + row + "2", 1, 0},
		{"a short line", header + "2026-11-27T07:00:00Z,p,1\n" + row + "2\n", 0, 0},
		{"a file longer than its beginning", header + strings.Repeat(row+"on\n", 2*peekSize/len(row)), 0, 1},
		{"a number after the beginning", header + strings.Repeat(row+"on\n", 2*peekSize/len(row)) + row + "2\n", 0, 1},
	} {
		readings, report := all(t, c.text)
		if report.Refused != c.refused || len(report.Ignored) != c.ignored || len(readings) == 0 {
			t.Errorf("%s: got %d readings, %+v; want %d refused and %d columns ignored", c.name, len(readings), report, c.refused, c.ignored)
		}
	}
}

// TestSeveralTables reads a file of InfluxDB with two tables, whose columns differ.
func TestSeveralTables(t *testing.T) {
	t.Parallel()
	annotations := func(columns int) string {
		commas := strings.Repeat(",", columns-1)
		return "#datatype" + commas + "\n#group" + commas + "\n#default" + commas + "\n"
	}
	readings, report := all(t, annotations(6)+",result,table,_time,host,temp\n,,0,2026-11-27T07:00:00Z,p,1\n\n"+
		annotations(7)+",result,table,_time,host,vib,state\n,,1,2026-11-27T07:00:00Z,p,2,on\n,,1,2026-11-27T07:00:01Z,p,3,off\n")
	if want := []string{"p/temp=1", "p/vib=2", "p/vib=3"}; !slices.Equal(readings, want) || report.Refused != 0 || len(report.Ignored) != 1 {
		t.Errorf("got %q, %+v; want %q and the column state ignored", readings, report, want)
	}
}

// TestPlaces checks that a refused row is reported with its number.
func TestPlaces(t *testing.T) {
	t.Parallel()
	const good, bad = `{"ts":1795762800,"device":"p","sensor":"a","value":1}`, `{"ts":1795762800,"device":"p","sensor":"a","value":"1.2.3"}`
	for name, text := range map[string]string{
		": row 2: ": "[" + good + "," + bad + "," + good + "]",
		":2: ":      good + "\n" + bad + "\n" + good + "\n",
	} {
		readings, report := all(t, text)
		if len(readings) != 2 || report.Refused != 1 || !strings.Contains(report.First[0], name) {
			t.Errorf("got %d readings, %+v; want the second refused at %q", len(readings), report, name)
		}
	}
}

// TestShortRows checks rows that lack their last cells, and rows of delimiters alone.
func TestShortRows(t *testing.T) {
	t.Parallel()
	readings, report := all(t, "ts,device,sensor,value,quality\n2026-11-27T07:00:00Z,p,a,1\n,,,,\n2026-11-27T07:00:00Z,p,a\n2026-11-27T07:00:01Z,p,a,2,Bad\n2026-11-27T07:00:02Z,p,a,3,Good\n")
	if want := []string{"p/a=1", "p/a=3"}; !slices.Equal(readings, want) || report.Rows != 4 || report.Refused != 1 || report.Missing != 1 {
		t.Errorf("got %q, %+v; want %q of four rows, of which one is refused and one missing", readings, report, want)
	}
}

// TestFractions checks that the time of a number keeps its fraction.
func TestFractions(t *testing.T) {
	t.Parallel()
	r, err := Open([]string{"-"}, Options{Stdin: strings.NewReader(`{"ts":1795762800.125,"device":"p","sensor":"a","value":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	for x, err := range r.All() {
		if err != nil || x.Time.String() != "2026-11-27T07:00:00.125Z" {
			t.Errorf("got %v, %v", x, err)
		}
	}
}

// TestFloor checks that times are rounded down.
func TestFloor(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]int64{{1999, 1000, 1}, {2000, 1000, 2}, {0, 1000, 0}, {-1, 1000, -1}, {-1000, 1000, -1}, {-1001, 1000, -2}} {
		if got := floor(c[0], c[1]); int64(got) != c[2] {
			t.Errorf("floor(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

// TestDecimal checks decimal numbers of Parquet.
func TestDecimal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind  parquet.Kind
		scale int
		value parquet.Value
		want  float64
	}{
		{parquet.Int32, 2, parquet.Int32Value(-12345), -123.45}, {parquet.Int64, 0, parquet.Int64Value(7), 7},
		{parquet.ByteArray, 1, parquet.ByteArrayValue([]byte{0x7f}), 12.7}, {parquet.ByteArray, 1, parquet.ByteArrayValue([]byte{0x80}), -12.8}, {parquet.ByteArray, 1, parquet.ByteArrayValue([]byte{0xff, 0xff}), -0.1},
		{parquet.ByteArray, 1, parquet.ByteArrayValue([]byte{0x00, 0x80}), 12.8}, {parquet.ByteArray, 3, parquet.ByteArrayValue(nil), 0},
	} {
		if got := decimal(c.kind, c.scale)(c.value); got.number != c.want {
			t.Errorf("%v with scale %d: got %v, want %v", c.value, c.scale, got.number, c.want)
		}
	}
}

// TestLongLines checks that a line of maxLine bytes is read, and a longer one is reported as too long.
// The lines after it are read.
func TestLongLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		size int // with the line end
		want bool
	}{{10, false}, {peekSize, false}, {peekSize + 1, false}, {maxLine, false}, {maxLine + 1, true}, {2 * maxLine, true}} {
		in := &lines{Reader: bufio.NewReaderSize(strings.NewReader(strings.Repeat("x", c.size-1)+"\nnext\r\nlast"), peekSize)}
		line, tooLong, err := in.next()
		if err != nil || tooLong != c.want || !tooLong && len(line) != c.size-1 || in.n != 1 {
			t.Errorf("%d bytes: got %d, too long %v, %v; want too long %v", c.size, len(line), tooLong, err, c.want)
		}
		for i, want := range []string{"next", "last"} {
			if line, tooLong, err := in.next(); err != nil || tooLong || string(line) != want || in.n != i+2 {
				t.Errorf("after %d bytes: got line %d %q, %v, %v; want %q", c.size, in.n, line, tooLong, err, want)
			}
		}
		if _, _, err := in.next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last line: got %v, want io.EOF", err)
		}
	}
}

// TestDoubt checks which wide files may be long ones, and which options settle it.
func TestDoubt(t *testing.T) {
	t.Parallel()
	tag, room := &layout{names: []string{"ts", "a", "tag_x"}, sensors: []int{1}, device: none}, &layout{names: []string{"ts", "value", "room"}, sensors: []int{1}, device: none}
	other := &layout{names: []string{"ts", "value", "state"}, sensors: []int{1}, device: none}
	for _, c := range []struct {
		layout *layout
		opt    Options
		want   string
	}{
		{tag, Options{}, `"tag_x" seems to name sensors`}, {tag, Options{Device: "d"}, `"tag_x" seems to name sensors`}, {tag, Options{Sensor: "s", Device: "d"}, ""},
		{room, Options{}, `column "value" seems to hold values, and "room" what they are of`}, {room, Options{Device: "d"}, `column "value" seems to hold values`},
		{room, Options{Sensor: "s"}, `no column is known to name the device, but "room" has words`}, {room, Options{Sensor: "s", Device: "d"}, ""},
		{other, Options{}, ""},
	} {
		if err := c.layout.doubt(c.opt, []int{2}); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q with --sensor %q and --device %q: got %v, want %q", c.layout.names, c.opt.Sensor, c.opt.Device, err, c.want)
		}
	}
}

// TestBrokenObject checks that a single damaged line of JSON is refused like a row.
func TestBrokenObject(t *testing.T) {
	t.Parallel()
	readings, report := all(t, `{"ts":1795762800,"device":"p","a":1`)
	if len(readings) != 0 || report.Refused != 1 || !strings.Contains(report.First[0], "stdin:1: invalid: the line is no JSON object") {
		t.Errorf("got %q, %+v; want line 1 refused", readings, report)
	}
}

// TestCheckFooter checks how long the footer of a Parquet file may be: as long as the file without its
// first four bytes, and the last eight, which are the footer's length and PAR1.
func TestCheckFooter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		between, footer int
		want            string
	}{{0, 0, ""}, {10, 10, ""}, {10, 11, "its footer has 11 bytes"}, {10, 1 << 30, "more than the file"}, {-1, 0, "11 bytes, too few"}} {
		data := append([]byte("PAR1"), make([]byte, max(c.between, 0))...)
		data = append(binary.LittleEndian.AppendUint32(data, uint32(c.footer)), "PAR1"...)
		if c.between < 0 {
			data = data[1:]
		}
		if err := checkFooter(bytes.NewReader(data), int64(len(data))); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("a file of %d bytes with a footer of %d: got %v, want %q", len(data), c.footer, err, c.want)
		}
	}
}
