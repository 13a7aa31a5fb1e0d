package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Files are blobs; see [blob.Store].
type Files interface {
	Writer
	Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error)
	List(ctx context.Context, container, prefix string) iter.Seq2[blob.Info, error]
	Delete(ctx context.Context, container, name string) error
}

// Spilled is the content of a spilled batch, in JSON, with each body in base64.
type Spilled struct {
	V         int         `json:"v"` // 1
	Hub       string      `json:"hub"`
	Partition string      `json:"partition"`
	Sequences []int64     `json:"sequences,omitempty"`
	Enqueued  []time.Time `json:"enqueued,omitempty"`
	Bodies    [][]byte    `json:"bodies"`
}

const (
	// spillTime is what is left of an invocation for spilling when SQL has been
	// given up.
	spillTime = 30 * time.Second
	// maxSpilled bounds a spilled batch that is read: a batch of the host's has
	// 1,000 events of at most 1 MiB, which base64 makes a third larger, but
	// brings them in one message of at most 100 MiB.
	maxSpilled = 256 << 20
)

// spillName returns the name of a spilled batch. It follows from the batch, so
// that one that comes again is kept once, and sorts as the batches of a
// partition do.
func spillName(b Batch) string {
	hash := sha256.New()
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

// spill keeps a batch in Blob that SQL refused for this reason.
func (in *Ingester) spill(ctx context.Context, log *slog.Logger, b Batch, reason error) error {
	name := spillName(b)
	_, err := in.Files.Write(ctx, blob.Spill, name, blob.Absent, "application/json", func(w io.Writer) error {
		return json.NewEncoder(w).Encode(Spilled{1, b.Hub, b.Partition, b.Sequences, b.Enqueued, b.Bodies})
	})
	if err != nil && !errors.Is(err, blob.ErrChanged) {
		return fmt.Errorf("%w; spill to %s/%s: %w", reason, blob.Spill, name, err)
	}
	log.Error("batch spilled: SQL refused it; the tick stores it later", "name", name, "events", len(b.Bodies), "error", reason.Error())
	return nil
}

// Drain ingests the spilled batches, in the order of their names, and deletes
// each once its readings are stored and its dead letters written: so it may be
// killed at any point, and run beside another. It stops, without an error, when
// ctx comes near its deadline, and with one as soon as SQL or Blob is
// unavailable. A spilled batch that cannot be read goes to the dead letter.
func (in *Ingester) Drain(ctx context.Context, log *slog.Logger) error {
	var errs []error
	for info, err := range in.Files.List(ctx, blob.Spill, "") {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < drainTime {
			break
		}
		if err := in.drain(ctx, log, info.Name); err != nil {
			errs = append(errs, fmt.Errorf("drain %s/%s: %w", blob.Spill, info.Name, err))
			if errors.Is(err, fleet.ErrUnavailable) || ctx.Err() != nil {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// drainTime is how long before its deadline [Ingester.Drain] begins no batch.
const drainTime = 20 * time.Second

func (in *Ingester) drain(ctx context.Context, log *slog.Logger, name string) error {
	content, _, err := in.Files.Read(ctx, blob.Spill, name, "", maxSpilled)
	if errors.Is(err, blob.ErrNotFound) { // another was faster
		return nil
	}
	if err != nil {
		return err
	}
	b, err := readSpilled(content)
	if err == nil {
		err = in.store(ctx, log, b)
	} else {
		err = in.buryFile(ctx, log, name, content, err)
	}
	if err != nil {
		return err
	}
	return in.Files.Delete(ctx, blob.Spill, name)
}

func readSpilled(content []byte) (Batch, error) {
	var s Spilled
	if err := json.Unmarshal(content, &s); err != nil {
		return Batch{}, fmt.Errorf("%w: no spilled batch: %w", fleet.ErrInvalid, err)
	}
	n := len(s.Bodies)
	if s.V != 1 || n == 0 || s.Sequences != nil && len(s.Sequences) != n || s.Enqueued != nil && len(s.Enqueued) != n {
		return Batch{}, fmt.Errorf("%w: no spilled batch of version 1: %d bodies, %d sequences, %d times", fleet.ErrInvalid, n, len(s.Sequences), len(s.Enqueued))
	}
	return Batch{s.Hub, s.Partition, s.Bodies, s.Sequences, s.Enqueued}, nil
}

// buryFile writes the dead letter of a spilled batch that cannot be read.
func (in *Ingester) buryFile(ctx context.Context, log *slog.Logger, name string, content []byte, reason error) error {
	log.Error("spilled batch goes to the dead letter", "name", name, "reason", reason.Error())
	return writeLetter(ctx, in.Files, Batch{Hub: blob.Spill, Partition: "unreadable"}, bad{origin{0, -1, content}, nil, fmt.Errorf("%s: %w", name, reason)})
}
