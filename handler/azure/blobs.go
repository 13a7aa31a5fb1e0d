package azure

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

var _ blob.Store = (*Blobs)(nil)

// Blobs is the [blob.Store] of a storage account. Each blob has the SHA-256 of its content as the
// metadata sha256.
type Blobs struct{ client *service.Client }

// Stat implements blob.Store.
func (b *Blobs) Stat(ctx context.Context, container, name string) (blob.Info, error) {
	p, err := b.client.NewContainerClient(container).NewBlobClient(name).GetProperties(ctx, nil)
	if err != nil {
		return blob.Info{}, failure(ctx, "get the properties of blob "+container+"/"+name, err)
	}
	return blob.Info{Name: name, ETag: value((*string)(p.ETag)), Size: value(p.ContentLength), SHA256: sha256Of(p.Metadata), Modified: value(p.LastModified).UTC()}, nil
}

// Read implements blob.Store. If the connection breaks, it continues with the rest of the content.
func (b *Blobs) Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, blob.Info, error) {
	what := "read blob " + container + "/" + name
	options := &azblob.DownloadStreamOptions{}
	if etag != "" {
		options.AccessConditions = &azblob.AccessConditions{ModifiedAccessConditions: &azblob.ModifiedAccessConditions{IfMatch: (*azcore.ETag)(&etag)}}
	}
	d, err := b.client.NewContainerClient(container).NewBlobClient(name).DownloadStream(ctx, options)
	if err != nil {
		return nil, blob.Info{}, failure(ctx, what, err)
	}
	body := d.NewRetryReader(ctx, &azblob.RetryReaderOptions{MaxRetries: 3})
	defer body.Close()
	info := blob.Info{Name: name, ETag: value((*string)(d.ETag)), Size: value(d.ContentLength), SHA256: sha256Of(d.Metadata)}
	if info.Size > limit {
		return nil, blob.Info{}, fmt.Errorf("%s: %w: %d bytes, more than %d", what, fleet.ErrInvalid, info.Size, limit)
	}
	content := make([]byte, info.Size)
	if _, err := io.ReadFull(body, content); err != nil {
		return nil, blob.Info{}, failure(ctx, what, err)
	}
	return content, info, nil
}

// List implements blob.Store. A container that doesn't exist is empty.
func (b *Blobs) List(ctx context.Context, name, prefix string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		pager := b.client.NewContainerClient(name).NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix})
		for pager.More() {
			page, err := pager.NextPage(ctx)
			if bloberror.HasCode(err, bloberror.ContainerNotFound) {
				return
			}
			if err != nil {
				yield(blob.Info{}, failure(ctx, "list blobs "+name+"/"+prefix, err))
				return
			}
			for _, item := range page.Segment.BlobItems {
				info := blob.Info{Name: value(item.Name), ETag: quoted(value((*string)(item.Properties.ETag))), Size: value(item.Properties.ContentLength), Modified: value(item.Properties.LastModified).UTC()}
				if !yield(info, nil) {
					return
				}
			}
		}
	}
}

// Delete implements blob.Store.
func (b *Blobs) Delete(ctx context.Context, container, name string) error {
	_, err := b.client.NewContainerClient(container).NewBlobClient(name).Delete(ctx, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound, bloberror.ContainerNotFound) {
		return nil
	}
	return failure(ctx, "delete blob "+container+"/"+name, err)
}

// inContainer calls op. If the container is missing, it makes the container and calls
// op again.
func (b *Blobs) inContainer(ctx context.Context, container string, op func() error) error {
	err := op()
	if !bloberror.HasCode(err, bloberror.ContainerNotFound) {
		return err
	}
	if _, err := b.client.CreateContainer(ctx, container, nil); err != nil && !bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
		return err
	}
	return op()
}

// sha256Of returns the hash in a blob's metadata. The keys come from HTTP headers, so their case is
// not fixed.
func sha256Of(metadata map[string]*string) string {
	for k, v := range metadata {
		if strings.EqualFold(k, "sha256") {
			return value(v)
		}
	}
	return ""
}

// quoted returns an ETag in quotes, as headers have it. Listings have it without them.
func quoted(etag string) string {
	if etag == "" || strings.HasPrefix(etag, `"`) {
		return etag
	}
	return `"` + etag + `"`
}

// value returns the value that p points to, zero if p is nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
