package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// Spilled is the content of a spilled batch, in JSON, with each body in base64.
type Spilled struct {
	V         int         `json:"v"` // 1
	Hub       string      `json:"hub"`
	Partition string      `json:"partition"`
	Sequences []int64     `json:"sequences,omitempty"`
	Enqueued  []time.Time `json:"enqueued,omitempty"`
	// Offsets, System and Properties are those of [mapping.Detail].
	Offsets    []string          `json:"offsets,omitempty"`
	System     []json.RawMessage `json:"system,omitempty"`
	Properties []json.RawMessage `json:"properties,omitempty"`
	Bodies     [][]byte          `json:"bodies"`
	// Replays is how often the events were taken out of the dead letter.
	Replays int `json:"replays,omitempty"`
	// Archived is [Batch.Archived].
	Archived bool `json:"archived,omitempty"`
}

// newSpilled returns a batch in the form in which it is spilled.
func newSpilled(b Batch) Spilled {
	s := Spilled{V: 1, Hub: b.Hub, Partition: b.Partition, Sequences: b.Sequences, Enqueued: b.Enqueued, Bodies: b.Bodies, Replays: b.Replays, Archived: b.Archived}
	if b.Details == nil {
		return s
	}
	for _, d := range b.Details() {
		s.Offsets = append(s.Offsets, d.Offset)
		s.System = append(s.System, orNull(d.System))
		s.Properties = append(s.Properties, orNull(d.Properties))
	}
	return s
}

// orNull returns raw, or the JSON null if raw is empty, which is not JSON.
func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// batch returns the batch that was spilled.
func (s Spilled) batch() Batch {
	b := Batch{Hub: s.Hub, Partition: s.Partition, Bodies: s.Bodies, Sequences: s.Sequences, Enqueued: s.Enqueued, Replays: s.Replays, Archived: s.Archived}
	if s.Offsets == nil {
		return b
	}
	details := make([]mapping.Detail, len(s.Bodies))
	for i := range details {
		details[i] = mapping.Detail{Offset: s.Offsets[i], System: s.System[i], Properties: s.Properties[i]}
	}
	b.Details = func() []mapping.Detail { return details }
	return b
}

const (
	// spillTime is the last part of an invocation, in which nothing more is stored. It is
	// for writing the dead letter, and for spilling the rest.
	spillTime = 30 * time.Second
	// maxSpilled is the largest spilled batch that is read, in bytes. A batch of the host
	// has 1,000 events of at most 1 MiB, but one message of at most 100 MiB; base64 makes
	// it a third larger.
	maxSpilled = 256 << 20
)

// spillName returns the name of a spilled batch. It follows from the batch, so that a
// batch that is delivered again is not spilled twice. Names sort in the order of the
// batches in their partition.
func spillName(b Batch) string {
	hash := sha256.New()
	if b.Replays > 0 { // a new name: the batch of the replay before may still be there
		fmt.Fprintf(hash, "replay %d\n", b.Replays)
	}
	for _, body := range b.Bodies {
		sum := sha256.Sum256(body)
		hash.Write(sum[:])
	}
	hub, partition := b.source()
	if len(b.Sequences) == 0 {
		return fmt.Sprintf("%s/%s/%x.json", hub, partition, hash.Sum(nil))
	}
	return fmt.Sprintf("%s/%s/%019d-%d-%x.json", hub, partition, b.Sequences[0], len(b.Bodies), hash.Sum(nil)[:8])
}

// spill writes a batch that was not stored to Blob. The reason is logged.
func (in *Ingester) spill(ctx context.Context, log *slog.Logger, b Batch, reason error) error {
	name, err := writeSpilled(ctx, in.Files, b)
	if err != nil {
		return retry("spill %d events", len(b.Bodies), fmt.Errorf("%w; write %s/%s: %w", reason, blob.Spill, name, err))
	}
	log.Error("batch spilled: it could not be stored in time; the tick stores it later", "name", name, "events", len(b.Bodies), "error", reason.Error())
	return nil
}

// writeSpilled writes a batch to the container spill, unless it is there. It returns the name.
func writeSpilled(ctx context.Context, files blob.Store, b Batch) (name string, err error) {
	name = spillName(b)
	_, err = files.Write(ctx, blob.Spill, name, blob.Absent, "application/json", func(w io.Writer) error {
		return json.NewEncoder(w).Encode(newSpilled(b))
	})
	if errors.Is(err, blob.ErrChanged) {
		err = nil
	}
	return name, err
}

