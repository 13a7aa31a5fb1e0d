package devhost

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
)

const (
	defaultLease    = 10 * time.Minute
	minPolling      = 100 * time.Millisecond
	queueProcessor  = "Microsoft.Azure.WebJobs.Host.Queues.QueueProcessor"
	poisonSuffix    = "-poison"
	storageDeadline = 30 * time.Second
)

// queueListener calls a function with a queueTrigger.
type queueListener struct {
	fn       *function
	cfg      queueConfig
	lease    time.Duration // for which a message is invisible; it is renewed
	queue    *azure.TriggerQueue
	poison   *azure.TriggerQueue // nil if queue is a poison queue
	conn     string
	wake     chan struct{}                  // has an element if a message may have come
	notify   func(connection, queue string) // says that a message was put into a queue
	execute  func(context.Context, *call) error
	work     context.Context // ends when the handler is killed
	log      *logger
	inFlight sync.WaitGroup
}

func newQueueListener(fn *function, cfg queueConfig, lease time.Duration, conn string, log *logger) (*queueListener, error) {
	l := &queueListener{fn: fn, cfg: cfg, lease: lease, conn: conn, log: log, wake: make(chan struct{}, 1)}
	if lease == 0 {
		l.lease = defaultLease
	}
	var err error
	if l.queue, err = azure.OpenTriggerQueue(conn, fn.trigger.QueueName); err != nil {
		return nil, err
	}
	if !strings.HasSuffix(fn.trigger.QueueName, poisonSuffix) {
		l.poison, err = azure.OpenTriggerQueue(conn, fn.trigger.QueueName+poisonSuffix)
	}
	return l, err
}

// run polls until ctx ends, and then waits for the messages in flight.
func (l *queueListener) run(ctx context.Context) {
	defer l.inFlight.Wait()
	running := make(chan struct{}, l.cfg.BatchSize+l.cfg.NewBatchThreshold)
	finished := make(chan struct{}, 1)
	idle := &backoff{min: minPolling, max: l.cfg.MaxPolling}
	for ctx.Err() == nil {
		if len(running) > l.cfg.NewBatchThreshold {
			select {
			case <-ctx.Done():
			case <-finished:
			}
			continue
		}
		// The end of ctx does not cancel a request: messages that storage had returned by
		// then would stay invisible for a whole lease.
		batch, err := l.queue.Dequeue(l.work, l.cfg.BatchSize, l.lease)
		if ctx.Err() != nil {
			l.release(batch)
			return
		}
		if err != nil {
			l.log.log(slog.LevelError, "Host.Queues", err.Error(), "function", l.fn.name)
		}
		for _, d := range batch {
			running <- struct{}{}
			l.inFlight.Go(func() {
				l.process(&lease{queue: l.queue, Delivery: d})
				<-running
				select {
				case finished <- struct{}{}:
				default:
				}
			})
		}
		if len(batch) > 0 {
			idle.reset()
			continue
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-time.After(idle.next()):
		}
	}
}

// release makes messages visible again that came after the host had begun to stop.
func (l *queueListener) release(batch []azure.Delivery) {
	for _, d := range batch {
		if err := l.queue.Extend(l.work, &d, 0); err != nil {
			l.log.log(slog.LevelError, queueProcessor, err.Error(), "function", l.fn.name)
		}
	}
}

// process calls the function with one delivery, and then deletes, repeats or moves the message.
func (l *queueListener) process(d *lease) {
	text, err := l.decode(d.Text)
	if err != nil {
		l.log.log(slog.LevelWarn, "Azure.Storage.Queues.QueueServiceClient", fmt.Sprintf("Message decoding has failed! Check MessageEncoding settings. MessageId=%s.", d.ID))
	}
	if l.poison != nil && (err != nil || d.DequeueCount > l.cfg.MaxDequeueCount) {
		l.moveToPoison(d)
		return
	}
	if err != nil {
		return
	}
	stop := d.renew(l.work, l.lease, l.log)
	err = l.execute(l.work, l.call(d.Delivery, text))
	stop()
	if l.work.Err() == nil { // otherwise the handler was killed, and the message is delivered again when its lease ends
		l.settle(d, err)
	}
}

// settle deletes a message that was processed. If processing failed, the message is
// made visible again or, after the last try, moved to the poison queue. A message that
// fails in a poison queue stays invisible until its lease ends.
func (l *queueListener) settle(d *lease, failure error) {
	ctx, cancel := context.WithTimeout(l.work, storageDeadline)
	defer cancel()
	var err error
	switch {
	case failure == nil:
		err = l.queue.Delete(ctx, d.Delivery)
	case l.poison == nil:
	case d.DequeueCount >= l.cfg.MaxDequeueCount:
		l.moveToPoison(d)
	default:
		err = l.queue.Extend(ctx, &d.Delivery, l.cfg.Visibility)
		l.poke()
	}
	if err != nil {
		l.log.log(slog.LevelError, queueProcessor, err.Error(), "function", l.fn.name)
	}
}

func (l *queueListener) decode(text string) ([]byte, error) {
	if !l.cfg.Base64 {
		return []byte(text), nil
	}
	return base64.StdEncoding.DecodeString(text)
}

// moveToPoison puts the message's text, as it is stored, into the poison queue and deletes the
// message.
func (l *queueListener) moveToPoison(d *lease) {
	ctx, cancel := context.WithTimeout(l.work, storageDeadline)
	defer cancel()
	l.log.log(slog.LevelWarn, queueProcessor, fmt.Sprintf("Message has reached MaxDequeueCount of %d. Moving message to queue '%s'.", l.cfg.MaxDequeueCount, l.poison.Name()))
	err := l.poison.Create(ctx)
	if err == nil {
		err = l.poison.Put(ctx, d.Text)
	}
	if err == nil {
		err = l.queue.Delete(ctx, d.Delivery)
	}
	if err != nil {
		l.log.log(slog.LevelError, queueProcessor, err.Error(), "function", l.fn.name)
		return
	}
	l.notify(l.conn, l.poison.Name())
}

// poke makes the listener poll at once.
func (l *queueListener) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *queueListener) call(d azure.Delivery, text []byte) *call {
	return &call{
		fn:     l.fn,
		reason: fmt.Sprintf("New queue message detected on '%s'.", l.queue.Name()),
		detail: fmt.Sprintf("MessageId: %s, DequeueCount: %d, InsertedOn: %s", d.ID, d.DequeueCount, d.Inserted.UTC().Format("2006-01-02T15:04:05.000-07:00")),
		data:   jsonText(string(text)),
		meta: map[string]any{
			"DequeueCount":    strconv.Itoa(d.DequeueCount),
			"ExpirationTime":  d.Expires.UTC().Format(wholeSeconds),
			"Id":              jsonText(d.ID),
			"InsertionTime":   d.Inserted.UTC().Format(wholeSeconds),
			"NextVisibleTime": d.NextVisible.UTC().Format(wholeSeconds),
			"PopReceipt":      jsonText(d.PopReceipt),
		},
	}
}

// lease is a delivery that stays invisible while it is processed.
type lease struct {
	queue *azure.TriggerQueue
	azure.Delivery
}

// renew extends the lease whenever half of it is over, until stop is called.
func (d *lease) renew(ctx context.Context, length time.Duration, log *logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(length / 2):
			}
			if err := d.queue.Extend(ctx, &d.Delivery, length); err != nil && !errors.Is(err, context.Canceled) {
				log.log(slog.LevelError, queueProcessor, err.Error())
			}
		}
	})
	return func() { cancel(); done.Wait() }
}
