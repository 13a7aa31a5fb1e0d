package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
)

// captureSchema is that of files of Event Hubs Capture.
// https://learn.microsoft.com/azure/event-hubs/explore-captured-avro-files
const captureSchema = `{"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":[
	{"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},{"name":"EnqueuedTimeUtc","type":"string"},
	{"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},
	{"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},{"name":"Body","type":["null","bytes"]}]}`

// captureFile returns a file of Capture of n events from a sequence number on, one
// a second, each of five readings of the device that IoT Hub knows.
func captureFile(t testing.TB, first, n int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &out, Schema: captureSchema, CompressionName: "deflate"})
	if err != nil {
		t.Fatal(err)
	}
	var records []any
	for i := first; i < first+n; i++ {
		at := noon.Add(time.Duration(i) * time.Second)
		body := fmt.Sprintf(`{"temp":%d,"vib":0.5,"rpm":%d,"on":true,"flow":1e3}`, i, 1000+i)
		records = append(records, map[string]any{
			"SequenceNumber": i, "Offset": fmt.Sprint(100 * i), "EnqueuedTimeUtc": at.Format("1/2/2006 3:04:05 PM"),
			"SystemProperties": map[string]any{"iothub-connection-device-id": goavro.Union("string", fmt.Sprintf("pump-%d", i%3)), "x-opt-nan": goavro.Union("double", 1.5)},
			"Properties":       map[string]any{"raw": goavro.Union("bytes", []byte("x")), "none": nil},
			"Body":             goavro.Union("bytes", []byte(body)),
		})
	}
	if err := w.Append(records); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// Three replays of a partition, with its files in any order, add no row and change
