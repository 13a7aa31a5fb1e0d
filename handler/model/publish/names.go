package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
)

// previous follows "{device}/{name}" and the like to name the blob with the model
// before. No encoded name has an '@'.
const previous = "@previous"

func previousName(p fleet.Place) string { return blobOf(p) + previous }

// Published is what the container has in a place.
type Published struct {
	Place    fleet.Place
	Names    []string  // of its blobs; more than one is an error of whoever put them there
	Size     int64     // of the last of these, or of the removed one
	Since    time.Time // when that was written, in whole seconds
	Previous bool      // there is one to roll back to
	Removed  string    // the blob of the model that was removed, which Rollback puts back; usually empty
}

// isModel looks into a blob whose name may be a model's or anything's.
func isModel(ctx context.Context, blobs blob.Store, info blob.Info) (bool, error) {
	data, _, err := blobs.Read(ctx, blob.Models, info.Name, info.ETag, MaxSize)
	switch {
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrChanged):
		return false, nil // it is being replaced
	case errors.Is(err, fleet.ErrInvalid): // too large to be one
		return false, nil
	case err != nil:
		return false, err
	}
	_, err = artifact.Load(data, nil)
	return !errors.Is(err, artifact.ErrNoModel), nil
}

// List returns what is published, by place.
func List(ctx context.Context, blobs blob.Store) (map[fleet.Place]*Published, error) {
	all := make(map[fleet.Place]*Published)
	in := func(place fleet.Place) *Published {
		if all[place] == nil {
			all[place] = &Published{Place: place}
		}
		return all[place]
	}
	for info, err := range blobs.List(ctx, blob.Models, "") {
		if err != nil {
			return nil, fmt.Errorf("list models: %w", err)
		}
		if name, gone := fleet.CutRemoved(info.Name); gone {
			if place, ok := model.PlaceOf(name); ok {
				p := in(place)
				p.Removed = info.Name
				if len(p.Names) == 0 {
					p.Size, p.Since = info.Size, info.Modified
				}
			}
			continue
		}
		place, ok := model.PlaceOf(info.Name)
		name, old := strings.CutSuffix(info.Name, previous)
		if old {
			if place, ok = model.PlaceOf(name); !ok || place.Scope == fleet.OfDevice || place.Scope == fleet.OfFleet {
				place, ok = model.PlaceOf(name + ".pkl")
			}
		}
		if ok && !old && info.SHA256 == "" && model.Shared(info.Name) { // publish did not write it
			ok, err = isModel(ctx, blobs, info)
		}
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		p := in(place)
		if old {
			p.Previous = true
			continue
		}
		p.Names = append(p.Names, info.Name)
		p.Size, p.Since = info.Size, info.Modified
	}
	return all, nil
}
