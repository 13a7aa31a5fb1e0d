package protocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// The files in testdata were trimmed from recordings of the Functions host
// 4.1037.0, with the Event Hubs extensions 5.3.0 and 6.3.5: what was put into
// the queue or hub, and the body of the invocation that the host made of it.

func testdata(t testing.TB, file string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func decode(t testing.TB, body string) *Invocation {
	t.Helper()
	inv, err := Decode("f", "id", []byte(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return inv
}

func TestText(t *testing.T) {
	t.Parallel()
	var cases []struct{ Sent, Body string }
	testdata(t, "queue.json", &cases)
	for _, tc := range cases {
		got, err := decode(t, tc.Body).Text("msg")
		if err != nil || got != tc.Sent {
			t.Errorf("got %q, %v; want %q", got, err, tc.Sent)
		}
	}
	for _, tc := range []struct{ value, want string }{ // forms of other hosts and data types
		{`"once"`, "once"},
		{`"\"twice\""`, "twice"},
		{`"\"\\\"a quoted text\\\"\""`, `"a quoted text"`},
		{`"\"a\" and \"b\""`, `"a" and "b"`},
		{`{"v": 1}`, `{"v": 1}`},
		{`"{\"v\": 1}"`, `{"v": 1}`},
		{`[1, 2]`, `[1, 2]`},
		{`7`, "7"},
		{`null`, "null"},
		{`""`, ""},
		{`"\"\""`, ""},
		{`"\"\\ud83d\\ude00 \\ud83d\""`, "😀 \ufffd"},
	} {
		got, err := decode(t, `{"Data":{"msg": `+tc.value+` }}`).Text("msg")
		if err != nil || got != tc.want {
			t.Errorf("%s: got %q, %v; want %q", tc.value, got, err, tc.want)
		}
	}
}

// The largest text that a queue message can have, and one byte more, of what
// grows most on the wire.
func TestLargestText(t *testing.T) {
	t.Parallel()
	for _, n := range []int{64 << 10, 64<<10 + 1} {
		text := strings.Repeat("\"", n)
		got, err := decode(t, `{"Data":{"msg":`+quote(quote(text))+`}}`).Text("msg")
		if err != nil || got != text {
			t.Errorf("a text of %d bytes has %d when it is decoded, %v; want the same", n, len(got), err)
		}
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Name, Hub, Partition string
		Events               []string
		Sequences            []int64
		Enqueued             []time.Time
		Body                 string
	}
	testdata(t, "events.json", &cases)
	for _, tc := range cases {
		ev, err := decode(t, tc.Body).Events("events")
		if err != nil {
			t.Errorf("%s: %v", tc.Name, err)
			continue
		}
		var got []string
		for _, b := range ev.Bodies {
			got = append(got, string(b))
		}
		if !slices.Equal(got, tc.Events) {
			t.Errorf("%s: bodies %q, want %q", tc.Name, got, tc.Events)
		}
		if ev.Hub != tc.Hub || ev.Partition != tc.Partition || !slices.Equal(ev.Sequences, tc.Sequences) || !slices.EqualFunc(ev.Enqueued, tc.Enqueued, time.Time.Equal) {
			t.Errorf("%s: got %s/%s, %v, %v", tc.Name, ev.Hub, ev.Partition, ev.Sequences, ev.Enqueued)
		}
	}
}

// The rest of the metadata is there when it is asked for, as the recorded host
// gives it, and in the other shapes that it may have.
func TestEventDetails(t *testing.T) {
	t.Parallel()
	var cases []struct{ Name, Body string }
	testdata(t, "events.json", &cases)
	recorded := cases[slices.IndexFunc(cases, func(c struct{ Name, Body string }) bool { return c.Name == "eventhub-shape-binary" })].Body
	for _, tc := range []struct {
		body                     string
		at                       int
		offset, sent, sentBySelf string
	}{
		{recorded, 1, "100", `"content-type":"text/plain"`, `{"p":1,"s":"x","d":1.5,"b":true}`},
		{recorded, 3, "300", `"x-opt-offset":300`, `{}`},
		{`{"Data":{"events":"[\"e30=\"]"},"Metadata":{"OffsetArray":"[\"-1\"]","OffsetStringArray":"[\"a-7\"]"}}`, 0, "a-7", "", ""},
		{`{"Data":{"events":"e30="},"Metadata":{"Offset":"7","Properties":{"a":"\u00e4"},"SystemProperties":{"x":[1]}}}`, 0, "7", `{"x":[1]}`, `{"a":"\u00e4"}`},
		{`{"Data":{"events":"[\"e30=\"]"},"Metadata":{"PropertiesArray":"[{},{}]","SystemPropertiesArray":"[{x}]"}}`, 0, "", "", ""},
	} {
		ev, err := decode(t, tc.body).Events("events")
		if err != nil {
			t.Fatal(err)
		}
		d := ev.Details()[tc.at]
		if d.Offset != tc.offset || !strings.Contains(string(d.System), tc.sent) || string(d.Properties) != tc.sentBySelf {
			t.Errorf("event %d of %.100s: offset %q, system %s, properties %s", tc.at, tc.body, d.Offset, d.System, d.Properties)
		}
	}
}

func TestEventsOfOtherShapes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		data, metadata string
		bodies         []string
		sequences      []int64
	}{
		{`"[\"e30=\"]"`, `{}`, []string{"{}"}, nil},
		{`["e30=","e30="]`, `{"SequenceNumberArray":[7,8]}`, []string{"{}", "{}"}, []int64{7, 8}},
		{`"[]"`, `{}`, nil, []int64{}},
		{`"[\"\"]"`, `{"SequenceNumberArray":"[1]"}`, []string{""}, []int64{1}},
		{`"e30="`, `{"SequenceNumber":"7"}`, []string{"{}"}, []int64{7}},                                                      // one, binary
		{`"\"not base64!\""`, `{"SequenceNumber":"\"7\""}`, []string{"not base64!"}, []int64{7}},                              // one, text
		{`"[{\"a\":1},\"str!\",5]"`, `{"SequenceNumberArray":"[1,2,3]"}`, []string{`{"a":1}`, "str!", "5"}, []int64{1, 2, 3}}, // parsed by the host
		{`"[\"e30=\"]"`, `{"SequenceNumberArray":"[1,2]"}`, []string{"{}"}, nil},
		{`"[\"e30=\"]"`, `{"SequenceNumberArray":"[null]","PartitionContext":7}`, []string{"{}"}, nil},
	} {
		ev, err := decode(t, `{"Data":{"events":`+tc.data+`},"Metadata":`+tc.metadata+`}`).Events("events")
		if err != nil {
			t.Errorf("%s: %v", tc.data, err)
			continue
		}
		var got []string
		for _, b := range ev.Bodies {
			got = append(got, string(b))
		}
		if !slices.Equal(got, tc.bodies) || !slices.Equal(ev.Sequences, tc.sequences) {
			t.Errorf("%s, %s: got %q, %v", tc.data, tc.metadata, got, ev.Sequences)
		}
	}
}

func TestTimer(t *testing.T) {
	t.Parallel()
	var cases []struct {
		PastDue bool `json:"past_due"`
		Next    string
		Body    string
	}
	testdata(t, "timer.json", &cases)
	for _, tc := range cases {
		timer, err := decode(t, tc.Body).Timer("myTimer")
		next := ""
		if timer.Status != nil {
			next = timer.Status.Next.Format("2006-01-02T15:04:05-07:00")
		}
		if err != nil || timer.PastDue != tc.PastDue || next != tc.Next {
			t.Errorf("got %+v, next %q, %v; want past due %v, next %q", timer, next, err, tc.PastDue, tc.Next)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{"Data"}`, `{"Data":}`, `{"Data":{}`, `{"Data":[]}`, `{"Data":{"a":1,}`, `{"Data":{},}`,
		`{"Data":{}} {}`, `{"Data":{"a":"}}`, `{"Data":{"a":1]}}x`, `{Data:{}}`, `{"Data" {}}`, `{"Data":{"\x":1}}`,
	} {
		if _, err := Decode("f", "id", []byte(body)); err == nil {
			t.Errorf("Decode(%s) gives no error", body)
		}
	}
	inv := decode(t, `{"Data":{"a":"x"}}`)
	if _, err := inv.Text("b"); err == nil {
		t.Error("the text of a missing binding gives no error")
	}
	if _, err := inv.Events("b"); err == nil {
		t.Error("the events of a missing binding give no error")
	}
	if _, err := inv.Timer("a"); err == nil {
		t.Error("a text read as a timer gives no error")
	}
}

// Any text that the host would encode comes out as it went in.
func FuzzText(f *testing.F) {
	f.Add("hello", "")
	f.Add(`{"id":7,"o":{"a":1}}`, "\\")
	f.Add(`"`, "\x00\u2028😀")
	f.Fuzz(func(t *testing.T, text, rest string) {
		if !utf8.ValidString(text) || !utf8.ValidString(rest) {
			t.Skip()
		}
		body := fmt.Sprintf(`{"Data":{"msg":%s},"Metadata":{%s:%s}}`, quote(quote(text)), quote(rest), quote(quote(rest)))
		if got, err := decode(t, body).Text("msg"); err != nil || got != text {
			t.Errorf("got %q, %v; want %q", got, err, text)
		}
	})
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// Any bytes that are sent as an event come out as they went in.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(`{"device":1}`), []byte{0xff, 0}, int64(7))
	f.Add([]byte{}, []byte("\n"), int64(-1))
	f.Fuzz(func(t *testing.T, a, b []byte, sequence int64) {
		array, _ := json.Marshal([]string{base64.StdEncoding.EncodeToString(a), base64.StdEncoding.EncodeToString(b)})
		body := fmt.Sprintf(`{"Data":{"events":%s},"Metadata":{"SequenceNumberArray":"[%d,%d]"}}`, quote(string(array)), sequence, sequence)
		ev, err := decode(t, body).Events("events")
		if err == nil && len(ev.Details()) != len(ev.Bodies) {
			t.Errorf("%d details of %d events, want as many", len(ev.Details()), len(ev.Bodies))
		}
		if err != nil || len(ev.Bodies) != 2 || !bytes.Equal(ev.Bodies[0], a) || !bytes.Equal(ev.Bodies[1], b) {
			t.Fatalf("got %q, %v; want %q and %q", ev.Bodies, err, a, b)
		}
		if !slices.Equal(ev.Sequences, []int64{sequence, sequence}) {
			t.Errorf("sequences %v, want %d twice", ev.Sequences, sequence)
		}
	})
}

// No bytes make the decoder panic, and all that is an envelope by
// encoding/json's judgement is one by ours, with the same members.
func FuzzInvocation(f *testing.F) {
	for _, file := range []string{"queue.json", "events.json", "timer.json"} {
		var cases []struct{ Body string }
		testdata(f, file, &cases)
		for _, tc := range cases {
			f.Add([]byte(tc.Body))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		inv, err := Decode("f", "id", body)
		var want map[string]json.RawMessage
		var data map[string]json.RawMessage
		valid := json.Unmarshal(body, &want) == nil && want != nil && json.Unmarshal(want["Data"], &data) == nil &&
			json.Unmarshal(cmpOr(want["Metadata"], []byte("null")), new(map[string]json.RawMessage)) == nil
		if err != nil {
			if valid {
				t.Fatalf("a valid envelope is refused: %v", err)
			}
			return
		}
		for name, raw := range data {
			if valid && utf8.Valid(body) && !bytes.Equal(find(inv.data, name), raw) {
				t.Errorf("member %q is %q, want %q", name, find(inv.data, name), raw)
			}
		}
		for _, m := range inv.data { // none may panic
			_, _ = inv.Text(m.name)
			_, _ = inv.Events(m.name)
			_, _ = inv.Timer(m.name)
		}
	})
}

func cmpOr(a, b []byte) []byte {
	if a != nil {
		return a
	}
	return b
}

// TestTwice checks that of two members with one name the last counts, as in encoding/json.
func TestTwice(t *testing.T) {
	t.Parallel()
	inv, err := Decode("f", "id", []byte(`{"Data":{"a":"\"first\"","b":"\"b\"","a":"\"last\""},"Metadata":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := inv.Text("a"); err != nil || text != "last" {
		t.Errorf("got %q, %v; want the last", text, err)
	}
}
