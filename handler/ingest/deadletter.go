package ingest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// Letter is a line of a dead letter: an element of an event that was rejected, or the
// whole event if many of its elements were.
type Letter struct {
	Hub       string    `json:"hub"`
	Partition string    `json:"partition"`
	Sequence  *int64    `json:"sequence,omitempty"` // the sequence number of the event in its partition
	Offset    string    `json:"offset,omitempty"`
	Enqueued  time.Time `json:"enqueued,omitzero"`
	Element   int       `json:"element"`           // the element of the event, from 0; -1 is the whole event
	Rejected  int       `json:"rejected"`          // how many readings or elements the line stands for
	Reason    string    `json:"reason"`            // the reason of the first of them
	Mapping   string    `json:"mapping"`           // the mapping that read the event
	Reading   *Reading  `json:"reading,omitempty"` // the first of them, if it was read as a reading

	Replays int `json:"replays,omitempty"` // how often it was taken out of the dead letter before

	System     json.RawMessage `json:"system,omitempty"`
	Properties json.RawMessage `json:"properties,omitempty"`
	Raw        []byte          `json:"raw"` // the exact bytes, in base64
}

// Reading is a reading in a dead letter.
type Reading struct {
	Device string  `json:"device"`
	Sensor string  `json:"sensor"`
	TS     string  `json:"ts"`
	Value  float64 `json:"value"`
}

// reject logs what was refused of a batch, and writes the batch's dead letter. It returns
// the name of the blob.
func (in *Ingester) reject(ctx context.Context, log *slog.Logger, b Batch, by string, refused []mapping.Refused) (name string, err error) {
	if len(refused) == 0 {
		return "", nil
	}
	lines := merge(b, refused)
	if b.Archived {
		if lines, err = in.unwritten(ctx, b, lines); err != nil {
			return "", retry("read the dead letters of %d events", len(b.Bodies), err)
		}
		if len(lines) == 0 {
			return "", nil
		}
	}
	if name, err = letterName(b, by, lines); err != nil {
		return "", retry("name the dead letter of %d events", len(b.Bodies), err)
	}
	log.Warn("readings rejected", "hub", b.Hub, "partition", b.Partition, "events", len(b.Bodies),
		"rejected", count(lines), "deadletter", name, "reason", lines[0].Err.Error())
	if err := writeLetter(ctx, in.Files, name, func(w io.Writer) error { return encodeLines(w, b, by, lines) }); err != nil {
		return "", retry("write the dead letter of %d events", len(b.Bodies), err)
	}
	return name, nil
}

// toDeadLetter returns the lines that are written to the dead letter. The others are only
// counted.
func toDeadLetter(refused []mapping.Refused) []mapping.Refused {
	return slices.DeleteFunc(slices.Clone(refused), func(x mapping.Refused) bool { return x.Counted })
}

// count returns how many readings and elements lines stand for.
func count(lines []mapping.Refused) (n int) {
	for _, x := range lines {
		n += x.Count
	}
	return n
}

// merge replaces the lines of an event by one with the whole event, if they are more than
// [mapping.MaxRefused], or if one of them has the whole event already.
func merge(b Batch, all []mapping.Refused) []mapping.Refused {
	counts, wholes := make(map[int]int), make(map[int]bool)
	for _, x := range all {
		counts[x.Event]++
		if x.Element < 0 || counts[x.Event] > mapping.MaxRefused {
			wholes[x.Event] = true
		}
	}
	merged, at := make([]mapping.Refused, 0, len(all)), make(map[int]int)
	for _, x := range all {
		if !wholes[x.Event] {
			merged = append(merged, x)
			continue
		}
		if i, ok := at[x.Event]; ok {
			merged[i].Count += x.Count
			continue
		}
		at[x.Event] = len(merged)
		x.Element, x.Raw = -1, b.Bodies[x.Event]
		merged = append(merged, x)
	}
	return merged
}

// letterName returns the name of a batch's dead letter. The name has a hash of the
// content. So a batch that is delivered again has the same dead letter, and two batches
// never share one, even if the hub was created again and its sequence numbers start at 0.
func letterName(b Batch, by string, lines []mapping.Refused) (string, error) {
	hash := sha256.New()
	if err := encodeLines(hash, b, by, lines); err != nil {
		return "", err
	}
	hub, partition := b.source()
	if b.Sequences == nil {
		return fmt.Sprintf("%s/%s/%x.jsonl", hub, partition, hash.Sum(nil)), nil
	}
	return fmt.Sprintf("%s/%s/%019d-%d-%x.jsonl", hub, partition, b.Sequences[lines[0].Event], count(lines), hash.Sum(nil)[:8]), nil
}

// writeLetter writes a dead letter. If it is there already, the batch was delivered
// before, and that is not an error.
func writeLetter(ctx context.Context, w blob.Store, name string, fill func(io.Writer) error) error {
	_, err := w.Write(ctx, blob.DeadLetter, name, blob.Absent, "application/jsonl", fill)
	if err != nil && !errors.Is(err, blob.ErrChanged) {
		return fmt.Errorf("write %s/%s: %w", blob.DeadLetter, name, err)
	}
	return nil
}

// encodeLines writes a dead letter's lines.
func encodeLines(w io.Writer, b Batch, by string, lines []mapping.Refused) error {
	buffered := bufio.NewWriter(w)
	enc := json.NewEncoder(buffered)
	enc.SetEscapeHTML(false)
	for _, x := range lines {
		if err := enc.Encode(newLetter(b, by, x)); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// newLetter returns the line of a refusal. By is the name of the mapping.
func newLetter(b Batch, by string, x mapping.Refused) Letter {
	detail := b.detail(x.Event)
	l := Letter{
		Hub: b.Hub, Partition: b.Partition, Offset: detail.Offset, Enqueued: b.enqueued(x.Event), Element: x.Element, Rejected: x.Count, Reason: x.Err.Error(), Mapping: by, Replays: b.Replays,
		System: detail.System, Properties: detail.Properties, Raw: x.Raw,
	}
	if b.Sequences != nil {
		l.Sequence = &b.Sequences[x.Event]
	}
	if r := x.Reading; r != nil {
		l.Reading = &Reading{r.ID.Device, r.ID.Sensor, r.Time.String(), r.Value}
	}
	return l
}
