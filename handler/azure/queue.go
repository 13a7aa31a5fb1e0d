package azure

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2/queueerror"
)

// Queue sends messages to a storage queue. The Functions host receives them.
type Queue struct {
	name   string
	client *azqueue.QueueClient
}

// Send adds a message that never expires. Its text is not encoded, as messageEncoding is none in
// host.json. Even if Send returns an error, the message may have been added.
func (q *Queue) Send(ctx context.Context, text string) error {
	send := func() error {
		_, err := q.client.EnqueueMessage(ctx, text, &azqueue.EnqueueMessageOptions{TimeToLive: to.Ptr(int32(-1))})
		return err
	}
	err := send()
	if queueerror.HasCode(err, queueerror.QueueNotFound) {
		if _, err = q.client.Create(ctx, nil); err == nil || queueerror.HasCode(err, queueerror.QueueAlreadyExists) {
			err = send()
		}
	}
	return failure(ctx, "send to queue "+q.name, err)
}

// ApproximateCount returns the approximate number of messages in the queue, with those that are
// being processed. It is 0 if the queue does not exist.
func (q *Queue) ApproximateCount(ctx context.Context) (int, error) {
	p, err := q.client.GetProperties(ctx, nil)
	if queueerror.HasCode(err, queueerror.QueueNotFound) {
		return 0, nil
	}
	return int(value(p.ApproximateMessagesCount)), failure(ctx, "count queue "+q.name, err)
}
