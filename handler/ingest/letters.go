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

// Letters is the container deadletter as a working queue.
type Letters struct {
	Files   blob.Store
	MaxBlob int64 // how many bytes a blob may have that is read; 256 MiB if 0
}

// Filter selects lines of dead letters. What is empty or zero selects all.
type Filter struct {
	Name     string    // the beginning of the blob's name: {hub}/{partition}/…
	FromName string    // the blob's name, or one that sorts before it
	Reason   string    // a part of the reason, in any case
	Device   string    // a pattern, as in [path.Match], of the reading's device or the one that IoT Hub knows
	From, To time.Time // when the event reached the hub: From ≤ then < To
}

// Check reports what is wrong with the filter.
func (f Filter) Check() error {
	if _, err := path.Match(f.Device, ""); err != nil {
		return fmt.Errorf("device %q: %w", f.Device, err)
	}
	return nil
}

func (f Filter) fits(l Letter) bool {
	return strings.Contains(strings.ToLower(l.Reason), strings.ToLower(f.Reason)) &&
		(f.From.IsZero() || !l.Enqueued.Before(f.From)) && (f.To.IsZero() || l.Enqueued.Before(f.To)) && (f.Device == "" || f.fitsDevice(l))
}

func (f Filter) fitsDevice(l Letter) bool {
	var system struct {
		ID string `json:"iothub-connection-device-id"`
	}
	_ = json.Unmarshal(l.System, &system) // what is not known is no device
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

// Standing is a line of a dead letter, and where it stands.
type Standing struct {
	Letter
	Blob string `json:"blob"`
}

// All yields the lines that f selects, blob by blob. What is no dead letter of ingest,
// such as a message that score could not read, is passed over.
func (l Letters) All(ctx context.Context, f Filter) iter.Seq2[Standing, error] {
	return func(yield func(Standing, error) bool) {
		for info, err := range l.Files.List(ctx, blob.DeadLetter, f.Name) {
			if err != nil {
				yield(Standing{}, err)
				return
			}
			if info.Name < f.FromName {
				continue
			}
			letters, _, err := l.read(ctx, info.Name)
			if err != nil {
				yield(Standing{}, err)
				return
			}
			for _, x := range letters {
				if f.fits(x) && !yield(Standing{x, info.Name}, nil) {
					return
				}
			}
		}
	}
}

// read reads a blob's lines; there are none if it is gone or no dead letter.
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

// Replayed counts what was given back to ingest.
type Replayed struct {
	Lines    int `json:"lines"`
	Readings int `json:"readings"` // or elements that were no readings, for which the lines stand
}

// Replay gives the events of the lines that f selects back to ingest: to the container
// spill, from where the next tick takes them through the present mapping and rules. Then
// it takes the lines out of the dead letter. Killed in between, it leaves them in
// both; done again, each is stored once, for equal copies are dropped. What is
// refused again is in a dead letter of another name. It calls did after each blob.
func (l Letters) Replay(ctx context.Context, f Filter, did func(Replayed)) (sum Replayed, err error) {
	var names []string // listed first: what is refused again meanwhile is left
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

func (l Letters) replay(ctx context.Context, f Filter, name string) (Replayed, error) {
	for {
		letters, etag, err := l.read(ctx, name)
		if err != nil {
			return Replayed{}, err
		}
		var again, rest []Letter
		var sum Replayed
		for _, x := range letters {
			if !f.fits(x) || x.Hub == blob.Spill { // a spilled file that could not be read is no event
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
			if _, err := keep(ctx, l.Files, b); err != nil {
				return Replayed{}, err
			}
		}
		err = l.leave(ctx, name, etag, rest)
		if !errors.Is(err, blob.ErrChanged) {
			return sum, err
		}
	}
}

// leave leaves the rest of a dead letter's lines, or nothing.
func (l Letters) leave(ctx context.Context, name, etag string, rest []Letter) error {
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

// batchesOf returns the events of lines as batches, those that were replayed
// equally often together. Lines that have the same event are one.
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
	// batchEvents and batchBytes bound a batch that is given back to ingest.
	batchEvents = 1000
	batchBytes  = 8 << 20
)
