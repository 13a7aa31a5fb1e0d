package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// panicking is a queue that panics for one device, and an outbox that notes
// what was marked as sent.
type panicking struct{ marked []fleet.JobKey }

func (p *panicking) Send(_ context.Context, text string) error {
	if strings.Contains(text, `"bad"`) {
		panic("send")
	}
	return nil
}

func (p *panicking) Unsent(context.Context, string, int) ([]fleet.Job, error) { return nil, nil }

func (p *panicking) MarkSent(_ context.Context, _ string, jobs []fleet.JobKey, _ time.Time) error {
	p.marked = append(p.marked, jobs...)
	return nil
}

// TestSendPanics has one message panic while it is sent. The sender returns the panic as
// its error, and notes the other messages as sent.
func TestSendPanics(t *testing.T) {
	t.Parallel()
	p := &panicking{}
	s := &ledger.Sender{Outbox: p, Queue: p, Now: time.Now}
	good := fleet.JobKey{ID: fleet.ID{Device: "good", Sensor: "1"}}
	err := s.SendAlone(t.Context(), "run", fleet.JobKey{ID: fleet.ID{Device: "bad", Sensor: "1"}}, good)
	var caught *spawn.Panic
	if !errors.As(err, &caught) || len(p.marked) != 1 || p.marked[0] != good {
		t.Errorf("got %v and %v noted, want the panic, and %v", err, p.marked, good)
	}
}
