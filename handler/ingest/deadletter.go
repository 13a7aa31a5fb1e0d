package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Writer writes blobs; see [blob.Store].
type Writer interface {
	Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error)
}

// bad is an element that is not stored because of itself.
type bad struct {
	origin
	reading *fleet.Reading // nil if it is none
	err     error
}

// Letter is the content of a dead letter.
type Letter struct {
	Hub       string    `json:"hub"`
	Partition string    `json:"partition"`
	Sequence  *int64    `json:"sequence,omitempty"` // of the event in its partition
	Enqueued  time.Time `json:"enqueued,omitzero"`
	Element   int       `json:"element"` // of the event, from 0; -1 is the whole event
	Reason    string    `json:"reason"`
	Reading   *Reading  `json:"reading,omitempty"` // as it was understood, if it was
	Text      string    `json:"text,omitempty"`    // the element, if it is UTF-8
	Raw       []byte    `json:"raw"`               // its exact bytes, in base64
}

// Reading is a reading as a dead letter shows it.
type Reading struct {
	Device string  `json:"device"`
	Sensor string  `json:"sensor"`
	TS     string  `json:"ts"`
	Value  float64 `json:"value"`
}

// letterName returns the name of the dead letter for what comes from o: the
// same whenever the event is delivered again, and another for another event,
// even if the hub was made anew and counts from 0 again.
func letterName(b Batch, o origin) string {
	hub, partition := b.source()
	element := "all"
	if o.element >= 0 {
		element = strconv.Itoa(o.element)
	}
	sum := sha256.Sum256(o.raw)
	if b.Sequences == nil {
		return fmt.Sprintf("%s/%s/%x-%s.json", hub, partition, sum, element)
	}
	return fmt.Sprintf("%s/%s/%019d-%s-%x.json", hub, partition, b.Sequences[o.event], element, sum[:8])
}

// writeLetter writes the dead letter for x. That it is there already is no
// error: the batch came before.
func writeLetter(ctx context.Context, w Writer, b Batch, x bad) error {
	name := letterName(b, x.origin)
	_, err := w.Write(ctx, blob.DeadLetter, name, blob.Absent, "application/json", func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(newLetter(b, x))
	})
	if err != nil && !errors.Is(err, blob.ErrChanged) {
		return fmt.Errorf("write %s/%s: %w", blob.DeadLetter, name, err)
	}
	return nil
}

func newLetter(b Batch, x bad) Letter {
	l := Letter{Hub: b.Hub, Partition: b.Partition, Element: x.element, Reason: x.err.Error(), Raw: x.raw}
	if b.Sequences != nil {
		l.Sequence = &b.Sequences[x.event]
	}
	if b.Enqueued != nil {
		l.Enqueued = b.Enqueued[x.event]
	}
	if r := x.reading; r != nil {
		l.Reading = &Reading{r.ID.Device, r.ID.Sensor, r.Time.String(), r.Value}
	}
	if utf8.Valid(x.raw) {
		l.Text = string(x.raw)
	}
	return l
}
