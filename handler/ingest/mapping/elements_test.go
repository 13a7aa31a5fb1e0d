package mapping

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// read reads an event.
func read(body string) Found {
	r := NewReader(Plain, Options{}, 1)
	r.Read(0, Event{Body: []byte(body)})
	return r.Found
}

// show writes what an event has, in the order of its elements: a reading as
// device/sensor@time=value, a refused element as !reason, and at the end each missing value.
func show(body string) []string { return found(read(body)) }

// found writes what was read, as show does.
func found(p Found) []string {
	all := make(map[int]string)
	for i, r := range p.Readings {
		all[p.Origins[i].Element] = fmt.Sprintf("%s@%d=%v", r.ID, r.Time, r.Value)
	}
	for _, b := range p.Refused {
		all[b.Element] = "!" + strings.TrimPrefix(b.Err.Error(), "invalid: ")
	}
	lines := make([]string, 0, len(all))
	for _, i := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, all[i])
	}
	for range p.Missing {
		lines = append(lines, "missing")
	}
	return lines
}

// TestParse checks which readings an event has, and why elements of it are refused.
func TestParse(t *testing.T) {
	t.Parallel()
	const good, other = `{"device":1,"sensor":"2","ts":1535497205007,"value":1.5}`, `{"device":1,"sensor":3,"ts":1535497200005,"value":0}`
	const want, wantOther = "1/2@1535497205007=1.5", "1/3@1535497200005=0"
	for _, tc := range []struct {
		body string
		want []string
	}{
		// forms of an event
		{good, []string{want}},
		{" \r\n" + good + "\n\n", []string{want}},
		{"{\n  \"device\": 1,\n  \"sensor\": 2,\n  \"ts\": 1535497200005,\n  \"value\": -1e-3\n}\n", []string{"1/2@1535497200005=-0.001"}},
		{good + "\n" + other, []string{want, wantOther}},
		{good + "\r\n\r\n" + other + "\r\n", []string{want, wantOther}},
		{"[" + good + "," + other + "]", []string{want, wantOther}},
		{"\t[ " + good + " ,\n" + other + " ]\n", []string{want, wantOther}},
		{"[]", nil},
		{"[ ]\n", nil},
		// keys and values
		{`{"TS":"2018-08-28 23:00:05.007","Device":1,"Sensor":2,"Val":1.5}`, []string{want}},
		{`{"timestamp":"2018-08-29T01:00:05.0079+02:00","DEVICEID":"1","sensor":"2","VALUE":"1.50"}`, []string{want}},
		{`{"time":"1535497205007","deviceId":"1","sensor":"2","value":15e-1,"more":{"a":[1,"}",null]},"device2":[]}`, []string{want}},
		{`{"ts":"2018-08-28T23:00:05.007\u002B00:00","device":"\u0031","s\u0065nsor":"2","value":1.5}`, []string{want}},
		{`{"device":1.10,"sensor":"a.B_c-9","ts":1.5354972050079E12,"value":-0.0}`, []string{"1.10/a.B_c-9@1535497205007=-0"}},
		{`{"device":1,"sensor":2,"ts":1535497200,"value":1e-400}`, []string{"1/2@1535497200000=0"}},
		{`{"device":1,"sensor":2,"ts":1535497200.0079,"value":1.7976931348623157e308}`, []string{"1/2@1535497200007=1.7976931348623157e+308"}},
		{`{"device":1,"sensor":2,"ts":1535497200007999,"value":true}`, []string{"1/2@1535497200007=1"}},
		{`{"device":1,"sensor":2,"ts":"/Date(1535497200007)/","value":false,"quality":"Good"}`, []string{"1/2@1535497200007=0"}},
		{"\xef\xbb\xbf" + good, []string{want}},
		// values that are missing
		{"[" + good + `,{"device":1,"sensor":2,"ts":1535497200005,"value":null},` + other + "]", []string{want, wantOther, "missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":NaN}`, []string{"missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":-Infinity}`, []string{"missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":"NaN"}`, []string{"missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":" Bad "}`, []string{"missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":""}`, []string{"missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":3,"quality":"BadNotConnected"}`, []string{"missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":3,"statusCode":2147483648}`, []string{"missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":3,"statusCode":1073741824}`, []string{"1/2@1535497200005=3"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"q":false,"value":3}`, []string{"missing"}},
		{`{"device":1,"sensor":2,"ts":"never","value":null}`, []string{`!ts: invalid: time "never" is in no known format: use 2026-11-27T07:00:00Z, or seconds or milliseconds since 1970`}},
		// equal copies count once; other values at the same time are left to the store
		{"[" + good + "," + other + "," + good + "]", []string{want, wantOther}},
		{`[{"device":1,"sensor":2,"ts":1535497200005,"value":1},{"device":1,"sensor":2,"ts":1535497200005,"value":2}]`, []string{"1/2@1535497200005=1", "1/2@1535497200005=2"}},
		// bad events
		{"", []string{"!the event is empty"}},
		{" \n", []string{"!the event is empty"}},
		{"hello", []string{"!'h' at byte 0 where a JSON object should be"}},
		{"null", []string{"!'n' at byte 0 where a JSON object should be"}},
		{"ts,device\n1,2\n", []string{"!'t' at byte 0 where a JSON object should be"}},
		{"{}", []string{"!the object is empty"}},
		{`{"device":1,"sensor":2,"ts":1535497200005}`, []string{"!value is missing"}},
		{`{"sensor":2,"ts":1535497200005,"value":1}`, []string{"!device is missing"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":1,"val":1}`, []string{"!value is given twice"}},
		{`{"device":1,"Device":1,"sensor":2,"ts":1535497200005,"value":1}`, []string{"!device is given twice"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":"0x10"}`, []string{`!value: invalid: the string "0x10" holds no number`}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":1e400}`, []string{"!value: invalid: 1e400 lies outside the range of a float64"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":01}`, []string{`!"01" at byte 50 is no JSON value`}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":[1]}`, []string{"!value: invalid: [1] is no number"}},
		{`{"device":1e3,"sensor":2,"ts":1535497200005,"value":1}`, []string{"!device: invalid: 1e3 cannot be a name: write it without an exponent"}},
		{`{"device":true,"sensor":2,"ts":1535497200005,"value":1}`, []string{"!device: invalid: true is no name: a string or number is wanted"}},
		{`{"device":"site/line","sensor":"ns=2;s=\u00fc","ts":1535497200005,"value":1}`, []string{`site%2Fline/ns=2;s=ü@1535497200005=1`}},
		{`{"device":"=A1","sensor":2,"ts":1535497200005,"value":1}`, []string{`!device: invalid: name "=A1" begins with '=', which makes it a formula in spreadsheets: begin it with a letter or digit`}},
		{`{"device":"a ","sensor":2,"ts":1535497200005,"value":1}`, []string{`!device: invalid: name "a " begins or ends with a blank`}},
		{`{"device":"a\u0000b","sensor":2,"ts":1535497200005,"value":1}`, []string{`!device: invalid: name "a\x00b" has the control character U+0000 at byte 1`}},
		{`{"device":"` + strings.Repeat("ä", 129) + `","sensor":2,"ts":1535497200005,"value":1}`, []string{`!device: invalid: name "` + strings.Repeat("ä", 80) + `" has 129 characters, more than 128`}},
		{`{"device":1,"sensor":2,"ts":"28.08.2018","value":1}`, []string{`!ts: invalid: time "28.08.2018": does the day or the month come first? say so with --date-order, in events with INGEST_DATE_ORDER: dmy or mdy`}},
		{`{"device":1,"sensor":2,"ts":5,"value":1}`, []string{`!ts: invalid: time 5: read as seconds, milliseconds, microseconds or nanoseconds since 1970, it does not lie between 1973 and 2286`}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":1,"x":"` + "\xff" + `"}`, []string{"!it is not UTF-8"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":1,"x":{"a":tru}}`, []string{"!what opens at byte 56 is not JSON"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":1,"x":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + `}`, []string{"!what opens at byte 56 is not JSON"}},
		{`{"device":1,"sensor":2,"ts":1535497200005,"value":1,"x":"` + "\t" + `"}`, []string{`!'\t' at byte 57 where the rest of a string should be`}},
		{`{"device":"\x31","sensor":2,"ts":1535497200005,"value":1}`, []string{`!"\"\\x31\"" is no JSON string: invalid character 'x' in string escape code`}},
		{good[:22], []string{"!it ends where the rest of a string should be"}},
		{good[:len(good)-1], []string{"!it ends where a comma or a closing brace should be"}},
		{strings.ReplaceAll(good, `"`, `'`), []string{`!'\'' at byte 1 where a string should be`}},
		{strings.Replace(good, ",", ",,", 1), []string{`!',' at byte 12 where a string should be`}},
		{strings.Replace(good, "}", ",}", 1), []string{`!'}' at byte 56 where a string should be`}},
		{strings.Replace(good, ":", " ", 1), []string{`!'1' at byte 10 where a colon should be`}},
		{good + " x", []string{"!there is text after the object"}},
		{good + good, []string{"!there is text after the object"}},
		{good + ",", []string{"!there is text after the object"}},
		// a bad element among good ones
		{good + "\nhello\n" + other, []string{want, "!'h' at byte 57 where a JSON object should be", wantOther}},
		{`{"device":"ab` + "\n" + good, []string{`!'\n' at byte 13 where the rest of a string should be`, want}},
		{`{"device":1,` + "\n" + good, []string{`!'{' at byte 13 where a string should be`, want}},
		{"{\n \"device\": 1,\n \"sensor\": ?\n}\n" + good, []string{`!"?" at byte 27 is no JSON value`, want}},
		{"[" + good + `,{"device":1},` + other + "]", []string{want, "!sensor is missing", wantOther}},
		{"[" + good + `,{"device":1,"value":Nan},` + other + "]", []string{want, `!"Nan" at byte 78 is no JSON value`, wantOther}},
		{"[" + good + `,[` + good + `],` + other + "]", []string{want, "!'[' at byte 58 where a JSON object should be", wantOther}},
		{"[" + good + `,,` + other + "]", []string{want, "!',' at byte 58 where a JSON object should be", wantOther}},
		{"[" + good + " x," + other + "]", []string{"!'x' at byte 58 where a comma or the end of the array should be", wantOther}},
		{"[" + good + ",]", []string{want, "!']' at byte 58 where a JSON object should be"}},
		{"[" + good, []string{"!it ends where a comma or the end of the array should be"}},
		{"[" + good + ",", []string{want, "!it ends where a JSON object should be"}},
		{"[" + good + "," + other[:22], []string{want, "!it ends where a comma or a closing brace should be"}},
		{"[", []string{"!it ends where a JSON object should be"}},
		{"[" + good + "] x", []string{want, "!there is text after the array"}},
		{"[" + good + "]" + good, []string{want, "!there is text after the array"}},
		{"[] []", []string{"!there is text after the array"}},
	} {
		if got := show(tc.body); !slices.Equal(got, tc.want) {
			t.Errorf("%.100q:\n got %q\nwant %q", tc.body, got, tc.want)
		}
	}
}

