package publish

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
)

// previous follows "{device}/{sensor}", or "default", to name the blob with the
// model before. No encoded name has an '@'.
const previous = "@previous"

func previousName(id fleet.ID) string { return File{Sensor: id}.path() + previous }

// sensorOf returns the sensor that a blob in the container serves; the zero ID
// for the default model.
func sensorOf(name string) (id fleet.ID, ok bool) {
	if slices.Contains(model.Defaults, name) {
		return id, true
	}
	return model.SensorOf(name)
}

// Published is what the container has for a sensor.
type Published struct {
	Sensor   fleet.ID // zero for the default model
	Names    []string // of its blobs; more than one is an error of whoever put them there
	Size     int64    // of the last of these
	Previous bool     // there is one to roll back to
}

// List returns what is published, by sensor.
func List(ctx context.Context, blobs blob.Store) (map[fleet.ID]*Published, error) {
	all := make(map[fleet.ID]*Published)
	for info, err := range blobs.List(ctx, blob.Models, "") {
		if err != nil {
			return nil, fmt.Errorf("list models: %w", err)
		}
		id, ok := sensorOf(info.Name)
		name, old := strings.CutSuffix(info.Name, previous)
		if old {
			id, ok = sensorOf(name + ".pkl")
		}
		if !ok {
			continue
		}
		p := all[id]
		if p == nil {
			p = &Published{Sensor: id}
			all[id] = p
		}
		if old {
			p.Previous = true
			continue
		}
		p.Names = append(p.Names, info.Name)
		p.Size = info.Size
	}
	return all, nil
}
