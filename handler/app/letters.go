package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ingest"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// letters implements runs.DeadLetters.
type letters struct{ blobs blob.Store }

const (
	mostLetters = 16 << 20 // the largest blob that is read, in bytes
	mostShown   = 4096     // bytes of an event that are shown
)

// Letters implements runs.DeadLetters.
func (l letters) Letters(ctx context.Context, name, from string) iter.Seq2[runs.Letter, error] {
	return func(yield func(runs.Letter, error) bool) {
		lines := ingest.Letters{Files: l.blobs, MaxBlob: mostLetters}
		for x, err := range lines.All(ctx, ingest.Filter{Name: name, FromName: from}) {
			if errors.Is(err, fleet.ErrInvalid) {
				err = fmt.Errorf("%w: look at it with fleetscore deadletter show", err)
			}
			if !yield(letter(x), err) || err != nil {
				return
			}
		}
	}
}

// letter converts a line of a dead letter.
func letter(x ingest.BlobLetter) runs.Letter {
	l := runs.Letter{Blob: x.Blob, Hub: x.Hub, Partition: x.Partition, Sequence: x.Sequence, Enqueued: x.Enqueued, Rejected: x.Rejected,
		Reason: x.Reason, Mapping: x.Mapping, Bytes: len(x.Raw), Replays: x.Replays}
	if x.Element >= 0 {
		l.Element = &x.Element
	}
	if r := x.Reading; r != nil {
		l.Device, l.Sensor, l.TS, l.Value = r.Device, r.Sensor, r.TS, &r.Value
	}
	shown := x.Raw[:min(len(x.Raw), mostShown)]
	for cut := 0; cut < utf8.UTFMax && len(shown) < len(x.Raw) && !utf8.Valid(shown); cut++ {
		shown = shown[:len(shown)-1] // the last character may be incomplete
	}
	if l.Event = string(shown); !utf8.Valid(shown) {
		l.Event, l.Base64 = base64.StdEncoding.EncodeToString(x.Raw[:min(len(x.Raw), mostShown)]), true
	}
	return l
}