// TestFuture checks that a reading whose time is far later than its event is refused.
func TestFuture(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ ts, want string }{
		{"2026-11-28T07:00:02Z", "d/s@1795849202000=1"},
		{"2026-11-28T07:00:02.001Z", "!its time 2026-11-28T07:00:02.001Z lies 24h0m0s after it was enqueued, more than INGEST_FUTURE, which is 24h0m0s: the device's clock is wrong"},
		{"2027-01-01T00:00:00Z", "!its time 2027-01-01T00:00:00.000Z lies 34 days after"},
		{"2126-01-01T00:00:00Z", "!its time 2126-01-01T00:00:00.000Z lies 99 years after"},
		{"9999-12-31T00:00:00Z", "!its time 9999-12-31T00:00:00.000Z lies 7973 years after"},
	} {
		r := NewReader(Plain, Options{Future: 24 * time.Hour}, 1)
		ev := Event{Body: []byte(`{"device":"d","sensor":"s","value":1,"ts":"` + tc.ts + `"}`), Enqueued: time.Date(2026, 11, 27, 7, 0, 2, 0, time.UTC)}
		r.Read(0, ev)
		if got := strings.Join(found(r.Found), "\n"); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.ts, got, tc.want)
		}
		// Without the event's time, or without a limit, no reading is too late.
		ev.Enqueued = time.Time{}
		r.Read(1, ev)
		r.opt.Future, ev.Enqueued = 0, time.Unix(0, 0)
		r.Read(2, ev)
		if len(r.Readings) != 1 || len(r.Refused) > 1 { // the others are copies
			t.Errorf("%s: got %+v, want a reading without a limit", tc.ts, r.Found)
		}
	}
}

