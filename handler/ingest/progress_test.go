package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
)

// kept is a store in memory, for tests in which time stands still. Before each
// transaction it calls before, if there is one.
type kept struct {
	values map[fleet.Reading]float64
	calls  int
	before func(ctx context.Context, call int, batch []fleet.Reading) error
}

func (k *kept) InsertReadings(ctx context.Context, batch []fleet.Reading, _ fleet.Delivery) (s fleet.Stored, err error) {
	k.calls++
	if k.before != nil {
		if err := k.before(ctx, k.calls, batch); err != nil {
			return s, err
		}
	}
	if k.values == nil {
		k.values = make(map[fleet.Reading]float64)
	}
	for i, r := range batch {
		key := fleet.Reading{ID: r.ID, Time: r.Time}
		switch v, ok := k.values[key]; {
		case !ok:
			k.values[key] = r.Value
			s.Inserted++
		case v == r.Value:
			s.Equal++
		default:
			s.Rejected = append(s.Rejected, fleet.Rejected{Index: i, Err: fleet.ErrConflict})
		}
	}
	return s, nil
}

// slowBlobs takes 30 ms over each write and counts them.
type slowBlobs struct {
	*blob.Memory
	writes int
}

func (s *slowBlobs) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	s.writes++
	select {
	case <-time.After(30 * time.Millisecond):
	case <-ctx.Done():
		return blob.Info{}, ctx.Err()
	}
	return s.Memory.Write(ctx, container, name, cond, contentType, fill)
}

// readings returns an event of n readings of a sensor, all of one value.
func readings(sensor, n int, value string) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `%c{"device":"d","sensor":%d,"ts":%d,"value":%s}`, "[,"[min(i, 1)], sensor, 1535497200000+i, value)
	}
	return []byte(b.String() + "]")
}

// A batch of 100,000 readings of which none can be stored, because they are bad
// or because they contradict what is stored, costs one write and one delivery,
// however slow Blob is.
func TestHundredThousandRejected(t *testing.T) {
	t.Parallel()
	for what, value := range map[string]string{"bad": `"high"`, "conflicting": "2"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			blobs := &slowBlobs{Memory: new(blob.Memory)}
			in := &ingest.Ingester{Store: new(kept), Files: blobs, Map: mapped}
			var bodies, first [][]byte
			for i := range 1000 {
				first = append(first, readings(i, 100, "1"))
				bodies = append(bodies, readings(i, 100, value))
			}
			if err := in.Ingest(ctx, quiet, batchOf(0, first...)); err != nil || blobs.writes != 0 {
				t.Fatalf("the first batch: %v, %d writes; want none", err, blobs.writes)
			}
			begun := time.Now()
			if err := in.Ingest(ctx, quiet, batchOf(1000, bodies...)); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if took := time.Since(begun); blobs.writes != 1 || took != 30*time.Millisecond {
				t.Errorf("%s: %d writes in %v, want one", what, blobs.writes, took)
			}
			rejected := 0
			for _, l := range letters(t, blobs.Memory) {
				rejected += l.Rejected
			}
			if rejected != 100_000 {
				t.Errorf("%s: the dead letter has %d readings, want 100,000", what, rejected)
			}
		})
	}
}

// What there is no time for is spilled as it is; what was stored before stays
// stored, its dead letter is written, and the rest is drained piece by piece.
func TestEachDeliveryGetsOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		sql, blobs := new(kept), new(blob.Memory)
		// Each second transaction does not end.
		sql.before = func(ctx context.Context, call int, _ []fleet.Reading) error {
			if call%2 == 1 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
		var bodies [][]byte
		for i := range 4 {
			bodies = append(bodies, readings(i, 10_000, "1"), fmt.Appendf(nil, "bad %d", i))
		}
		begun := time.Now()
		if err := in.Ingest(ctx, quiet, batchOf(0, bodies...)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took != 90*time.Second { // half a minute is left for what must still be written
			t.Errorf("SQL was waited for %v, want 90 s", took)
		}
		stored := 10_000
		for left := 7; ; left -= 2 {
			spilled := names(t, blobs, blob.Spill)
			if len(sql.values) != stored {
				t.Fatalf("%d readings are stored, want %d", len(sql.values), stored)
			}
			if len(spilled) == 0 {
				break
			}
			if want := fmt.Sprintf("telemetry/3/%019d-%d-", 8-left, left); len(spilled) != 1 || !strings.HasPrefix(spilled[0], want) {
				t.Fatalf("spilled %v, want %s…", spilled, want)
			}
			limited, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			// The first batch is stored in part, which is no failure; the rest of
			// it waits for the next tick, or comes next.
			if err := in.Drain(limited, quiet); err != nil {
				t.Fatal(err)
			}
			stored += 10_000
		}
		if n := len(letters(t, blobs)); n != 4 {
			t.Errorf("%d lines in dead letters, want 4", n)
		}
	})
}

