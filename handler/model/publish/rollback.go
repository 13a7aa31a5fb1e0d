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

// replaced follows a sensor's name as [previous] does, to name the blob with
// the model that an unfinished [Rollback] takes away.
const replaced = "@replaced"

func replacedName(id fleet.ID) string { return File{Sensor: id}.path() + replaced }

// Rollback exchanges the model of a sensor (the zero ID is the default model)
// with the one before, so that doing it twice changes nothing. It returns the
// name of the blob. Where there is none before, the error wraps
// [fleet.ErrNotFound]; where another writer came between, [blob.ErrChanged].
//
// A Rollback that was killed is finished by the next, and loses neither model:
// the newer is written beside them before the one before replaces it.
func Rollback(ctx context.Context, blobs blob.Store, id fleet.ID) (name string, err error) {
	published, err := List(ctx, blobs)
	if err != nil {
		return "", err
	}
	p := published[id]
	if p != nil && len(p.Names) > 1 {
		return "", tooMany(p)
	}
	if p == nil || len(p.Names) == 0 || !p.Previous {
		return "", fmt.Errorf("roll back %v: %w: publish has not replaced a model of it", File{Sensor: id}, fleet.ErrNotFound)
	}
	s := swap{blobs, id, p.Names[0]}
	return s.name, s.run(ctx)
}

type swap struct {
	blobs blob.Store
	id    fleet.ID
	name  string
}

func (s swap) run(ctx context.Context) error {
	before, old, err := s.blobs.Read(ctx, blob.Models, previousName(s.id), "", MaxSize)
	if err != nil {
		return err
	}
	now, current, err := s.blobs.Read(ctx, blob.Models, s.name, "", MaxSize)
	if err != nil {
		return err
	}
	taken, _, err := s.blobs.Read(ctx, blob.Models, replacedName(s.id), "", MaxSize)
	begun := err == nil
	switch {
	case !begun && !errors.Is(err, blob.ErrNotFound):
		return err
	case bytes.Equal(now, before) && !begun:
		return fmt.Errorf("roll back %v: %w: the one kept is the same, as publish was interrupted: run it again", File{Sensor: s.id}, fleet.ErrNotFound)
	case bytes.Equal(now, before):
		now = taken
	case begun && bytes.Equal(before, taken): // all was done but to clean up
		return s.blobs.Delete(ctx, blob.Models, replacedName(s.id))
	default:
		if err := put(ctx, s.blobs, replacedName(s.id), "", now); err != nil {
			return err
		}
		if err := put(ctx, s.blobs, s.name, blob.Condition(current.ETag), before); err != nil {
			return err
		}
	}
	if err := put(ctx, s.blobs, previousName(s.id), blob.Condition(old.ETag), now); err != nil {
		return err
	}
	return s.blobs.Delete(ctx, blob.Models, replacedName(s.id))
}

// keep copies the blob that serves a sensor to where [Rollback] finds it. A
// rollback that was not finished is so no longer.
func keep(ctx context.Context, blobs blob.Store, id fleet.ID, name string) error {
	data, _, err := blobs.Read(ctx, blob.Models, name, "", MaxSize)
	if err != nil {
		return ignoreNotFound(err)
	}
	if err := put(ctx, blobs, previousName(id), "", data); err != nil {
		return err
	}
	return blobs.Delete(ctx, blob.Models, replacedName(id))
}

func put(ctx context.Context, blobs blob.Store, name string, cond blob.Condition, data []byte) error {
	_, err := blobs.Write(ctx, blob.Models, name, cond, contentType, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(data))
		return err
	})
	return err
}