// TestBadBytes checks that a refused element has its own bytes. The only element of an event has
// the bytes of the whole event.
func TestBadBytes(t *testing.T) {
	t.Parallel()
	const good = `{"device":1,"sensor":2,"ts":1535497200005,"value":1}`
	for _, tc := range []struct {
		body string
		want []string
	}{
		{" hello \n", []string{" hello \n"}},
		{"", []string{""}},
		{"[{}]", []string{"[{}]"}},
		{"\xff\x00", []string{"\xff\x00"}},
		{"[ {} , " + good + ", 5 ]", []string{"{}", "5"}},
		{good + "\n{\r\n" + good + "\nx\ny", []string{"{\r", "x\ny"}},
		{good + "\n x\ny\n" + good, []string{"x\ny"}},
		{"[" + good + `,{"device":"`, []string{`{"device":"`}},
		{"[" + good + "] , x", []string{", x"}},
	} {
		var got []string
		for _, b := range read(tc.body).Refused {
			got = append(got, string(b.Raw))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: got %q, want %q", tc.body, got, tc.want)
		}
	}
}

// TestHostileShapes reads a megabyte of texts that some readers take quadratic time for. The time
// here is proportional to the length.
func TestHostileShapes(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"{\n", "{\"a\":[\n", "[", "{\"a\":", "[{\"a\":{}x", "{\"a\":[1]x[\n", "\n{", "[1,", "\"", "\\", "{\"device\":\"\\u", "-", "[]", "\n"} {
		body := strings.Repeat(unit, 1<<20/len(unit))
		if p := read(body); len(p.Readings) != 0 || len(p.Refused) > MaxRefused+1 {
			t.Errorf("%q: got %d readings and %d refused elements", unit, len(p.Readings), len(p.Refused))
		}
	}
}

