package ingest_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
)

// An event of which there is only the beginning is not read, and goes to the dead
// letter with its length.
func TestTooLongEvent(t *testing.T) {
	t.Parallel()
	sql, blobs := new(kept), new(blob.Memory)
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
	b := batchOf(7, []byte(`{"device":1,"sensor":2,"ts":1535497200000,"value":1}`+"\n"+`{"device":1,"sen`))
	b.Length = 70_000_000
	if err := in.Ingest(t.Context(), quiet, b); err != nil {
		t.Fatal(err)
	}
	const reason = "invalid: the event has about 70000000 bytes, more than can be read; raw is its beginning"
	all := letters(t, blobs)
	if len(all) != 1 || *all[0].Sequence != 7 || all[0].Element != -1 || string(all[0].Raw) != string(b.Bodies[0]) || all[0].Reason != reason {
		t.Errorf("the dead letters are %+v, want one line with the beginning and the length", all)
	}
	if sql.calls != 0 {
		t.Errorf("%d transactions, want none, as the event cannot be read", sql.calls)
	}
}

// A long batch that could not be finished goes on where it was when it is
// delivered again: the parts that were stored or spilled are not done twice.
func TestLongBatchGetsOn(t *testing.T) {
	t.Parallel()
	sql, blobs := new(kept), &limitedBlobs{Memory: new(blob.Memory)}
	sql.before = func(_ context.Context, call int, _ []fleet.Reading) error {
		if call%3 == 0 {
			return errors.New("away")
		}
		return nil
	}
	in := &ingest.Ingester{Store: sql, Files: blobs, Map: mapped}
	const parts = 20
	deliver := func() error {
		for i := range int64(parts) {
			b := batchOf(i, body(int(i)))
			b.Part = true
			if err := in.Ingest(t.Context(), quiet, b); err != nil {
				return err
			}
		}
		return nil
	}
	deliveries := 1
	for deliver() != nil {
		if deliveries++; deliveries > 10 {
			t.Fatalf("after %d deliveries the batch is not finished", deliveries)
		}
	}
	// Each third transaction fails and its part is spilled, which each second time fails too.
	if spilled := len(names(t, blobs.Memory, blob.Spill)); len(sql.values)+spilled != parts || spilled == 0 || sql.calls != parts+deliveries-1 {
		t.Errorf("%d are stored and %d spilled after %d deliveries and %d transactions, want %d in all, each part once", len(sql.values), spilled, deliveries, sql.calls, parts)
	}
}

// limitedBlobs refuses each second write.
type limitedBlobs struct {
	*blob.Memory
	writes int
}

func (s *limitedBlobs) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	if s.writes++; s.writes%2 == 0 {
		return blob.Info{}, errors.New("away")
	}
	return s.Memory.Write(ctx, container, name, cond, contentType, fill)
}
