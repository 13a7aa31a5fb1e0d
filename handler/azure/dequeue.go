package azure

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2/queueerror"
)

// Delivery is a message that was taken out of a [TriggerQueue]. Others do not see it until
// NextVisible.
type Delivery struct {
	ID, PopReceipt    string
	Text              string // as it is stored
	DequeueCount      int
	Inserted, Expires time.Time
	NextVisible       time.Time
}

// TriggerQueue receives messages from a storage queue. In Azure the Functions host does that; here
// package devhost does.
type TriggerQueue struct {
	name   string
	client *azqueue.QueueClient
}

// OpenTriggerQueue returns the queue with the name in the account of a connection string. It does
// not connect yet.
func OpenTriggerQueue(connectionString, name string) (*TriggerQueue, error) {
	c, err := azqueue.NewQueueClientFromConnectionString(connectionString, name, &azqueue.ClientOptions{ClientOptions: hostOptions})
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", name, err)
	}
	return &TriggerQueue{name, c}, nil
}

// Name returns the queue's name.
func (q *TriggerQueue) Name() string { return q.name }

// Create makes the queue unless it exists.
func (q *TriggerQueue) Create(ctx context.Context) error {
	_, err := q.client.Create(ctx, nil)
	if err != nil && !queueerror.HasCode(err, queueerror.QueueAlreadyExists) {
		return fmt.Errorf("create queue %s: %w", q.name, err)
	}
	return nil
}

// Dequeue takes up to n messages, at most 32. They are invisible to others for lease, in whole
// seconds. A queue that does not exist has no messages.
func (q *TriggerQueue) Dequeue(ctx context.Context, n int, lease time.Duration) ([]Delivery, error) {
	resp, err := q.client.DequeueMessages(ctx, &azqueue.DequeueMessagesOptions{
		NumberOfMessages:  to.Ptr(int32(n)),
		VisibilityTimeout: seconds(lease),
	})
	switch {
	case queueerror.HasCode(err, queueerror.QueueNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("dequeue from %s: %w", q.name, err)
	}
	out := make([]Delivery, 0, len(resp.Messages))
	for _, m := range resp.Messages {
		out = append(out, Delivery{
			ID: *m.MessageID, PopReceipt: *m.PopReceipt, Text: *m.MessageText,
			DequeueCount: int(*m.DequeueCount),
			Inserted:     *m.InsertionTime, Expires: *m.ExpirationTime, NextVisible: *m.TimeNextVisible,
		})
	}
	return out, nil
}

// Extend makes d invisible for the duration by, counted from now. With 0 it is visible at once.
// Extend stores the new pop receipt in d.
func (q *TriggerQueue) Extend(ctx context.Context, d *Delivery, by time.Duration) error {
	resp, err := q.client.UpdateMessage(ctx, d.ID, d.PopReceipt, d.Text, &azqueue.UpdateMessageOptions{
		VisibilityTimeout: seconds(by),
	})
	if err != nil {
		return fmt.Errorf("extend message %s of %s: %w", d.ID, q.name, err)
	}
	d.PopReceipt = *resp.PopReceipt
	return nil
}

// Delete deletes d. It is no error if it is not there.
func (q *TriggerQueue) Delete(ctx context.Context, d Delivery) error {
	_, err := q.client.DeleteMessage(ctx, d.ID, d.PopReceipt, nil)
	if err != nil && !queueerror.HasCode(err, queueerror.MessageNotFound) {
		return fmt.Errorf("delete message %s of %s: %w", d.ID, q.name, err)
	}
	return nil
}

// Put adds a message that stays for seven days, the service's default.
func (q *TriggerQueue) Put(ctx context.Context, text string) error {
	if _, err := q.client.EnqueueMessage(ctx, text, nil); err != nil {
		return fmt.Errorf("add to queue %s: %w", q.name, err)
	}
	return nil
}

// Count returns the approximate number of messages, visible or not. It is 0 if the queue does not
// exist.
func (q *TriggerQueue) Count(ctx context.Context) (int, error) {
	resp, err := q.client.GetProperties(ctx, nil)
	switch {
	case queueerror.HasCode(err, queueerror.QueueNotFound):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("count queue %s: %w", q.name, err)
	}
	return int(*resp.ApproximateMessagesCount), nil
}

func seconds(d time.Duration) *int32 { return to.Ptr(int32(d / time.Second)) }