// FuzzParse checks that readings are valid, and agree with what encoding/json reads. Refused
// elements are parts of the event.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"device":1,"sensor":"2","ts":"2018-08-28T23:00:05.007Z","value":1.5}`,
		"[{\"Device\":\"1\",\"sensor\":2,\"time\":5,\"val\":\"1\"},{}]",
		"{\"device\":1,\"sensor\":2,\"ts\":5,\"value\":1}\n{\"device\":1}\nx",
		"[1,{\"a\":\"\\u00", "\xef\xbb\xbf{}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := read(string(body))
		if len(p.Readings) != len(p.Origins) {
			t.Fatalf("%d readings, %d origins", len(p.Readings), len(p.Origins))
		}
		for i, r := range p.Readings {
			if err := r.Validate(); err != nil {
				t.Errorf("reading %d of %q: %v", i, body, err)
			}
			checkAlike(t, p.Origins[i].Raw, r)
		}
		for _, b := range p.Refused {
			if len(b.Raw) > len(body) || !strings.Contains(string(body), string(b.Raw)) {
				t.Errorf("the refused %q is no part of %q", b.Raw, body)
			}
			if !strings.Contains(b.Err.Error(), fleet.ErrInvalid.Error()) {
				t.Errorf("got error %v, want one that says invalid", b.Err)
			}
		}
		if json.Valid(body) && body[space(body, 0)] == '{' && len(p.Readings)+len(p.Refused) != 1 {
			t.Errorf("%q: one object gave %d readings and %d refused elements", body, len(p.Readings), len(p.Refused))
		}
	})
}

// checkAlike compares a reading with what encoding/json sees in its bytes.
func checkAlike(t *testing.T, raw []byte, r fleet.Reading) {
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil {
		var array []json.RawMessage // the whole event of one element
		if err := json.Unmarshal(raw, &array); err != nil || len(array) == 0 || json.Unmarshal(array[0], &object) != nil {
			t.Errorf("%q, which is no JSON object, was read as %v", raw, r)
			return
		}
	}
	for key, v := range object {
		if x, ok := v.(float64); ok && field([]byte(key)) == valueField && x != r.Value {
			t.Errorf("%q: value %v was read as %v", raw, x, r.Value)
		}
		if s, ok := v.(string); ok && field([]byte(key)) == deviceField && s != r.ID.Device {
			t.Errorf("%q: device %q was read as %q", raw, s, r.ID.Device)
		}
	}
}
