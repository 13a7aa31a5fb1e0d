package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// TestTotal checks that a process logs once a minute what it has ingested since.
func TestTotal(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	in := &Ingester{Now: func() time.Time { return now }}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	refused := []mapping.Refused{
		{Count: 1, Err: fmt.Errorf("value: %w: the string %q holds no number", fleet.ErrInvalid, "x")},
		{Count: 2, Err: fmt.Errorf("reading of d/s: %w: its value is 1, but 2 is stored", fleet.ErrConflict)},
	}
	lag := -9 * time.Second // the longest counts, not the last
	for range 7 {
		in.count(t.Context(), log, Batch{Bodies: make([][]byte, 3), Enqueued: []time.Time{now.Add(lag), now, {}}}, fleet.Ingested{Events: 3, Stored: 4, Duplicate: 1, Missing: 3}, refused, "hub/0/x.jsonl")
		lag += time.Second
		now = now.Add(10 * time.Second)
	}
	var reasons struct{ Refusals []refusal }
	if err := json.Unmarshal(out.Bytes(), &reasons); err != nil {
		t.Fatal(err)
	}
	if want := []refusal{
		{"conflict: another value is stored", 14, "reading of d/s: conflict: its value is 1, but 2 is stored", "hub/0/x.jsonl"},
		{"value: the string … holds no number", 7, `value: invalid: the string "x" holds no number`, "hub/0/x.jsonl"},
	}; !slices.Equal(reasons.Refusals, want) {
		t.Errorf("refusals %+v, want %+v", reasons.Refusals, want)
	}
	var line struct {
		Msg                        string
		Events, Readings, Rejected int
		Stored, Duplicate, Missing int
		Conflict                   int
		Lag                        float64 `json:"lag_s"`
		Seconds                    float64
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil { // one line exactly
		t.Fatalf("%v: %s", err, &out)
	}
	want := line
	want.Msg, want.Events, want.Readings, want.Rejected, want.Lag, want.Seconds = "ingest", 21, 35, 7, 9, 60
	want.Stored, want.Duplicate, want.Missing, want.Conflict = 28, 7, 21, 14
	if line != want {
		t.Errorf("got %+v, want %+v", line, want)
	}

	// What comes after the line is said when it is asked for, once, and from 0 on.
	in.count(t.Context(), log, Batch{Bodies: make([][]byte, 1)}, fleet.Ingested{Events: 1, Stored: 2}, nil, "")
	out.Reset()
	in.Flush(log, false) // it is no minute ago
	if out.Len() > 0 {
		t.Errorf("logged within the minute: %s, want nothing", &out)
	}
	in.Flush(log, true)
	in.Flush(log, true)
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	want.Events, want.Readings, want.Rejected, want.Lag, want.Seconds = 1, 2, 0, 0, 10
	want.Stored, want.Duplicate, want.Missing, want.Conflict = 2, 0, 0, 0
	if line != want {
		t.Errorf("got %+v, want %+v", line, want)
	}
	in.count(t.Context(), log, Batch{Bodies: make([][]byte, 1)}, fleet.Ingested{Events: 1}, nil, "")
	now = now.Add(totalEvery)
	out.Reset()
	if in.Flush(log, false); !strings.Contains(out.String(), `"events":1,`) {
		t.Errorf("logged after a minute: %s, want one event", &out)
	}
}

// TestAdd checks that readings which the store neither inserted nor refused count as
// duplicates.
func TestAdd(t *testing.T) {
	t.Parallel()
	sum := fleet.Ingested{Stored: 1, Duplicate: 1, Missing: 1}
	add(&sum, 10, 3, 2, fleet.Stored{Inserted: 4, Rejected: make([]fleet.Rejected, 2)})
	if sum.Stored != 5 || sum.Duplicate != 8 || sum.Missing != 3 {
		t.Errorf("the sum is %+v, want 5 stored, 8 duplicates and 3 missing", sum)
	}
}

// TestNames checks that a dead letter is named after its first event. It also drains a
// spilled batch that is gone, as another process has drained it.
func TestNames(t *testing.T) {
	t.Parallel()
	b := Batch{Hub: "h", Partition: "1", Bodies: [][]byte{[]byte("a"), []byte("b")}, Sequences: []int64{41, 42}}
	lines := []mapping.Refused{{Origin: mapping.Origin{Event: 1, Element: -1}, Count: 5, Err: fleet.ErrInvalid}}
	if name, err := letterName(b, "", lines); err != nil || !strings.HasPrefix(name, "h/1/0000000000000000042-5-") {
		t.Errorf("the letter is named %s, %v; want it after event 42", name, err)
	}
	in := &Ingester{Files: &blob.Memory{}}
	if err := in.drain(t.Context(), slog.New(slog.DiscardHandler), "h/1/gone.json"); err != nil {
		t.Error(err)
	}
}

// figures keep what they are told, unless they are away.
type figures struct {
	away  bool
	total fleet.Ingested
	calls int
}

func (f *figures) AddIngested(_ context.Context, minutes []fleet.Ingested) error {
	if f.away {
		return fleet.ErrUnavailable
	}
	f.calls++
	for _, m := range minutes {
		f.total.Add(m)
	}
	return nil
}

// What was ingested is added to the figures once, however long SQL is away, and
// however many reasons there are.
func TestRecord(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	kept := &figures{away: true}
	in := &Ingester{Now: func() time.Time { return now }, Figures: kept}
	log := slog.New(slog.DiscardHandler)
	const n = 300
	for i := range n {
		refused := []mapping.Refused{{Count: 2, Err: fmt.Errorf("%w: reason %s", fleet.ErrInvalid, strings.Repeat("x", i))}}
		in.count(t.Context(), log, Batch{}, fleet.Ingested{Events: 1, Stored: 3}, refused, "")
		now = now.Add(time.Minute)
		if err := in.Record(t.Context()); !errors.Is(err, fleet.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	if len(in.total.minutes) != maxMinutes {
		t.Errorf("%d minutes wait to be added, want %d", len(in.total.minutes), maxMinutes)
	}
	kept.away = false
	for range 2 {
		if err := in.Record(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	reasons := 0
	for _, r := range kept.total.Refusals {
		reasons += r.Count
	}
	if kept.total.Events != n || kept.total.Stored != 3*n || kept.total.Rejected != 2*n || reasons != 2*n || len(kept.total.Refusals) > fleet.MaxRefusals+1 {
		t.Errorf("%+v", kept.total)
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ text, want string }{
		{`ts: invalid: time "27.11.2026 \"x\" 7" is written in no way`, "ts: time … is written in no way"},
		{"invalid: 'x' at byte 17 where a colon should be", "… at byte … where a colon should be"},
		{"invalid: its time 2126-01-01T00:00:00.000Z lies 99 years after", "its time … lies … years after"},
		{"value: invalid: -1e999 lies outside", "value: … lies outside"},
		{"reading of d/s: invalid: the database refuses it: too large", "the database refuses it"},
		{"it's \xff", "it's \ufffd"},
	} {
		if got := Reason(errors.New(tc.text)); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.text, got, tc.want)
		}
	}
	for i := range 300 {
		if got := Reason(errors.New(strings.Repeat("ü", i) + "x")); len(got) > maxReason {
			t.Fatalf("a reason has %d bytes, want at most %d", len(got), maxReason)
		}
	}
}

// TestBounds checks that what has just the longest length stays as it is, that an event
// without metadata has none, and that a total without refusals does not mention them.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{{"abcdefgh", "abcdefgh"}, {"abcdefghi", "abcde…"}, {"abcd€ghi", "abcd…"}, {"ab\xff", "ab\ufffd"}} {
		if got := shorten(c.text, 8); got != c.want {
			t.Errorf("%q in 8 bytes: %q, want %q", c.text, got, c.want)
		}
	}
	b := Batch{Details: func() []mapping.Detail { return []mapping.Detail{{Offset: "7"}} }}
	if first, second := b.detail(0), b.detail(1); first.Offset != "7" || second.Offset != "" {
		t.Errorf("the details are %+v and %+v, want the offset 7 and none", first, second)
	}
	for _, refused := range [][]fleet.Refusal{nil, {{Reason: "r", Count: 1}}} {
		var log bytes.Buffer
		(&total{sum: fleet.Ingested{Refusals: refused}}).report(slog.New(slog.NewTextHandler(&log, nil)), time.Time{})
		if strings.Contains(log.String(), "refusals") != (refused != nil) {
			t.Errorf("with the refusals %v the log says %s", refused, &log)
		}
	}
}
