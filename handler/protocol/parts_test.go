package protocol

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// joined are the events of a batch, whether they came in one part or in many.
type joined struct {
	Hub, Partition string
	Bodies         []string
	Sequences      []int64
	Enqueued       []time.Time
	Details        []Detail
}

func (j *joined) add(ev Events) {
	j.Hub, j.Partition = ev.Hub, ev.Partition
	for _, b := range ev.Bodies {
		j.Bodies = append(j.Bodies, string(b))
	}
	j.Sequences = append(j.Sequences, ev.Sequences...)
	j.Enqueued = append(j.Enqueued, ev.Enqueued...)
	j.Details = append(j.Details, ev.Details()...)
}

// inParts reads the events of a body through a file of at most limit bytes.
func inParts(t testing.TB, body string, limit int64) (j joined, err error) {
	t.Helper()
	sp, err := newSpool([]byte(body[:len(body)/3]), strings.NewReader(body[len(body)/3:]), limit)
	if err != nil {
		t.Fatal(err)
	}
	defer sp.Close()
	err = sp.inParts(slog.New(slog.DiscardHandler), "f", "events", func(ev Events) error { j.add(ev); return nil })
	return j, err
}

// A batch in parts has the events and metadata that it has in one piece, in each
// shape that the host gives it; without the metadata where the file has no room.
func TestPartsOfAllShapes(t *testing.T) {
	t.Parallel()
	var cases []struct{ Body string }
	testdata(t, "events.json", &cases)
	var bodies []string
	for _, c := range cases {
		bodies = append(bodies, c.Body, strings.NewReplacer(`":`, "\" :\r\n\t", `,"`, ` , "`).Replace(c.Body))
	}
	for _, data := range []string{`"[\"e30=\"]"`, ` ["e30=" , "e30="] `, `"[]"`, `[]`, `"[ ]"`, `"[\"\"]"`, `"e30="`, `"\"not base64!\""`, `"[{\"a\":1},\"str!\",5]"`, `{"a":[1]}`, `7`, `""`,
		`"[\"\\ud83d\\ude00\",\"\\ud83d\",\"\ud83d\u0020\",\"\u00e4\\\\\"]"`} {
		for _, metadata := range []string{`{}`, `{"SequenceNumberArray":[7,8]}`, `{"SequenceNumberArray":"[1]"}`, `{"SequenceNumber":"7"}`, `{"SequenceNumber":"\"7\""}`, `{"SequenceNumberArray":"[1,2,3]"}`,
			`{"SequenceNumberArray":"[null]","PartitionContext":7}`, `{"OffsetArray":"[\"-1\"]","OffsetStringArray":"[\"a-7\"]"}`,
			`{"Offset":"7","Properties":{"a":"\u00e4"},"SystemProperties":{"x":[1]}}`, `{"PropertiesArray":"[{},{}]","SystemPropertiesArray":"[{x}]"}`, `null`} {
			bodies = append(bodies, `{"Data":{"x":"","events":`+data+`},"Metadata":`+metadata+`}`)
		}
	}
	for _, body := range bodies {
		var want joined
		inv, err := Decode("f", "id", []byte(body))
		if err != nil {
			continue // a replacement in a recording made it no JSON
		}
		ev, err := inv.Events("events")
		if err != nil {
			t.Fatal(err)
		}
		want.add(ev)
		if len(want.Bodies) == 0 {
			want = joined{}
		}
		got, err := inParts(t, body, 1<<20)
		if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", body, got, err, want)
		}
		got, err = inParts(t, body, int64(len(body)/2))
		if err != nil || !slices.Equal(got.Bodies, want.Bodies) || got.Sequences != nil || got.Enqueued != nil {
			t.Errorf("without metadata, %s:\n got %+v, %v\nwant %+v", body, got, err, want)
		}
	}
}

