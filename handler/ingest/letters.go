package ingest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// Letters lists and replays the lines in the container deadletter.
type Letters struct {
	Files   blob.Store
	MaxBlob int64 // the largest blob that is read, in bytes; 0 is 256 MiB
}

// Filter selects lines of dead letters. A field that is empty or zero selects all lines.
type Filter struct {
	Name     string    // a prefix of the blob's name, {hub}/{partition}/…
	FromName string    // blobs whose names sort before this one are left out
	Reason   string    // a part of the reason; upper and lower case are the same
	Device   string    // a pattern, as in [path.Match], for the device of the reading, or of the sender in IoT Hub
	From, To time.Time // the event reached the hub at From or later, and before To
}

// Check returns an error if the filter is not valid.
func (f Filter) Check() error {
	if _, err := path.Match(f.Device, ""); err != nil {
		return fmt.Errorf("device %q: %w", f.Device, err)
	}
	return nil
}

// fits reports whether the filter selects l.
func (f Filter) fits(l Letter) bool {
	return strings.Contains(strings.ToLower(l.Reason), strings.ToLower(f.Reason)) &&
		(f.From.IsZero() || !l.Enqueued.Before(f.From)) && (f.To.IsZero() || l.Enqueued.Before(f.To)) && (f.Device == "" || f.fitsDevice(l))
}

func (f Filter) fitsDevice(l Letter) bool {
	var system struct {
		ID string `json:"iothub-connection-device-id"`
	}
	_ = json.Unmarshal(l.System, &system) // without properties the device is empty
	names := []string{system.ID}
	if l.Reading != nil {
		names = append(names, l.Reading.Device)
	}
	for _, name := range names {
		if ok, err := path.Match(f.Device, name); ok && err == nil && name != "" {
			return true
		}
	}
	return false
}

// BlobLetter is a line of a dead letter with the name of the blob that it stands in.
type BlobLetter struct {
	Letter
	Blob string `json:"blob"`
}

// All yields the lines that f selects, in the order of the blobs' names. It skips blobs
// that are not dead letters of ingest, such as a message that score could not read.
func (l Letters) All(ctx context.Context, f Filter) iter.Seq2[BlobLetter, error] {
	return func(yield func(BlobLetter, error) bool) {
		for info, err := range l.Files.List(ctx, blob.DeadLetter, f.Name) {
			if err != nil {
				yield(BlobLetter{}, err)
				return
			}
			if info.Name < f.FromName {
				continue
			}
			letters, _, err := l.read(ctx, info.Name)
			if err != nil {
				yield(BlobLetter{}, err)
				return
			}
			for _, x := range letters {
				if f.fits(x) && !yield(BlobLetter{x, info.Name}, nil) {
					return
				}
			}
		}
	}
}

