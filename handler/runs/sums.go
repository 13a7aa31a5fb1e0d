package runs

import (
	"context"
	"sync"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// sums remembers the sums of runs that have ended, since those change only with
// the run's epoch.
type sums struct {
	mu    sync.Mutex
	known map[string]known
	held  int // devices in all
}

type known struct {
	epoch   int
	devices []fleet.DeviceSum
}

// maxHeld bounds what is remembered: some 70 MB.
const maxHeld = 1 << 20

func (s *sums) of(ctx context.Context, from Overview, run fleet.Run) ([]fleet.DeviceSum, error) {
	s.mu.Lock()
	k, ok := s.known[run.ID]
	s.mu.Unlock()
	if ok && k.epoch == run.Epoch && !run.State.Open() {
		return k.devices, nil
	}
	devices, err := from.DeviceSums(ctx, run.ID)
	if err != nil || run.State.Open() {
		return devices, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || s.held+len(devices) > maxHeld {
		s.known, s.held = map[string]known{}, 0
	}
	s.held += len(devices)
	s.known[run.ID] = known{run.Epoch, devices}
	return devices, nil
}
