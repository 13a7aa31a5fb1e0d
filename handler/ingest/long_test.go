package ingest_test

import (
	"testing"

	"github.com/fleetscore/fleetscore/handler/blob"
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
		t.Errorf("%+v", all)
	}
	if sql.calls != 0 {
		t.Error("it was read")
	}
}
