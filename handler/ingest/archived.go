package ingest

import (
	"context"
	"crypto/sha256"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/ingest/mapping"
)

// longest is how many sequence numbers a batch of the host's spans at most: ten times what
// host.json allows.
const longest = 10_000

// place is what makes two lines of dead letters the same one.
type place struct {
	sequence int64
	raw      [sha256.Size]byte
}

// unwritten returns those of lines that stand in no dead letter yet. The batches in which the
// events came the first time are not known, and so their letters' names are not: those that can have them are
// read. They are few, for a letter's name begins with the first sequence number in it.
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

// places returns where the lines stand that the dead letters of b's partition have of the events
// from first to last.
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
		if err != nil || begin < first-longest {
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
