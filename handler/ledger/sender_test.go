package ledger_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
)

// outbox is jobs that were not sent.
type outbox struct {
	jobs []fleet.Job
	sent map[string][]string // sensors by run
}

func (o *outbox) Unsent(context.Context, string, int) ([]fleet.Job, error) { return o.jobs, nil }

func (o *outbox) MarkSent(_ context.Context, run string, jobs []fleet.JobKey, _ time.Time) error {
	for _, j := range jobs {
		o.sent[run] = append(o.sent[run], j.Sensor)
	}
	return nil
}

// refusing is a queue that refuses the messages of some device.
type refusing struct {
	device string
	mu     sync.Mutex
	sent   []fleet.Message
}

var errAway = errors.New("the queue is away")

func (q *refusing) Send(_ context.Context, text string) error {
	m, err := fleet.ParseMessage(text)
	if err != nil {
		return err
	}
	if m.Jobs[0].Device == q.device {
		return errAway
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent = append(q.sent, m)
	return nil
}

const (
	runA = "20260301T110000Z-20260301T120000Z"
	runB = "20260301T120000Z-20260301T130000Z"
)

func queuedJob(run, device string, i int) fleet.Job {
	return fleet.Job{Run: run, JobKey: fleet.JobKey{ID: fleet.ID{Device: device, Sensor: fmt.Sprint(i)}}, State: fleet.Queued}
}

// TestSendNotesWhatWasSent sends jobs of two runs, of which some are refused:
// each is noted under its own run, and none that was refused.
func TestSendNotesWhatWasSent(t *testing.T) {
	t.Parallel()
	o := &outbox{sent: map[string][]string{}}
	o.jobs = []fleet.Job{queuedJob(runA, "good", 1), queuedJob(runB, "good", 2), queuedJob(runB, "bad", 3)}
	q := &refusing{device: "bad"}
	s := &ledger.Sender{Outbox: o, Queue: q, PerMessage: 1, Now: time.Now}
	if _, err := s.Send(t.Context(), ""); !errors.Is(err, errAway) {
		t.Errorf("Send = %v, want %v", err, errAway)
	}
	if !slices.Equal(o.sent[runA], []string{"1"}) || !slices.Equal(o.sent[runB], []string{"2"}) {
		t.Errorf("noted as sent are %v, want the good jobs alone, each under its run", o.sent)
	}
	o.jobs, q.sent, s.PerMessage = o.jobs[:2], nil, 2
	if _, err := s.Send(t.Context(), ""); err != nil || len(q.sent) != 2 {
		t.Errorf("jobs of two runs are sent as %v, %v; want two messages", q.sent, err)
	}
}

// paged is an outbox that gives as many jobs as are asked for.
type paged struct {
	left  int
	pages []int // sent
}

func (o *paged) Unsent(_ context.Context, _ string, limit int) ([]fleet.Job, error) {
	jobs := make([]fleet.Job, min(limit, o.left))
	for i := range jobs {
		jobs[i] = queuedJob(runA, "d", i)
	}
	return jobs, nil
}

func (o *paged) MarkSent(_ context.Context, _ string, jobs []fleet.JobKey, _ time.Time) error {
	o.left -= len(jobs)
	o.pages = append(o.pages, len(jobs))
	return nil
}

// TestSendGoesOn sends page by page, until there is none left.
func TestSendGoesOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		jobs, perMessage int
		pages            string
	}{{0, 50, "[]"}, {1, 50, "[1]"}, {1000, 50, "[1000]"}, {1001, 50, "[1000 1]"}, {2500, 50, "[1000 1000 500]"}, {2500, 100, "[1600 900]"}} {
		o := &paged{left: c.jobs}
		s := &ledger.Sender{Outbox: o, Queue: &refusing{}, PerMessage: c.perMessage, Now: time.Now}
		if sent, err := s.Send(t.Context(), ""); err != nil || sent != c.jobs || fmt.Sprint(o.pages) != c.pages {
			t.Errorf("%d jobs: %d sent in pages of %v, %v; want %s", c.jobs, sent, o.pages, err, c.pages)
		}
	}
}

// TestSendSplitsLongNames sends jobs of the longest names: no message has more
// than the queue takes, in XML.
func TestSendSplitsLongNames(t *testing.T) {
	t.Parallel()
	for _, c := range []string{"x", "😀", "'", `"`, "<", "&", "\uFFFE"} {
		o := &outbox{sent: map[string][]string{}}
		for i := range 256 {
			o.jobs = append(o.jobs, queuedJob(runA, "d"+strings.Repeat(c, 127), i))
			o.jobs[i].Sensor = fmt.Sprintf("%03d", i) + strings.Repeat(c, 125)
		}
		q := &refusing{}
		s := &ledger.Sender{Outbox: o, Queue: q, PerMessage: 256, Now: time.Now}
		if _, err := s.Send(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		jobs := 0
		for _, m := range q.sent {
			text, err := m.Encode()
			var escaped strings.Builder
			if err == nil {
				err = xml.EscapeText(&escaped, []byte(text))
			}
			if err != nil || escaped.Len() > 64<<10 {
				t.Errorf("a message of %d jobs has %d bytes in XML, %v; want at most %d", len(m.Jobs), escaped.Len(), err, 64<<10)
			}
			jobs += len(m.Jobs)
		}
		if jobs != 256 || len(q.sent) < 2 || len(q.sent) > 20 {
			t.Errorf("%d jobs of names of %s in %d messages, want 256 in 2 to 20", jobs, c, len(q.sent))
		}
	}
}

func TestSendIsBounded(t *testing.T) {
	t.Parallel()
	o := &outbox{sent: map[string][]string{}}
	for i := range 300 {
		o.jobs = append(o.jobs, queuedJob(runA, "good", i))
	}
	q := &refusing{}
	s := &ledger.Sender{Outbox: o, Queue: q, PerMessage: 10_000, Now: time.Now}
	if _, err := s.Send(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for _, m := range q.sent {
		if len(m.Jobs) > fleet.MaxJobsPerMessage {
			t.Errorf("a message has %d jobs, want at most %d", len(m.Jobs), fleet.MaxJobsPerMessage)
		}
	}
	q.device, s.PerMessage = "good", 1
	_, err := s.Send(t.Context(), "")
	if err == nil || len(err.Error()) > 500 || !strings.Contains(err.Error(), "300 of 300") {
		t.Errorf("the queue is away: %.600v; want an error of 500 bytes at most that says 300 of 300", err)
	}
}