// read returns the lines of a blob. There are none if it was deleted meanwhile, or is not
// a dead letter.
func (l Letters) read(ctx context.Context, name string) (letters []Letter, etag string, err error) {
	if !strings.HasSuffix(name, ".jsonl") {
		return nil, "", nil
	}
	content, info, err := l.Files.Read(ctx, blob.DeadLetter, name, "", cmp.Or(l.MaxBlob, maxSpilled))
	if errors.Is(err, blob.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	for line := range bytes.Lines(content) {
		var x Letter
		if err := json.Unmarshal(line, &x); err != nil {
			return nil, "", fmt.Errorf("%w: %s/%s is no dead letter: %w", fleet.ErrInvalid, blob.DeadLetter, name, err)
		}
		letters = append(letters, x)
	}
	return letters, info.ETag, nil
}

// Replayed counts the lines that were replayed.
type Replayed struct {
	Lines    int `json:"lines"`
	Readings int `json:"readings"` // the readings or elements that the lines stand for
}

// Replay ingests the lines that f selects again. It writes their events to the container
// spill, where the next tick reads them with the present mapping and rules. Then it deletes
// the lines. If it is killed in between, the lines are in both places, and may be replayed
// once more: ingest drops copies. Events that are refused again go to a dead letter of
// another name. Replay calls did after each blob. An error of the blob store ends it.
func (l Letters) Replay(ctx context.Context, f Filter, did func(Replayed)) (sum Replayed, err error) {
	var names []string // listed before the first replay: dead letters that are written meanwhile are left alone
	for info, err := range l.Files.List(ctx, blob.DeadLetter, f.Name) {
		if err != nil {
			return sum, err
		}
		names = append(names, info.Name)
	}
	for _, name := range names {
		one, err := l.replay(ctx, f, name)
		if err != nil {
			return sum, err
		}
		sum.Lines += one.Lines
		sum.Readings += one.Readings
		did(one)
	}
	return sum, nil
}

// replay replays the lines of one blob. It starts again if the blob changes meanwhile.
func (l Letters) replay(ctx context.Context, f Filter, name string) (Replayed, error) {
	for {
		letters, etag, err := l.read(ctx, name)
		if err != nil {
			return Replayed{}, err
		}
		var again, rest []Letter
		var sum Replayed
		for _, x := range letters {
			if !f.fits(x) || x.Hub == blob.Spill { // a spilled batch that could not be read is not an event
				rest = append(rest, x)
				continue
			}
			again = append(again, x)
			sum.Lines++
			sum.Readings += x.Rejected
		}
		if len(again) == 0 {
			return sum, nil
		}
		for _, b := range batchesOf(again) {
			if _, err := writeSpilled(ctx, l.Files, b); err != nil {
				return Replayed{}, err
			}
		}
		err = l.replace(ctx, name, etag, rest)
		if !errors.Is(err, blob.ErrChanged) {
			return sum, err
		}
	}
}

// replace writes a dead letter with the rest of its lines, or deletes it if there are none. The
// error wraps [blob.ErrChanged] if its ETag is another one by now.
func (l Letters) replace(ctx context.Context, name, etag string, rest []Letter) error {
	if len(rest) == 0 {
		return l.Files.Delete(ctx, blob.DeadLetter, name)
	}
	_, err := l.Files.Write(ctx, blob.DeadLetter, name, blob.Condition(etag), "application/jsonl", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		for _, x := range rest {
			if err := enc.Encode(x); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// batchesOf returns the events of lines as batches. The events of a batch were replayed
// the same number of times. Several lines of one event give one event.
func batchesOf(letters []Letter) []Batch {
	var all []Batch
	var last Letter
	var details []mapping.Detail
	close := func() {
		if len(all) > 0 {
			of := details
			all[len(all)-1].Details = func() []mapping.Detail { return of }
		}
	}
	size := 0
	for i, x := range letters {
		same := i > 0 && x.Hub == last.Hub && x.Partition == last.Partition && x.Replays == last.Replays && (x.Sequence == nil) == (last.Sequence == nil)
		if same && x.Element < 0 && last.Element < 0 && x.Sequence != nil && *x.Sequence == *last.Sequence && bytes.Equal(x.Raw, last.Raw) {
			continue
		}
		last = x
		if size += len(x.Raw); !same || len(all[len(all)-1].Bodies) == batchEvents || size > batchBytes {
			close()
			all, details, size = append(all, Batch{Hub: x.Hub, Partition: x.Partition, Replays: x.Replays + 1}), nil, len(x.Raw)
		}
		b := &all[len(all)-1]
		b.Bodies = append(b.Bodies, x.Raw)
		b.Enqueued = append(b.Enqueued, x.Enqueued)
		if x.Sequence != nil {
			b.Sequences = append(b.Sequences, *x.Sequence)
		}
		details = append(details, mapping.Detail{Offset: x.Offset, System: x.System, Properties: x.Properties})
	}
	close()
	return all
}

const (
	// batchEvents and batchBytes are the limits of a batch that is replayed.
	batchEvents = 1000
	batchBytes  = 8 << 20
)
