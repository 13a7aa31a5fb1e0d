package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/store"
)

// malformed are kinds of bad events; %d makes each one different.
var malformed = []string{
	"not JSON %d",
	`{"device":1,"sensor":2,"ts":15354972%05d`,
	`{"device":1,"sensor":2,"ts":15354972%05d,"value":1} x`,
	`{"device":1,"sensor":2,"ts":15354972%05d,"value":Nan}`,
	`{"device":1,"sensor":2,"ts":%d,"value":1}`,
	`{"device":1,"sensor":2,"ts":15354972%05d,"value":1e999}`,
	`{"device":1,"sensor":2,"ts":15354972%05d,"value":"high"}`,
	`{"device":1,"sensor":2,"ts":15354972%05d,"value":{}}`,
	`{"device":1,"sensor":2,"ts":15354972%05d}`,
	`{"sensor":2,"ts":15354972%05d,"value":1}`,
	`{"device":1,"ts":15354972%05d,"value":1}`,
	`{"device":1,"sensor":2,"ts":{},"value":%d}`,
	`{"device":1,"sensor":2,"ts":15354972%05d,"TS":5,"value":1}`,
	`{"device":"a ","sensor":2,"ts":15354972%05d,"value":1}`,
	`{"device":"=a","sensor":2,"ts":15354972%05d,"value":1}`,
	`{"device":"a\u0000","sensor":2,"ts":15354972%05d,"value":1}`,
	`{"device":1,"sensor":2,"ts":"the %dth","value":1}`,
	`{"device":1,"sensor":2,"ts":"03/04/%04d","value":1}`,
	`{"device":1,"sensor":2,"ts":15354972%05d,"value":1,"x":"` + "\xff\xfe" + `"}`,
	"\x1f\x8b\x08\x00%d\x00\xff",
}