// Drain stores the spilled batches. It deletes each after its readings are stored and
// its dead letter is written. So it may be killed at any point, and several processes
// may drain at once. It takes the batches in the order of their names, but first
// those that have not failed before, so that none holds up the others. If a batch
// takes too long, what is left of it is spilled again. A spilled batch that cannot be
// read goes to the dead letter. Drain stops without an error when ctx comes near its
// deadline. It stops with an error when [maxFailures] batches in a row have failed:
// then SQL or Blob is away.
func (in *Ingester) Drain(ctx context.Context, log *slog.Logger) error {
	names, err := in.spilled(ctx)
	errs := []error{err}
	failures := 0
	for _, name := range names {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < drainTime+rejectTime {
			break
		}
		err := in.drain(ctx, log, name)
		in.countFailure(name, err)
		if err == nil {
			failures = 0
			continue
		}
		errs = append(errs, fmt.Errorf("drain %s/%s: %w", blob.Spill, name, err))
		if failures++; failures == maxFailures || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

const (
	// drainTime is the time in which [Ingester.Drain] tries to store a batch. rejectTime is
	// the time after that for writing its dead letter.
	drainTime, rejectTime = 20 * time.Second, 10 * time.Second
	// maxFailures is the number of failed batches in a row after which the others are not
	// tried.
	maxFailures = 3
	// maxDrained is the largest number of spilled batches that one tick lists.
	maxDrained = 10_000
)

// spilled lists the spilled batches in the order in which they are drained.
func (in *Ingester) spilled(ctx context.Context) ([]string, error) {
	var names []string
	for info, err := range in.Files.List(ctx, blob.Spill, "") {
		if err != nil {
			return nil, err
		}
		if names = append(names, info.Name); len(names) == maxDrained {
			break
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	maps.DeleteFunc(in.failed, func(name string, _ int) bool { _, ok := slices.BinarySearch(names, name); return !ok })
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(in.failed[a], in.failed[b]) })
	return names, nil
}

// countFailure counts how often draining a batch failed. A success, err == nil, sets the count
// to 0.
func (in *Ingester) countFailure(name string, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err == nil {
		delete(in.failed, name)
		return
	}
	if in.failed == nil {
		in.failed = make(map[string]int)
	}
	in.failed[name]++
}

func (in *Ingester) drain(ctx context.Context, log *slog.Logger, name string) error {
	content, _, err := in.Files.Read(ctx, blob.Spill, name, "", maxSpilled)
	if errors.Is(err, blob.ErrNotFound) { // another process stored it
		return nil
	}
	if err != nil {
		return err
	}
	b, err := readSpilled(content)
	b.Spilled = true
	if err == nil {
		err = in.storeSpilled(ctx, log, b)
	} else {
		err = in.rejectFile(ctx, log, name, content, err)
	}
	if err != nil {
		return err
	}
	return in.Files.Delete(ctx, blob.Spill, name)
}

// storeSpilled stores a spilled batch. If only a part of it is stored in time, the rest is
// spilled as another batch.
func (in *Ingester) storeSpilled(ctx context.Context, log *slog.Logger, b Batch) error {
	early, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	done, reason, err := in.store(ctx, early, log, b)
	switch {
	case err != nil:
		return err
	case done == 0:
		return reason
	case done < len(b.Bodies):
		return in.spill(ctx, log, b.from(done), reason)
	}
	return nil
}

// readSpilled reads the content of a spilled batch. Its error wraps [fleet.ErrInvalid].
func readSpilled(content []byte) (Batch, error) {
	var s Spilled
	if err := json.Unmarshal(content, &s); err != nil {
		return Batch{}, fmt.Errorf("%w: no spilled batch: %w", fleet.ErrInvalid, err)
	}
	n := len(s.Bodies)
	fits := func(m int) bool { return m == 0 || m == n }
	if s.V != 1 || n == 0 || !fits(len(s.Sequences)) || !fits(len(s.Enqueued)) ||
		!fits(len(s.Offsets)) || len(s.System) != len(s.Offsets) || len(s.Properties) != len(s.Offsets) {
		return Batch{}, fmt.Errorf("%w: no spilled batch of version 1: %d bodies, %d sequences, %d times, %d, %d and %d details",
			fleet.ErrInvalid, n, len(s.Sequences), len(s.Enqueued), len(s.Offsets), len(s.System), len(s.Properties))
	}
	return s.batch(), nil
}

// rejectFile writes the dead letter of a spilled batch that cannot be read.
func (in *Ingester) rejectFile(ctx context.Context, log *slog.Logger, name string, content []byte, reason error) error {
	log.Error("spilled batch goes to the dead letter", "name", name, "reason", reason.Error())
	b := Batch{Hub: blob.Spill, Partition: "unreadable", Bodies: [][]byte{content}}
	_, err := in.reject(ctx, log, b, "", []mapping.Refused{{Origin: mapping.Origin{Element: -1, Raw: content}, Count: 1, Err: fmt.Errorf("%s: %w", name, reason)}})
	return err
}
