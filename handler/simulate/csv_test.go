package simulate

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

func readAll(text string) (all []fleet.Reading, err error) {
	for r, err := range ReadCSV("data.csv", strings.NewReader(text)) {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	want := fleet.Reading{ID: fleet.ID{Device: "1", Sensor: "b"}, Time: 1535497205000, Value: 10.25}
	for name, text := range map[string]string{
		"reference":         "TS,Device,Sensor,Value\n2018-08-28 23:00:05.000,1,b,10.25\n",
		"any order":         "val,sensor,device,ts\n10.25,b,1,1535497205000\n",
		"names of JSON":     "timestamp,deviceId,sensor,value\n2018-08-28T23:00:05Z,1,b,1.025e1\n",
		"others passed by":  "Quality,TS,Device,Note,Sensor,Val\ngood,2018-08-29T01:00:05+02:00,1,\"a, b\",b,10.25\n",
		"mark, CRLF, space": "\ufeffTS, Device, Sensor, Val\r\n2018-08-28 23:00:05.000, 1, b, 10.25\r\n",
		"no newline at end": "TS,Device,Sensor,Val\n2018-08-28 23:00:05.000,1,b,10.25",
	} {
		if got, err := readAll(text); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}
}

func TestReadCSVSaysWhere(t *testing.T) {
	t.Parallel()
	const head, good = "TS,Device,Sensor,Val\n", "2018-08-28 23:00:05.000,1,b,1\n"
	for _, tc := range []struct{ text, want string }{
		{"", "data.csv: invalid: the file is empty"},
		{"2018-08-28 23:00:05.000,1,b,1\n", "data.csv:1: invalid: there is no column ts"},
		{"TS;Device;Sensor;Val\n", "data.csv:1: invalid: there is no column ts"},
		{head + good + "yesterday,1,b,1\n", "data.csv:3: invalid: time \"yesterday\""},
		{head + good + good + "2018-08-28 23:00:05.000,1,b,warm\n", "data.csv:4: invalid: value \"warm\" is not a number"},
		{head + "2018-08-28 23:00:05.000,1,b,NaN\n", "data.csv:2: invalid: value NaN is not finite"},
		{head + "2018-08-28 23:00:05.000,1,b/c,1\n", "data.csv:2: sensor: invalid: name \"b/c\""},
		{head + good + "2018-08-28 23:00:05.000,1,b\n", "data.csv:3: invalid: wrong number of fields"},
		{head + good + "2018-08-28 23:00:05.000,1,\"b,1\n", "data.csv:3: invalid: extraneous or missing \" in quoted-field"},
	} {
		_, err := readAll(tc.text)
		if !errors.Is(err, fleet.ErrInvalid) || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%q:\n got %v\nwant %s…", tc.text, err, tc.want)
		}
	}
}

// A file of any size is read as it is asked for.
func TestReadCSVStreams(t *testing.T) {
	t.Parallel()
	rows := "TS,Device,Sensor,Val\n" + strings.Repeat("2018-08-28 23:00:05.000,1,b,1\n", 10_000)
	source := strings.NewReader(rows)
	for range ReadCSV("data.csv", source) {
		break
	}
	if read := len(rows) - source.Len(); read > 64<<10 {
		t.Errorf("the first row took %d bytes of the file", read)
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("TS,Device,Sensor,Val\n2018-08-28 23:00:05.000,1,b,10.25\n")
	f.Add("\ufeffval,sensor,device,ts\r\n-0,\"b\",1,-1\r\n")
	f.Add("TS,Device,Sensor,Val\n\"")
	f.Fuzz(func(t *testing.T, text string) {
		ended := false
		for r, err := range ReadCSV("fuzz.csv", io.Reader(strings.NewReader(text))) {
			if ended {
				t.Fatal("a row follows an error")
			}
			if ended = err != nil; ended && !errors.Is(err, fleet.ErrInvalid) {
				t.Fatalf("%v does not wrap ErrInvalid", err)
			}
			if err == nil && r.Validate() != nil {
				t.Fatalf("invalid reading %v", r)
			}
		}
	})
}