// One event of more readings than a transaction takes: each rejection is that of
// its own reading.
func TestRejectedInASecondTransaction(t *testing.T) {
	t.Parallel()
	sql, blobs := new(kept), new(blob.Memory)
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
	last := `{"device":"d","sensor":7,"ts":1535497214999,"value":2}`
	if err := in.Ingest(t.Context(), quiet, batchOf(0, []byte(last), readings(7, 15_000, "1"))); err != nil {
		t.Fatal(err)
	}
	all := letters(t, blobs)
	if len(all) != 1 || *all[0].Sequence != 1 || all[0].Element != 14_999 || all[0].Reading.TS != "2018-08-28T23:00:14.999Z" || sql.calls != 2 {
		t.Errorf("dead letters %+v after %d transactions, want one of the last reading after two", all, sql.calls)
	}
}

// A dead letter's name follows from what it holds: of two batches that count
// from the same number, as when a hub was made anew, neither replaces the other.
func TestDeadLettersOfTwoHubs(t *testing.T) {
	t.Parallel()
	blobs := new(blob.Memory)
	in := &ingest.Ingester{Store: new(kept), Files: blobs, Map: mapped}
	for _, body := range []string{"one", "two", "one"} {
		if err := in.Ingest(t.Context(), quiet, batchOf(5, []byte(body))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(letters(t, blobs)); n != 2 {
		t.Errorf("%d lines, want 2", n)
	}
}

// A spilled batch is written once: one that comes again while it is being
// drained does not bring it back in another form.
func TestSpilledOnce(t *testing.T) {
	t.Parallel()
	away := &outage{nil, func([]fleet.Reading) error { return errors.New("away") }}
	blobs := new(blob.Memory)
	in := &ingest.Ingester{Store: away, Files: blobs, Map: mapped}
	etag := ""
	for range 2 {
		if err := in.Ingest(t.Context(), quiet, batchOf(5, body(1))); err != nil {
			t.Fatal(err)
		}
		info, err := blobs.Stat(t.Context(), blob.Spill, names(t, blobs, blob.Spill)[0])
		if err != nil || etag != "" && info.ETag != etag {
			t.Errorf("the spilled batch is %+v, %v; want it with the ETag %s still", info, err, etag)
		}
		etag = info.ETag
	}
}

// spillAll spills batches of one reading each, at these sequence numbers.
func spillAll(t *testing.T, blobs *blob.Memory, sequences ...int64) {
	t.Helper()
	away := &outage{nil, func([]fleet.Reading) error { return errors.New("away") }}
	in := &ingest.Ingester{Store: away, Files: blobs, Map: mapped}
	for _, n := range sequences {
		if err := in.Ingest(t.Context(), quiet, batchOf(n, body(int(n)))); err != nil {
			t.Fatal(err)
		}
	}
}

// tried returns a store that refuses readings and notes those it was asked for.
func tried(refuse ...int) (*kept, *[]int) {
	var order []int
	return &kept{before: func(_ context.Context, _ int, batch []fleet.Reading) error {
		at := int(batch[0].Time - 1535497200000)
		order = append(order, at)
		for _, r := range refuse {
			if r == at {
				return fmt.Errorf("%w: reading %d", fleet.ErrUnavailable, at)
			}
		}
		return nil
	}}, &order
}

// A spilled batch that cannot be drained holds up no other: it is set aside, and
// the next is tried; when all others are done, it is tried again.
func TestDrainSetsAside(t *testing.T) {
	t.Parallel()
	blobs := new(blob.Memory)
	spillAll(t, blobs, 1, 2, 3, 4)
	sql, order := tried(1, 3)
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
	if err := in.Drain(t.Context(), quiet); !errors.Is(err, fleet.ErrUnavailable) || fmt.Sprint(*order) != "[1 2 3 4]" || len(sql.values) != 2 {
		t.Errorf("Drain = %v after %v, want %v after all four", err, *order, fleet.ErrUnavailable)
	}
	spillAll(t, blobs, 5)
	*order = nil
	if err := in.Drain(t.Context(), quiet); err == nil || fmt.Sprint(*order) != "[5 1 3]" {
		t.Errorf("Drain = %v after %v, want an error after [5 1 3]", err, *order)
	}
}

// Where batch after batch fails, SQL is away, and the others are left for the
// next tick, which begins with those not tried yet.
func TestDrainGivesUp(t *testing.T) {
	t.Parallel()
	blobs := new(blob.Memory)
	spillAll(t, blobs, 1, 2, 3, 4, 5)
	sql, order := tried(1, 2, 3, 4)
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
	for _, want := range []string{"[1 2 3]", "[4 5 1 2 3]"} {
		*order = nil
		if err := in.Drain(t.Context(), quiet); err == nil || fmt.Sprint(*order) != want {
			t.Errorf("Drain = %v after %v, want %s", err, *order, want)
		}
	}
	if len(sql.values) != 1 {
		t.Errorf("%d are drained, want 1", len(sql.values))
	}
}

// Drain begins no batch for which there would be no time.
func TestDrainEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		blobs := new(blob.Memory)
		spillAll(t, blobs, 1, 2, 3, 4, 5)
		sql, order := tried()
		before := sql.before
		sql.before = func(ctx context.Context, call int, batch []fleet.Reading) error {
			time.Sleep(15 * time.Second)
			return before(ctx, call, batch)
		}
		in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := in.Drain(ctx, quiet); err != nil || fmt.Sprint(*order) != "[1 2 3]" {
			t.Errorf("Drain = %v after %v, want no error after [1 2 3]", err, *order)
		}
	})
}
