package azure

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
)

// hostOptions give up a call that stalls, and try it again. A listener that hangs would look
// like an empty queue. The limit is that of the .NET client in the real host
// (RetryOptions.NetworkTimeout). It must not be shorter than a busy storage takes to answer:
// messages in an answer that comes too late stay invisible for a whole lease.
var hostOptions = azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: 3, TryTimeout: 100 * time.Second}}

// HostBlobs are the blobs of the Functions host: the status of timers, and the checkpoints of event
// hubs, which have metadata and no content. Package devhost writes them as the host does.
type HostBlobs struct{ client *azblob.Client }

// OpenHostBlobs returns the host's blobs in the account of a connection string. It does not connect
// yet.
func OpenHostBlobs(connectionString string) (*HostBlobs, error) {
	c, err := azblob.NewClientFromConnectionString(connectionString, &azblob.ClientOptions{ClientOptions: hostOptions})
	if err != nil {
		return nil, fmt.Errorf("open the host's storage: %w", err)
	}
	return &HostBlobs{c}, nil
}

// Put replaces a blob. It makes the container if it is missing.
func (h *HostBlobs) Put(ctx context.Context, container, name string, data []byte, metadata map[string]string) error {
	meta := make(map[string]*string, len(metadata))
	for k, v := range metadata {
		meta[k] = to.Ptr(v)
	}
	upload := func() error {
		_, err := h.client.UploadBuffer(ctx, container, name, data, &blockblob.UploadBufferOptions{
			Metadata:    meta,
			HTTPHeaders: &blob.HTTPHeaders{BlobContentType: to.Ptr("application/octet-stream")},
		})
		return err
	}
	err := upload()
	if bloberror.HasCode(err, bloberror.ContainerNotFound) {
		if _, err = h.client.CreateContainer(ctx, container, nil); err == nil || bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
			err = upload()
		}
	}
	if err != nil {
		return fmt.Errorf("write blob %s/%s: %w", container, name, err)
	}
	return nil
}

// Get returns a blob's content and metadata. The keys of the metadata are capitalized like HTTP
// headers, as in Sequencenumber. ok is false if there is no such blob.
func (h *HostBlobs) Get(ctx context.Context, container, name string) (data []byte, metadata map[string]string, ok bool, err error) {
	resp, err := h.client.DownloadStream(ctx, container, name, nil)
	switch {
	case bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.ContainerNotFound):
		return nil, nil, false, nil
	case err != nil:
		return nil, nil, false, fmt.Errorf("read blob %s/%s: %w", container, name, err)
	}
	defer resp.Body.Close()
	data = make([]byte, *resp.ContentLength)
	if _, err := io.ReadFull(resp.Body, data); err != nil {
		return nil, nil, false, fmt.Errorf("read blob %s/%s: %w", container, name, err)
	}
	metadata = make(map[string]string, len(resp.Metadata))
	for k, v := range resp.Metadata {
		metadata[k] = *v
	}
	return data, metadata, true, nil
}
