package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// replaced follows a place's name as [previous] does, to name the blob with
// the model that an unfinished [Rollback] takes away.
const replaced = "@replaced"

func replacedName(p fleet.Place) string { return blobOf(p) + replaced }

// Previous reports whether the model in a place has replaced another, which Rollback would put back.
func Previous(ctx context.Context, blobs blob.Store, place fleet.Place) (bool, error) {
	_, err := blobs.Stat(ctx, blob.Models, previousName(place))
	if errors.Is(err, blob.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Rollback exchanges the model in a place with the one before, so that doing it twice changes nothing. If the model was
// removed, Rollback puts it back. It returns the name of the blob. Where there is none before, the error wraps
// [fleet.ErrNotFound]; where another writer came between, [blob.ErrChanged].
//
// A Rollback that was killed is finished by the next, and loses neither model:
// the newer is written beside them before the one before replaces it.
func Rollback(ctx context.Context, blobs blob.Store, place fleet.Place) (name string, err error) {
	published, err := List(ctx, blobs)
	if err != nil {
		return "", err
	}
	p := published[place]
	if p != nil && len(p.Names) > 1 {
		return "", tooMany(p)
	}
	if p != nil && p.Removed != "" {
		if name, done, err := putBack(ctx, blobs, p); done || err != nil {
			return name, err
		}
	}
	if p == nil || len(p.Names) == 0 || !p.Previous {
		return "", fmt.Errorf("roll back %s: %w: publish has not replaced a model of it", Title(place), fleet.ErrNotFound)
	}
	s := swap{blobs, place, p.Names[0]}
	return s.name, s.run(ctx)
}

type swap struct {
	blobs blob.Store
	place fleet.Place
	name  string
}

func (s swap) run(ctx context.Context) error {
	before, old, err := s.blobs.Read(ctx, blob.Models, previousName(s.place), "", MaxSize)
	if err != nil {
		return err
	}
	now, current, err := s.blobs.Read(ctx, blob.Models, s.name, "", MaxSize)
	if err != nil {
		return err
	}
	taken, _, err := s.blobs.Read(ctx, blob.Models, replacedName(s.place), "", MaxSize)
	begun := err == nil
	switch {
	case !begun && !errors.Is(err, blob.ErrNotFound):
		return err
	case bytes.Equal(now, before) && !begun:
		return fmt.Errorf("roll back %s: %w: the one kept is the same, as publish was interrupted: run it again", Title(s.place), fleet.ErrNotFound)
	case bytes.Equal(now, before):
		now = taken
	case begun && bytes.Equal(before, taken): // all was done but to clean up
		return s.blobs.Delete(ctx, blob.Models, replacedName(s.place))
	default:
		if err := put(ctx, s.blobs, replacedName(s.place), "", now); err != nil {
			return err
		}
		if err := put(ctx, s.blobs, s.name, blob.Condition(current.ETag), before); err != nil {
			return err
		}
	}
	if err := put(ctx, s.blobs, previousName(s.place), blob.Condition(old.ETag), now); err != nil {
		return err
	}
	return s.blobs.Delete(ctx, blob.Models, replacedName(s.place))
}

// keep copies the blob from, which a place gets another for, to where [Rollback] finds it. Then
// it deletes the blob surplus.
func keep(ctx context.Context, blobs blob.Store, place fleet.Place, from, surplus string) error {
	data, _, err := blobs.Read(ctx, blob.Models, from, "", MaxSize)
	if err != nil {
		return ignoreNotFound(err)
	}
	if err := put(ctx, blobs, previousName(place), "", data); err != nil {
		return err
	}
	return blobs.Delete(ctx, blob.Models, surplus)
}

func put(ctx context.Context, blobs blob.Store, name string, cond blob.Condition, data []byte) error {
	_, err := blobs.Write(ctx, blob.Models, name, cond, contentType, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	})
	return err
}