// What is no envelope is refused, wherever it breaks off.
func TestPartsRefuse(t *testing.T) {
	t.Parallel()
	whole := `{"Data":{"events":"[\"e30=\",\"\\u00e4\"]"},"Metadata":{"SequenceNumberArray":"[1,2]","PartitionContext":{"PartitionId":"1"}}}`
	if got, err := inParts(t, whole, 1<<20); err != nil || len(got.Bodies) != 2 {
		t.Fatal(got, err)
	}
	for n := range whole {
		for _, limit := range []int64{1 << 20, 10} {
			if _, err := inParts(t, whole[:n], limit); err == nil {
				t.Errorf("%s, which is cut off, gives no error", whole[:n])
			}
		}
	}
	for _, body := range []string{whole + "x", `[]`, `{"Data":{"events":"[\"a\" \"b\"]"}}`, `{"Data":{"events":"[\"a\"]x"}}`, `{"Data":{"events":["a"}}`, `{"Data":{"events":}}`, `{Data:{}}`,
		`{"Data":{"events":"[\x]"}}`, `{"Data":{"other":"[]"}}`, `{"Data":null}`, `{"` + strings.Repeat("x", 2*maxName) + `":1,"Data":{"events":"[]"}}`} {
		for _, limit := range []int64{1 << 20, 10} {
			if _, err := inParts(t, body, limit); err == nil {
				t.Errorf("%s gives no error", body)
			}
		}
	}
}

// Any events come out as they went in, with their metadata, as they do of a body
// in memory.
func FuzzParts(f *testing.F) {
	f.Add([]byte(`{"device":1}`), []byte{0xff, 0}, int64(7), "p", []byte("any"))
	f.Add([]byte{}, []byte("\n"), int64(-1), "\u2028\"\\😀", []byte(`{"Data":{"events":"[`))
	f.Fuzz(func(t *testing.T, a, b []byte, sequence int64, property string, any []byte) {
		properties, _ := json.Marshal([]map[string]string{{property: property}, {}})
		array, _ := json.Marshal([]string{base64.StdEncoding.EncodeToString(a), base64.StdEncoding.EncodeToString(b)})
		body := fmt.Sprintf(`{"Data":{"events":%s},"Metadata":{"SequenceNumberArray":"[%d,%d]","PropertiesArray":%s,"PartitionContext":{"EventHubName":%s}}}`,
			quote(string(array)), sequence, sequence, quote(string(properties)), quote(property))
		ev, err := decode(t, body).Events("events")
		if err != nil {
			t.Fatal(err)
		}
		var want joined
		want.add(ev)
		if got, err := inParts(t, body, 1<<20); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", body, got, err, want)
		}
		_, _ = inParts(t, string(any), 1<<20) // which must end, and not panic
		_, _ = inParts(t, string(any), int64(len(any)/2))
	})
}

// envelopeOf is the body of an invocation of n events, of these many bytes each.
func envelopeOf(n, size int) string {
	events, sequences := make([]string, n), make([]int, n)
	for i := range events {
		events[i] = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%0*d", size, i))
		sequences[i] = i
	}
	array, _ := json.Marshal(events)
	numbers, _ := json.Marshal(sequences)
	return fmt.Sprintf(`{"Data":{"events":%s},"Metadata":{"PartitionContext":{"EventHubName":"telemetry","PartitionId":"3"},"SequenceNumberArray":%s}}`, quote(string(array)), quote(string(numbers)))
}

