package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/spawn"
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// Outbox is the ledger as the list of messages to be sent.
type Outbox interface {
	// Unsent returns queued jobs for which no message was sent at their
	// revision, those of a run together; of all runs if run is "".
	Unsent(ctx context.Context, run string, limit int) ([]fleet.Job, error)
	// MarkSent notes a sending, where the jobs still have these revisions.
	MarkSent(ctx context.Context, run string, jobs []fleet.JobKey, now time.Time) error
}

// Messenger sends the messages of a run's jobs. [Sender] is one.
type Messenger interface {
	// Send sends a message for each queued job of the run that has none at its
	// revision, and returns how many jobs these were.
	Send(ctx context.Context, run string) (int, error)
	// SendAlone sends each of the jobs in a message that carries no other.
	SendAlone(ctx context.Context, run string, jobs ...fleet.JobKey) error
}

// Queue is the queue that score listens to.
type Queue interface {
	Send(ctx context.Context, text string) error
}

// Sender puts messages for jobs into the queue. It is safe for concurrent use. Two
// processes may send messages for the same job: then one message finds it closed.
type Sender struct {
	Outbox     Outbox
	Queue      Queue
	PerMessage int // jobs in one message, 1 to [fleet.MaxJobsPerMessage]; 1 if zero
	Now        func() time.Time
}

const (
	parallelSends = 16
	unsentPage    = 1000 // jobs that are noted together; if killed before, they are sent twice
)

// Send sends messages for all queued jobs for which none was sent at their revision,
// of one run or, if run is "", of all. It returns the number of these jobs. It notes
// a page of jobs as sent after their messages are in the queue. If it is killed
// between the two, the page is sent again.
func (s *Sender) Send(ctx context.Context, run string) (int, error) {
	limit := max(unsentPage, parallelSends*s.perMessage())
	sent := 0
	for {
		jobs, err := s.Outbox.Unsent(ctx, run, limit)
		if err != nil {
			return sent, fmt.Errorf("send messages: %w", err)
		}
		if err := s.post(ctx, s.messages(jobs)); err != nil {
			return sent, fmt.Errorf("send messages for %d jobs: %w", len(jobs), err)
		}
		sent += len(jobs)
		if len(jobs) < limit {
			return sent, nil
		}
	}
}

// SendAlone sends one message for each of jobs, and notes it.
func (s *Sender) SendAlone(ctx context.Context, run string, jobs ...fleet.JobKey) error {
	messages := make([]fleet.Message, len(jobs))
	for i, j := range jobs {
		messages[i] = fleet.NewMessage(run, []fleet.JobKey{j})
	}
	if err := s.post(ctx, messages); err != nil {
		return fmt.Errorf("send %d jobs of run %s one by one: %w", len(jobs), run, err)
	}
	return nil
}

func (s *Sender) perMessage() int {
	return min(max(s.PerMessage, 1), fleet.MaxJobsPerMessage)
}

// messages puts jobs into messages. Jobs of one run must stand together.
func (s *Sender) messages(jobs []fleet.Job) []fleet.Message {
	var all []fleet.Message
	size := 0 // of the last
	for _, j := range jobs {
		last, n := len(all)-1, sizeInQueue(j.JobKey)
		if last < 0 || all[last].Run != j.Run || len(all[last].Jobs) == s.perMessage() || size+n > maxMessage {
			all, size = append(all, fleet.NewMessage(j.Run, nil)), 0
			last++
		}
		all[last].Jobs = append(all[last].Jobs, j.JobKey)
		size += n
	}
	return all
}

// maxMessage leaves room for what is not jobs in the 64 KiB of a message.
const maxMessage = 63 << 10

// sizeInQueue returns by how many bytes a job makes a message longer in the XML in
// which the queue takes it. There a quote has five bytes for one, and a character that
// XML does not have has six for three; see [fleet.Message.Encode]. Only long names fill
// a message before it has its jobs.
func sizeInQueue(key fleet.JobKey) int {
	text, _ := json.Marshal(key) // strings and numbers have no error
	n := len(text) + len(",")
	for _, r := range string(text) {
		switch r {
		case '"', '\'':
			n += 4
		case '\uFFFE', '\uFFFF':
			n += 3
		}
	}
	return n
}

// post sends messages, several at a time, and then notes those that were sent. If one
// fails, the others are sent all the same. The error says how many failed, and wraps
// the first: if the queue is away, all have the same error.
func (s *Sender) post(ctx context.Context, messages []fleet.Message) error {
	var (
		mu     sync.Mutex
		sent   = make(map[string][]fleet.JobKey) // by run
		failed int
		first  error
		g      spawn.Group
	)
	g.SetLimit(parallelSends)
	for _, m := range messages {
		g.Start(func() error {
			err := spawn.Catch(func() error { return s.send(ctx, m) })
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed++
				first = cmp.Or(first, err)
			} else {
				sent[m.Run] = append(sent[m.Run], m.Jobs...)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return none
	var errs []error
	if failed > 0 {
		errs = append(errs, fmt.Errorf("%d of %d messages not sent, the first: %w", failed, len(messages), first))
	}
	now := s.Now()
	for run, jobs := range sent {
		if err := s.Outbox.MarkSent(ctx, run, jobs, now); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// send puts a message into the queue, with the context of the trace that it is sent in.
func (s *Sender) send(ctx context.Context, m fleet.Message) (err error) {
	ctx, span := telemetry.Start(ctx, "send message", telemetry.Producer)
	defer func() { span.End(err) }()
	span.Text("fleetscore.run", m.Run)
	span.Number("fleetscore.jobs", len(m.Jobs))
	in := telemetry.Inject(ctx)
	m.Traceparent, m.Tracestate = in.Parent, in.State
	text, err := m.Encode()
	if err != nil {
		return err
	}
	return s.Queue.Send(ctx, text)
}
