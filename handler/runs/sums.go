package runs

import (
	"context"
	"slices"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// RunSums sums the jobs of runs by device.
type RunSums interface {
	// RunSums returns the sums that were stored when the runs ended, by the id of the run.
	RunSums(ctx context.Context, runs []string) (map[string]fleet.PackedSums, error)
	// DeviceSums sums the jobs of a run as they are now.
	DeviceSums(ctx context.Context, run string) ([]fleet.DeviceSum, error)
}

const (
	sumsAtOnce = 32 // runs whose sums are in memory; those of 10,000 devices take 150 kB
	summers    = 4  // runs whose jobs are summed at a time
)

// eachSum calls f with the sums of each run. For a run that has ended they are the stored ones.
// Those of an open run are computed now.
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
