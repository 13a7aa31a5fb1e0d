package azure

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azqueue/v2/queueerror"
)

// Queue is the sending end of a storage queue. The receiving end is the
// Functions host's.
type Queue struct {
	name   string
	client *azqueue.QueueClient
}

// Send adds a message, as plain text (host.json says messageEncoding none),
// that never expires. An error may come of a message that was added all the
// same.
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

// ApproximateCount returns about how many messages the queue holds, those
// being worked on included; 0 for a queue that doesn't exist.
func (q *Queue) ApproximateCount(ctx context.Context) (int, error) {
	p, err := q.client.GetProperties(ctx, nil)
	if queueerror.HasCode(err, queueerror.QueueNotFound) {
		return 0, nil
	}
	return int(value(p.ApproximateMessagesCount)), failure(ctx, "count queue "+q.name, err)
}