// TestLongBatch sends batches that are longer than a body may be in memory. They reach the
// function in parts. The events are in their order, each with its metadata.
func TestLongBatch(t *testing.T) {
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	long := int64(len(envelopeOf(2500, 100)))
	for _, tc := range []struct {
		what     string
		n, size  int
		opt      Options
		dir      string
		parts    int
		metadata bool
	}{
		{"in memory", 2500, 100, Options{MaxBody: long}, none, 1, true},
		{"on disk", 2500, 100, Options{MaxBody: long - 1}, dir, 3, true},
		{"on disk, most of it", 2500, 100, Options{MaxBody: 1}, dir, 3, true},
		{"long events on disk", 20, 900_000, Options{MaxBody: 1}, dir, 2, true},
		{"a file of just that length", 2500, 100, Options{MaxBody: 1000, MaxSpool: long}, dir, 3, true},
		{"longer than the file may be", 2500, 100, Options{MaxBody: 1000, MaxSpool: long - 1}, dir, 3, false},
		{"no place for a file", 2500, 100, Options{MaxBody: 1000}, none, 3, false},
	} {
		t.Setenv("TMPDIR", tc.dir)
		t.Setenv("TMP", tc.dir) // which Windows asks for
		tc.opt.Stdout = t.Output()
		s := New(tc.opt)
		var got joined
		parts := 0
		s.EventHub("ingest", "events", time.Minute, func(_ context.Context, _ *slog.Logger, ev Events) error {
			got.add(ev)
			parts++
			return nil
		})
		status, rep := serve(t, s, httptest.NewRequest("POST", "/ingest", strings.NewReader(envelopeOf(tc.n, tc.size))))
		if status != 200 || tc.metadata != (len(rep.Logs) == 0) || parts != tc.parts {
			t.Errorf("%s: status %d, %v, %d parts; want 200 and %d parts, with metadata: %v", tc.what, status, rep, parts, tc.parts, tc.metadata)
		}
		for i, body := range got.Bodies {
			if body != fmt.Sprintf("%0*d", tc.size, i) || tc.metadata && got.Sequences[i] != int64(i) {
				t.Fatalf("%s: event %d is %.40s, want its own body and number", tc.what, i, body)
			}
		}
		if len(got.Bodies) != tc.n || tc.metadata && got.Partition != "3" || !tc.metadata && got.Sequences != nil {
			t.Errorf("%s: %d events of partition %q with %d sequence numbers, want %d, with metadata: %v", tc.what, len(got.Bodies), got.Partition, len(got.Sequences), tc.n, tc.metadata)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind are %v, %v; want no file", tc.what, left, err)
		}
	}
}

// TestLongBatchFails checks that a long batch comes again if its body breaks off, or if one of
// its parts fails.
func TestLongBatchFails(t *testing.T) {
	t.Parallel()
	body := envelopeOf(2500, 1000)
	for _, limit := range []int64{0, 1 << 20} {
		s := New(Options{Stdout: io.Discard, MaxBody: 1000, MaxSpool: limit})
		parts := 0
		s.EventHub("ingest", "events", time.Minute, func(context.Context, *slog.Logger, Events) error {
			if parts++; parts == 2 {
				return errors.New("SQL and Blob are away")
			}
			return nil
		})
		if status, _ := serve(t, s, httptest.NewRequest("POST", "/ingest", strings.NewReader(body))); status != 500 || parts != 2 {
			t.Errorf("limit %d: status %d after %d parts, want 500 after 2", limit, status, parts)
		}
		parts = 2
		broken := io.MultiReader(strings.NewReader(body[:len(body)-10]), failing{})
		if status, _ := serve(t, s, httptest.NewRequest("POST", "/ingest", broken)); status < 400 {
			t.Errorf("limit %d: status %d for a body that breaks off, want 4xx or 5xx", limit, status)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestTooLongEvent sends an event that is too long for memory. The function gets its beginning
// and its length. The events beside it are whole.
func TestTooLongEvent(t *testing.T) {
	t.Parallel()
	const blocks = maxEvent/3 + 2 // of three bytes and four characters
	huge := io.LimitReader(repeated("QUJD"), 4*blocks)
	body := io.MultiReader(strings.NewReader(`{"Data":{"events":"[\"MQ==\",\"`), huge, strings.NewReader(`\",\"Mg==\"]"},"Metadata":{"SequenceNumberArray":"[5,6,7]"}}`))
	s := New(Options{Stdout: io.Discard, MaxBody: 1 << 20})
	var got []string
	s.EventHub("ingest", "events", time.Minute, func(_ context.Context, _ *slog.Logger, ev Events) error {
		for i, b := range ev.Bodies {
			got = append(got, fmt.Sprintf("%d: %s, %d bytes of %d", ev.Sequences[i], b[:min(len(b), 3)], len(b), ev.Length))
		}
		return nil
	})
	want := []string{"5: 1, 1 bytes of 0", fmt.Sprintf("6: ABC, 49152 bytes of %d", 3*blocks), "7: 2, 1 bytes of 0"}
	if status, rep := serve(t, s, httptest.NewRequest("POST", "/ingest", body)); status != 200 || !slices.Equal(got, want) {
		t.Errorf("status %d, %v: got %q, want %q", status, rep, got, want)
	}
}

// repeated is a text over and over.
type repeated string

func (r repeated) Read(p []byte) (int, error) {
	if len(p) < len(r) {
		return copy(p, r[:len(p)]), nil
	}
	return copy(p, bytes.Repeat([]byte(r), len(p)/len(r))), nil
}
