package runs

import (
	"context"
	"slices"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// RunSums says what the jobs of runs came to, device by device.
type RunSums interface {
	// RunSums returns what was stored when the runs ended last, by run.
	RunSums(ctx context.Context, runs []string) (map[string]fleet.PackedSums, error)
	// DeviceSums counts the jobs of a run.
	DeviceSums(ctx context.Context, run string) ([]fleet.DeviceSum, error)
}

const (
	sumsAtOnce = 32 // runs whose sums are held: of 10,000 devices, some 150 kB each
	summers    = 4  // runs whose jobs are counted at a time
)

// eachSum calls f with what the jobs of each run came to: as it was stored when the
// run ended, or counted now of a run that is open.
func eachSum(ctx context.Context, from RunSums, runs []fleet.Run, f func(fleet.Run, fleet.PackedSums) error) error {
	for piece := range slices.Chunk(runs, sumsAtOnce) {
		var ended []string
		for _, r := range piece {
			if !r.State.Open() {
				ended = append(ended, r.ID)
			}
		}
		stored, err := from.RunSums(ctx, ended)
		if err != nil {
			return err
		}
		sums := make([]fleet.PackedSums, len(piece))
		group, ctx := spawn.WithContext(ctx)
		group.SetLimit(summers)
		for i, r := range piece {
			if sums[i] = stored[r.ID]; sums[i] != nil {
				continue
			}
			group.Start(func() error {
				devices, err := from.DeviceSums(ctx, r.ID)
				sums[i] = fleet.PackSums(devices)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for i, r := range piece {
			if err := f(r, sums[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