// no prediction: no reading is late.
func TestCapture(t *testing.T) {
	t.Parallel()
	db, blobs := open(t), new(blob.Memory)
	in := &ingest.Ingester{Store: db, Files: blobs, Map: mapped}
	waits := 0
	c := ingest.Capture{Files: blobs, Wait: func(context.Context) error { waits++; return nil }}
	const files, each = 3, 1010
	contents := make([][]byte, files)
	for i := range contents {
		contents[i] = captureFile(t, int64(i*each), each)
	}
	replay := func(i int) {
		t.Helper()
		name := fmt.Sprintf("ns/readings/2/2026/11/27/12/%02d/00.avro", i)
		n, err := c.Replay(t.Context(), name, bytes.NewReader(contents[i]))
		if err != nil || n != each {
			t.Fatalf("replayed %d events, %v; want %d", n, err, each)
		}
		if spilled := names(t, blobs, blob.Spill); len(spilled) != 2 || spilled[0][:11] != "readings/2/" {
			t.Fatalf("spilled are %v, want two batches of readings/2", spilled)
		}
		if err := in.Drain(t.Context(), quiet); err != nil {
			t.Fatal(err)
		}
	}
	for i := range files {
		replay(i)
	}
	count := func() (n int) {
		var ids []fleet.ID
		for i := range 3 {
			for _, s := range []string{"temp", "vib", "rpm", "on", "flow"} {
				ids = append(ids, fleet.ID{Device: fmt.Sprintf("pump-%d", i), Sensor: s})
			}
		}
		for _, err := range db.Readings(t.Context(), ids, fleet.Window{From: noon.Add(-time.Hour), To: noon.Add(24 * time.Hour)}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	const want = files * each * 5
	if n := count(); n != want {
		t.Fatalf("%d rows, want %d", n, want)
	}
	// The windows over the readings are opened, so that whatever is new now is late.
	if err := db.InitWatermark(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		w := fleet.Window{From: noon.Add(time.Duration(i) * time.Hour), To: noon.Add(time.Duration(i+1) * time.Hour)}
		if opened, err := db.OpenScheduled(t.Context(), w, fleet.Settings{}, w.To, 9); err != nil || !opened {
			t.Fatal(opened, err)
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 3 {
		for _, i := range rnd.Perm(files) {
			replay(i)
		}
	}
	marks, _, err := db.ReopenLate(t.Context(), 100, noon, time.Time{})
	if n := count(); n != want || marks != 0 || err != nil || waits != 2*files*4 {
		t.Errorf("%d rows, want %d; %d late marks, %v; waited %d times", n, want, marks, err, waits)
	}
	if letters := names(t, blobs, blob.DeadLetter); len(letters) != 0 {
		t.Errorf("dead letters %v, want none", letters)
	}
	// What is damaged is told, and what stands before the damage is given back.
	file := captureFile(t, 0, 10)
	for name, data := range map[string][]byte{"cut off": file[:len(file)-3], "no Avro": []byte("no Avro"), "empty": nil} {
		if _, err := c.Replay(t.Context(), name, bytes.NewReader(data)); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v, want %v", name, err, fleet.ErrInvalid)
		}
	}
}

// What was refused the first time is in the dead letter once, however the archive cuts its events
// into batches, and however often it is replayed; unless it was taken out.
func TestCaptureKeepsDeadLetters(t *testing.T) {
	t.Parallel()
	db, blobs := open(t), new(blob.Memory)
	in := &ingest.Ingester{Store: db, Files: blobs, Map: mapped}
	var file bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &file, Schema: captureSchema})
	if err != nil {
		t.Fatal(err)
	}
	const n = 1500
	live := ingest.Batch{Hub: "readings", Partition: "2"}
	var records []any
	for i := range int64(n) {
		body := fmt.Appendf(nil, `{"device":"d","sensor":"s","ts":%d,"value":1}`, noon.Unix()+i)
		switch i % 100 {
		case 7:
			body = fmt.Appendf(nil, `{"device":"d","sensor":"s","ts":%d,"value":2}`, noon.Unix()+i-1) // contradicts the one before
		case 20:
			body = []byte("no reading")
		case 50:
			body = []byte(`[{"device":"d"},{"device":"d","sensor":"u","ts":"2026-11-27T12:00:00Z","value":1},7]`)
		case 70:
			body = []byte("[" + strings.Repeat("{},", 20) + "{}]") // one line for all of it
		}
		live.Bodies, live.Sequences, live.Enqueued = append(live.Bodies, body), append(live.Sequences, i), append(live.Enqueued, noon)
		records = append(records, map[string]any{"SequenceNumber": i, "Offset": fmt.Sprint(i), "EnqueuedTimeUtc": noon.Format("1/2/2006 3:04:05 PM"),
			"SystemProperties": map[string]any{}, "Properties": map[string]any{}, "Body": goavro.Union("bytes", body)})
	}
	if err := w.Append(records); err != nil {
		t.Fatal(err)
	}
	// It came in batches of other lengths than those of the archive.
	for from := 0; from < n; from += 130 {
		to := min(from+130, n)
		b := ingest.Batch{Hub: live.Hub, Partition: live.Partition, Bodies: live.Bodies[from:to], Sequences: live.Sequences[from:to], Enqueued: live.Enqueued[from:to]}
		if err := in.Ingest(t.Context(), quiet, b); err != nil {
			t.Fatal(err)
		}
	}
	before := names(t, blobs, blob.DeadLetter)
	lines := len(letters(t, blobs))
	if lines != n/100*5 {
		t.Fatalf("%d lines of dead letters, want %d", lines, n/100*5)
	}
	c := ingest.Capture{Files: blobs, Wait: func(context.Context) error { return nil }}
	replay := func() {
		t.Helper()
		if events, err := c.Replay(t.Context(), "ns/readings/2/2026/11/27/12/00/00.avro", bytes.NewReader(file.Bytes())); err != nil || events != n {
			t.Fatal(events, err)
		}
		if err := in.Drain(t.Context(), quiet); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		replay()
		if after := names(t, blobs, blob.DeadLetter); !slices.Equal(after, before) {
			t.Fatalf("dead letters %v, want %v as before", after, before)
		}
	}
	// What was taken out stands there again, and no line twice.
	if err := blobs.Delete(t.Context(), blob.DeadLetter, before[3]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		replay()
		if again := len(letters(t, blobs)); again != lines {
			t.Errorf("%d lines of dead letters, want %d", again, lines)
		}
	}
}

// FuzzCapture reads damaged files of Capture: each event that is read is given back, once, and what is
// wrong is told.
func FuzzCapture(f *testing.F) {
	file := captureFile(f, 0, 5)
	f.Add(file)
	f.Add(file[:len(file)-9])
	f.Add([]byte("Obj\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		blobs := new(blob.Memory)
		c := ingest.Capture{Files: blobs, Wait: func(context.Context) error { return nil }}
		n, err := c.Replay(t.Context(), "ns/readings/2/2026/11/27/12/00/00.avro", bytes.NewReader(data))
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Fatal(err)
		}
		given := 0
		for _, name := range names(t, blobs, blob.Spill) {
			content, _, err := blobs.Read(t.Context(), blob.Spill, name, "", 1<<30)
			if err != nil {
				t.Fatal(err)
			}
			var s ingest.Spilled
			if err := json.Unmarshal(content, &s); err != nil {
				t.Fatal(err)
			}
			given += len(s.Bodies)
		}
		if given != n {
			t.Errorf("%d events are spilled, want %d, which were read: %v", given, n, err)
		}
	})
}
