package ingest

import (
	"context"
	"crypto/sha256"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// maxSpan is how far the sequence numbers of a dead letter may lie apart: ten times the
// number of events that host.json allows in a batch.
const maxSpan = 10_000

// place identifies a line of a dead letter.
type place struct {
	sequence int64
	raw      [sha256.Size]byte
}

// unwritten returns the lines that are not in a dead letter yet. It is for events from an
// archive, which came before in batches that are not known. So the names of their dead
// letters are not known either. unwritten reads the dead letters that can have these lines.
// They are few, because a dead letter's name begins with its first sequence number.
func (in *Ingester) unwritten(ctx context.Context, b Batch, lines []mapping.Refused) ([]mapping.Refused, error) {
	if b.Sequences == nil {
		return lines, nil
	}
	first, last := b.Sequences[lines[0].Event], b.Sequences[lines[0].Event]
	for _, x := range lines {
		first, last = min(first, b.Sequences[x.Event]), max(last, b.Sequences[x.Event])
	}
	written, err := in.places(ctx, b, first, last)
	if err != nil {
		return nil, err
	}
	var rest []mapping.Refused
	for _, x := range lines {
		if !written[place{b.Sequences[x.Event], sha256.Sum256(x.Raw)}] && !written[place{b.Sequences[x.Event], sha256.Sum256(b.Bodies[x.Event])}] {
			rest = append(rest, x)
		}
	}
	return rest, nil
}

// places returns the places of all lines of events from first to last, both sequence
// numbers, in the dead letters of b's partition.
func (in *Ingester) places(ctx context.Context, b Batch, first, last int64) (map[place]bool, error) {
	hub, partition := b.source()
	prefix := hub + "/" + partition + "/"
	written := make(map[place]bool)
	for info, err := range in.Files.List(ctx, blob.DeadLetter, prefix) {
		if err != nil {
			return nil, err
		}
		number, _, _ := strings.Cut(strings.TrimPrefix(info.Name, prefix), "-")
		begin, err := strconv.ParseInt(number, 10, 64)
		if err != nil || begin < first-maxSpan {
			continue
		}
		if begin > last { // names are in the order of their numbers
			break
		}
		letters, _, err := Letters{Files: in.Files}.read(ctx, info.Name)
		if err != nil {
			return nil, err
		}
		for _, l := range letters {
			if l.Sequence != nil {
				written[place{*l.Sequence, sha256.Sum256(l.Raw)}] = true
			}
		}
	}
	return written, nil
}
