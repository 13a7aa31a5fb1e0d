package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// outage is SQL that refuses all, or some, batches.
type outage struct {
	ingest.Store
	refuse func([]fleet.Reading) error
}

func (o *outage) InsertReadings(ctx context.Context, batch []fleet.Reading, d fleet.Delivery) (fleet.Stored, error) {
	if err := o.refuse(batch); err != nil {
		return fleet.Stored{}, err
	}
	return o.Store.InsertReadings(ctx, batch, d)
}

var quiet = slog.New(slog.DiscardHandler)

func body(ts int) []byte {
	return fmt.Appendf(nil, `{"device":1,"sensor":2,"ts":%d,"value":1}`, 1535497200000+ts)
}

func names(t testing.TB, blobs *blob.Memory, container string) (all []string) {
	t.Helper()
	for info, err := range blobs.List(t.Context(), container, "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Name)
	}
	return all
}

// TestSpill has SQL away while batches come, two of them twice. They are spilled once each.
// When SQL is back, they are stored in order, with their dead letters.
func TestSpill(t *testing.T) {
	t.Parallel()
	db, blobs, away := open(t), new(blob.Memory), fmt.Errorf("away: %w", fleet.ErrUnavailable)
	sql := &outage{db, func([]fleet.Reading) error { return away }}
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
	for _, first := range []int64{0, 100, 20, 100, 0} {
		if err := in.Ingest(t.Context(), quiet, batchOf(first, body(int(first)), body(int(first)+1), []byte("bad"))); err != nil {
			t.Fatal(err)
		}
	}
	spilled := names(t, blobs, blob.Spill)
	if len(spilled) != 3 || !strings.HasPrefix(spilled[1], "telemetry/3/0000000000000000020-3-") {
		t.Fatalf("spilled are %v, want three batches in the order of their numbers", spilled)
	}
	if err := in.Drain(t.Context(), quiet); !errors.Is(err, away) || len(names(t, blobs, blob.Spill)) != 3 {
		t.Errorf("Drain while SQL is away = %v, left are %v; want %v and all three", err, names(t, blobs, blob.Spill), away)
	}
	var order []fleet.Millis
	sql.refuse = func(batch []fleet.Reading) error {
		order = append(order, batch[0].Time-1535497200000)
		return nil
	}
	if err := in.Drain(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	if left := names(t, blobs, blob.Spill); len(left) != 0 || fmt.Sprint(order) != fmt.Sprint([]fleet.Millis{0, 20, 100}) || count(t, db) != 6 {
		t.Errorf("left are %v, stored in the order %v, %d readings; want none left, 0 20 100, and 6", left, order, count(t, db))
	}
	for _, l := range letters(t, blobs) {
		if l.Hub != "telemetry" || *l.Sequence%10 != 2 || l.Enqueued.IsZero() {
			t.Errorf("the dead letter is %+v, want the third event of a batch of telemetry", l)
		}
	}
	if n := len(letters(t, blobs)); n != 3 {
		t.Errorf("%d dead letters, want 3", n)
	}
}

// TestSpilledBadly has files in the spill that are no batches, and a batch that SQL refuses.
// The others are drained.
func TestSpilledBadly(t *testing.T) {
	t.Parallel()
	db, blobs := open(t), new(blob.Memory)
	refused := errors.New("refused for itself")
	sql := &outage{db, func([]fleet.Reading) error { return fleet.ErrUnavailable }}
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
	bad := []string{"", "{", `{"v":2,"bodies":["eA=="]}`, `{"v":1}`, `{"v":1,"bodies":["eA=="],"sequences":[1,2]}`, `{"v":1,"bodies":["?"]}`}
	for i, content := range bad {
		blobtest.Put(t, blobs, blob.Spill, fmt.Sprintf("a/%d", i), content)
	}
	for _, first := range []int64{1, 2} {
		if err := in.Ingest(t.Context(), quiet, batchOf(first, body(int(first)))); err != nil {
			t.Fatal(err)
		}
	}
	sql.refuse = func(batch []fleet.Reading) error {
		if batch[0].Time == 1535497200001 {
			return refused
		}
		return nil
	}
	if err := in.Drain(t.Context(), quiet); !errors.Is(err, refused) {
		t.Errorf("Drain = %v, want %v", err, refused)
	}
	if left := names(t, blobs, blob.Spill); len(left) != 1 || !strings.Contains(left[0], "0000001-1-") || count(t, db) != 1 {
		t.Errorf("left are %v, %d readings are stored; want the refused batch and one", left, count(t, db))
	}
	kept := map[string]bool{}
	for _, l := range letters(t, blobs) {
		kept[string(l.Raw)] = true
	}
	for _, content := range bad {
		if !kept[content] {
			t.Errorf("%q is in no dead letter", content)
		}
	}
}

// TestBothRefuse has both SQL and Blob refuse a batch. Ingest returns an error with both
// reasons.
func TestBothRefuse(t *testing.T) {
	t.Parallel()
	f := &failing{Memory: new(blob.Memory), err: errors.New("full")}
	f.calls.Store(4) // the next call fails
	in := &ingest.Ingester{Store: &outage{nil, func([]fleet.Reading) error { return errors.New("away") }}, Files: f, Map: mapped}
	err := in.Ingest(t.Context(), quiet, batchOf(0, body(1)))
	if !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "away") || !strings.Contains(err.Error(), "full") {
		t.Errorf("Ingest = %v, want %v with both reasons", err, fleet.ErrUnavailable)
	}
}

// slow is SQL that doesn't answer.
type slow struct{}

func (slow) InsertReadings(ctx context.Context, _ []fleet.Reading, _ fleet.Delivery) (fleet.Stored, error) {
	<-ctx.Done()
	return fleet.Stored{}, ctx.Err()
}

// TestSpillInTime has SQL not answer. The batch is spilled before the invocation's time is
// over.
func TestSpillInTime(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second+100*time.Millisecond)
	defer cancel()
	blobs := new(blob.Memory)
	in := &ingest.Ingester{Store: slow{}, Files: blobs, Map: mapped}
	if err := in.Ingest(ctx, quiet, batchOf(0, body(1))); err != nil || len(names(t, blobs, blob.Spill)) != 1 {
		t.Errorf("Ingest = %v, spilled are %v; want no error and one batch", err, names(t, blobs, blob.Spill))
	}
}

// mapped reads events as they come.
var mapped = ingest.Fixed{Is: func() *mapping.Mapping {
	m, err := mapping.Parse(mapping.Auto)
	if err != nil {
		panic(err)
	}
	return m
}()}
