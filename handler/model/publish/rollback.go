package publish

import (
	"context"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/sensor"
)

// Rollback exchanges the model of a sensor (the zero ID is the default model)
// with the one before, so that doing it twice changes nothing. It returns the
// name of the blob. Where there is none before, the error wraps
// [sensor.ErrNotFound].
func Rollback(ctx context.Context, blobs blob.Store, id sensor.ID) (name string, err error) {
	published, err := List(ctx, blobs)
	if err != nil {
		return "", err
	}
	p := published[id]
	if p != nil && len(p.Names) > 1 {
		return "", tooMany(p)
	}
	if p == nil || len(p.Names) == 0 || !p.Previous {
		return "", fmt.Errorf("roll back %v: %w: publish has not replaced a model of it", File{Sensor: id}, sensor.ErrNotFound)
	}
	name = p.Names[0]
	before, _, err := blobs.Read(ctx, blob.Models, previousName(id), "", MaxSize)
	if err != nil {
		return "", err
	}
	now, _, err := blobs.Read(ctx, blob.Models, name, "", MaxSize)
	if err != nil {
		return "", err
	}
	if err := put(ctx, blobs, name, before); err != nil {
		return "", err
	}
	return name, put(ctx, blobs, previousName(id), now)
}
