package ledger

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// inQueue returns the size of a message in the XML that the queue takes.
func inQueue(t *testing.T, jobs []fleet.JobKey) int {
	t.Helper()
	text, err := fleet.NewMessage("20260301T110000Z-20260301T120000Z", jobs).Encode()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

// TestSizeInQueue checks that a message grows by what sizeInQueue says of a job when the
// job is added.
func TestSizeInQueue(t *testing.T) {
	t.Parallel()
	letters := []rune("az09 -'\"<>&\\/é😀\uFFFE\uFFFF\u2028\u007F")
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		name := func() string {
			b := make([]rune, 1+r.IntN(20))
			for i := range b {
				b[i] = letters[r.IntN(len(letters))]
			}
			return string(b)
		}
		key := fleet.JobKey{ID: fleet.ID{Device: name(), Sensor: name()}, Revision: r.IntN(1000)}
		first := fleet.JobKey{ID: fleet.ID{Device: "d", DeviceModel: "m"}}
		if got, want := sizeInQueue(key), inQueue(t, []fleet.JobKey{first, key})-inQueue(t, []fleet.JobKey{first}); got != want {
			t.Fatalf("%+v has %d bytes, want %d, by which the message grows", key, got, want)
		}
	}
}

// TestFullMessages puts as many jobs into a message as are asked for, or as have
// room: 128 of 504 bytes fill it to the byte.
func TestFullMessages(t *testing.T) {
	t.Parallel()
	named := func(bytes int) fleet.Job {
		j := fleet.Job{Run: "r", JobKey: fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: "s"}}}
		j.Device += strings.Repeat("d", bytes-sizeInQueue(j.JobKey))
		return j
	}
	for _, c := range []struct {
		jobs, bytes, perMessage int
		want                    string
	}{
		{5, 100, 2, "[2 2 1]"},
		{3, 100, 3, "[3]"},
		{129, 504, 256, "[128 1]"},
		{129, 505, 256, "[127 2]"},
	} {
		jobs := make([]fleet.Job, c.jobs)
		for i := range jobs {
			jobs[i] = named(c.bytes)
		}
		var got []int
		for _, m := range (&Sender{PerMessage: c.perMessage}).messages(jobs) {
			got = append(got, len(m.Jobs))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%d jobs of %d bytes, %d a message: %v, want %s", c.jobs, c.bytes, c.perMessage, got, c.want)
		}
	}
}

// forgetful is a queue that takes everything, and an outbox that can note nothing.
type forgetful struct{}

var errForgot = errors.New("not noted")

func (forgetful) Send(context.Context, string) error { return nil }

func (forgetful) Unsent(context.Context, string, int) ([]fleet.Job, error) { return nil, nil }

func (forgetful) MarkSent(context.Context, string, []fleet.JobKey, time.Time) error { return errForgot }

// TestSentAndNotNoted checks that it is an error if a sent message cannot be noted.
func TestSentAndNotNoted(t *testing.T) {
	t.Parallel()
	s := &Sender{Outbox: forgetful{}, Queue: forgetful{}, Now: time.Now}
	if err := s.SendAlone(t.Context(), "r", fleet.JobKey{ID: fleet.ID{Device: "d", Sensor: "s"}}); !errors.Is(err, errForgot) {
		t.Errorf("got %v, want that it was not noted", err)
	}
}
