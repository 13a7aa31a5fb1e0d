package publish

import (
	"bytes"
	"context"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Remove takes away the model in a place, and returns the name of its blob. [Rollback] puts
// it back. Where there is none, the error wraps [fleet.ErrNotFound]; where another writer
// came between, [blob.ErrChanged].
//
// A Remove that was killed is finished by the next, and the model is not lost: it is
// written to another blob before its own is deleted.
func Remove(ctx context.Context, blobs blob.Store, place fleet.Place) (name string, err error) {
	published, err := List(ctx, blobs)
	if err != nil {
		return "", err
	}
	p := published[place]
	switch {
	case p != nil && len(p.Names) > 1:
		return "", tooMany(p)
	case p != nil && len(p.Names) == 0 && p.Removed != "":
		return "", fmt.Errorf("remove %s: %w: it is removed already; rollback puts it back", Title(place), fleet.ErrNotFound)
	case p == nil || len(p.Names) == 0:
		return "", fmt.Errorf("remove %s: %w: no model of it is published", Title(place), fleet.ErrNotFound)
	}
	name = p.Names[0]
	data, info, err := blobs.Read(ctx, blob.Models, name, "", MaxSize)
	if err != nil {
		return "", err
	}
	if err := put(ctx, blobs, fleet.RemovedName(name), "", data); err != nil {
		return "", err
	}
	if p.Removed != "" && p.Removed != fleet.RemovedName(name) {
		if err := blobs.Delete(ctx, blob.Models, p.Removed); err != nil {
			return "", err
		}
	}
	switch now, err := blobs.Stat(ctx, blob.Models, name); {
	case err != nil:
		return "", err
	case now.ETag != info.ETag:
		return "", fmt.Errorf("remove %s: %w: another version was published", Title(place), blob.ErrChanged)
	}
	return name, blobs.Delete(ctx, blob.Models, name)
}

// putBack puts a removed model back. If its place has a model, done says whether that is
// the removed one, as the removal or the putting back was interrupted.
func putBack(ctx context.Context, blobs blob.Store, p *Published) (name string, done bool, err error) {
	name, _ = fleet.CutRemoved(p.Removed)
	data, _, err := blobs.Read(ctx, blob.Models, p.Removed, "", MaxSize)
	if err != nil {
		return name, false, err
	}
	done = true
	if len(p.Names) == 0 {
		err = put(ctx, blobs, name, blob.Absent, data)
	} else {
		var now []byte
		now, _, err = blobs.Read(ctx, blob.Models, p.Names[0], "", MaxSize)
		done = bytes.Equal(now, data)
	}
	if err != nil {
		return name, false, err
	}
	return name, done, blobs.Delete(ctx, blob.Models, p.Removed)
}