func open(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open("file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "fleet.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return db
}

func batchOf(first int64, bodies ...[]byte) ingest.Batch {
	b := ingest.Batch{Hub: "telemetry", Partition: "3", Bodies: bodies}
	for i := range bodies {
		b.Sequences = append(b.Sequences, first+int64(i))
		b.Enqueued = append(b.Enqueued, time.UnixMilli(1535497205007+int64(i)).UTC())
	}
	return b
}

// letters returns the lines of all dead letters.
func letters(t testing.TB, blobs *blob.Memory) (all []ingest.Letter) {
	t.Helper()
	for _, name := range names(t, blobs, blob.DeadLetter) {
		content, _, err := blobs.Read(t.Context(), blob.DeadLetter, name, "", 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(content) {
			var l ingest.Letter
			if err := json.Unmarshal(line, &l); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, l)
		}
	}
	return all
}

func count(t testing.TB, db *store.DB) int {
	t.Helper()
	ctx, n := context.Background(), 0
	rows, err := db.Subjects(ctx, fleet.ID{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var ids []fleet.ID
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	w, err := fleet.NewWindow(time.Unix(0, 0), time.Unix(1<<33, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range db.Readings(ctx, ids, w) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestMalformedAmongGood sends 200 malformed events of 20 kinds among 10,000
// good ones, in batches, each batch three times.
func TestMalformedAmongGood(t *testing.T) {
	t.Parallel()
	const good, copies = 10_000, 10
	var events [][]byte
	bad := map[string]bool{}
	for i := range good {
		events = append(events, fmt.Appendf(nil, `{"device":"d%d","sensor":%d,"ts":%d,"value":%d.5}`, i%7, i%11, 1535497205000+i, i))
	}
	for _, kind := range malformed {
		for i := range copies {
			event := fmt.Sprintf(kind, i)
			events = append(events, []byte(event))
			bad[event] = true
		}
	}
	if len(bad) != 200 {
		t.Fatalf("%d kinds give %d malformed events, want 200", len(malformed), len(bad))
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })

	db, blobs := open(t), new(blob.Memory)
	in := ingest.Ingester{Store: db, Files: blobs, Map: mapped}
	for begin := 0; begin < len(events); begin += 1000 {
		b := batchOf(int64(begin), events[begin:min(begin+1000, len(events))]...)
		for range 3 {
			if err := in.Ingest(context.Background(), slog.New(slog.DiscardHandler), b); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := count(t, db); n != good {
		t.Errorf("%d readings are stored, want %d", n, good)
	}
	all := letters(t, blobs)
	if len(all) != len(bad) {
		t.Errorf("%d dead letters, want %d", len(all), len(bad))
	}
	for _, l := range all {
		if !bad[string(l.Raw)] {
			t.Errorf("a dead letter has %q, which is not among the bad events, or came twice", l.Raw)
		}
		delete(bad, string(l.Raw))
		if l.Partition != "3" || l.Sequence == nil || !bytes.Equal(events[*l.Sequence], l.Raw) || l.Reason == "" || l.Enqueued.IsZero() || l.Rejected != 1 {
			t.Errorf("%+v", l)
		}
	}
	// A batch has one dead letter, however often it comes.
	if files := names(t, blobs, blob.DeadLetter); len(files) != 11 || !strings.HasPrefix(files[10], "telemetry/3/00000000000000100") {
		t.Errorf("dead letters %v", files)
	}
}

func TestConflictIsADeadLetterWithBothValues(t *testing.T) {
	t.Parallel()
	db, blobs := open(t), new(blob.Memory)
	in := ingest.Ingester{Store: db, Files: blobs, Map: mapped}
	first := []byte(`{"device":1,"sensor":2,"ts":1535497200005,"value":1.25}`)
	differs := []byte(`[{"device":1,"sensor":2,"ts":1535497200006,"value":77.5},{"device":1,"sensor":2,"ts":1535497200005,"value":2.5},{"device":1,"sensor":2,"ts":1535497200006,"value":8}]`)
	for range 2 {
		if err := in.Ingest(context.Background(), slog.New(slog.DiscardHandler), batchOf(40, first, differs)); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(t, db); n != 2 {
		t.Errorf("%d readings are stored, want 2", n)
	}
	var got []string
	for _, l := range letters(t, blobs) {
		if l.Reading == nil || !strings.Contains(l.Reason, "conflict") || *l.Sequence != 41 {
			t.Errorf("%+v", l)
			continue
		}
		for _, value := range []string{"1.25", "77.5"} { // what is stored
			if strings.Contains(l.Reason, value) {
				got = append(got, fmt.Sprintf("%d: %v not %s: %s", l.Element, l.Reading.Value, value, l.Raw))
			}
		}
	}
	slices.Sort(got)
	want := []string{
		`1: 2.5 not 1.25: {"device":1,"sensor":2,"ts":1535497200005,"value":2.5}`,
		`2: 8 not 77.5: {"device":1,"sensor":2,"ts":1535497200006,"value":8}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// One event with a great many bad elements is one line, its good ones are stored.
func TestManyBadElementsShareALine(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 11, 12, 5000} {
		db, blobs := open(t), new(blob.Memory)
		in := ingest.Ingester{Store: db, Files: blobs, Map: mapped}
		event := []byte("[" + strings.Repeat(`{"device":1,"value":2,"ts":1535497200005},`, n) + `{"device":1,"sensor":2,"ts":1535497200005,"value":1}]`)
		if err := in.Ingest(context.Background(), slog.New(slog.DiscardHandler), batchOf(0, event)); err != nil {
			t.Fatal(err)
		}
		all := letters(t, blobs)
		want := 1
		if n <= 10 {
			want = n
		}
		if len(all) != want || count(t, db) != 1 {
			t.Errorf("%d bad elements: %d lines, want %d; %d readings", n, len(all), want, count(t, db))
		}
		for _, l := range all {
			whole := bytes.Equal(l.Raw, event)
			if whole != (want == 1) || whole != (l.Element == -1) || l.Rejected*len(all) != n || !strings.Contains(l.Reason, "sensor is missing") {
				t.Errorf("%d bad elements: element %d stands for %d: %s", n, l.Element, l.Rejected, l.Reason)
			}
		}
	}
}

// The largest event that Event Hubs takes, as one reading and as thousands.
func TestLargestEvents(t *testing.T) {
	t.Parallel()
	const largest = 1 << 20
	db, blobs := open(t), new(blob.Memory)
	in := ingest.Ingester{Store: db, Files: blobs, Map: mapped}
	one := []byte(`{"device":1,"sensor":2,"ts":1535497200005,"value":1,"pad":"` + strings.Repeat("x", largest) + `"}`)
	var many []byte
	n := 0
	for ; len(many) < largest; n++ {
		many = fmt.Appendf(many, "{\"device\":2,\"sensor\":2,\"ts\":%d,\"value\":1}\n", 1535497200000+n)
	}
	junk := bytes.Repeat([]byte{0xff}, largest+1)
	if err := in.Ingest(context.Background(), slog.New(slog.DiscardHandler), batchOf(0, one, many, junk)); err != nil {
		t.Fatal(err)
	}
	if got := count(t, db); got != n+1 {
		t.Errorf("%d readings are stored, want %d", got, n+1)
	}
	for _, l := range letters(t, blobs) {
		if !bytes.Equal(l.Raw, junk) {
			t.Errorf("a dead letter has %d bytes, %.20q; want the junk alone", len(l.Raw), l.Raw)
		}
	}
}

// Without metadata, as in a run started by hand, dead letters have names too.
func TestWithoutSequences(t *testing.T) {
	t.Parallel()
	blobs := new(blob.Memory)
	in := ingest.Ingester{Store: open(t), Files: blobs, Map: mapped}
	for range 2 {
		b := ingest.Batch{Bodies: [][]byte{[]byte("x"), []byte("y")}}
		if err := in.Ingest(context.Background(), slog.New(slog.DiscardHandler), b); err != nil {
			t.Fatal(err)
		}
	}
	all := letters(t, blobs)
	if len(all) != 2 {
		t.Errorf("%d dead letters, want 2", len(all))
	}
	for _, l := range all {
		if l.Sequence != nil || !l.Enqueued.IsZero() {
			t.Errorf("the line is %+v, want no sequence number and no time", l)
		}
	}
	if files := names(t, blobs, blob.DeadLetter); len(files) != 1 || !strings.HasPrefix(files[0], "unknown/unknown/") {
		t.Errorf("dead letters %v", files)
	}
}

// failing fails one call in five, of the store and of the blobs.
type failing struct {
	*store.DB
	*blob.Memory
	calls atomic.Int64
	err   error
}

func (f *failing) InsertReadings(ctx context.Context, batch []fleet.Reading, d fleet.Delivery) (fleet.Stored, error) {
	if f.calls.Add(1)%5 == 0 {
		return fleet.Stored{}, f.err
	}
	return f.DB.InsertReadings(ctx, batch, d)
}

func (f *failing) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	if f.calls.Add(1)%5 == 0 {
		return blob.Info{}, f.err
	}
	return f.Memory.Write(ctx, container, name, cond, contentType, fill)
}

// Whatever fails, and whatever it calls itself, the batch is to come again or is
// spilled, and has been stored once when it is acknowledged and drained at last.
func TestFailuresAreRetried(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{fleet.ErrUnavailable, fleet.ErrInvalid, fleet.ErrConflict, context.DeadlineExceeded, errors.New("boom")} {
		db, blobs := open(t), new(blob.Memory)
		f := &failing{DB: db, Memory: blobs, err: cause}
		f.calls.Store(3) // the first dead letter fails
		in := ingest.Ingester{Store: f, Files: f, Map: mapped}
		b := batchOf(0, []byte("x"), []byte("y"), []byte("z"), []byte(`{"device":1,"sensor":2,"ts":1535497200005,"value":1}`))
		failures := 0
		for {
			var log bytes.Buffer
			err := in.Ingest(context.Background(), slog.New(slog.NewTextHandler(&log, nil)), b)
			if lines := strings.Count(log.String(), "\n"); lines != 1 && (err == nil || lines != 0) {
				t.Errorf("%v: %d log lines, want one, or none after an error: %s", err, lines, log.String())
			}
			if err == nil {
				break
			}
			if failure := fleet.FailureOf(err); !errors.Is(err, fleet.ErrUnavailable) || !errors.Is(err, cause) {
				t.Errorf("%v is %v, want %v and %v", err, failure.Err, fleet.ErrUnavailable, cause)
			}
			if failures++; failures > 20 {
				t.Fatalf("after %d failures the batch is not acknowledged", failures)
			}
		}
		for in.Drain(context.Background(), slog.New(slog.DiscardHandler)) != nil {
			if failures++; failures > 40 {
				t.Fatalf("after %d failures the batch is not drained", failures)
			}
		}
		if failures == 0 || count(t, db) != 1 || len(letters(t, blobs)) != 3 {
			t.Errorf("%v: %d failures, %d readings, %d dead letters; want some, 1 and 3", cause, failures, count(t, db), len(letters(t, blobs)))
		}
	}
}
