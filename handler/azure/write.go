package azure

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/fleetscore/fleetscore/handler/blob"
)

// blockSize is the size of a block, in bytes. Only one block of a blob is in memory while it is
// written. A blob has at most 50,000 blocks.
const blockSize = 4 << 20

// Write implements blob.Store. Content shorter than a block is sent in one request. Longer content
// is sent as blocks, and a last request makes the blob of them. Azure deletes blocks after a week
// if that request never comes.
func (b *Blobs) Write(ctx context.Context, container, name string, cond blob.Condition, contentType string, fill func(io.Writer) error) (blob.Info, error) {
	w := &blockWriter{
		ctx: ctx, what: "write blob " + container + "/" + name, sum: sha256.New(),
		client: b.client.NewContainerClient(container).NewBlockBlobClient(name),
		retry:  func(op func() error) error { return b.inContainer(ctx, container, op) },
	}
	rand.Read(w.writer[:])
	if err := fill(w); err != nil {
		return blob.Info{}, err
	}
	etag, err := w.commit(cond, contentType)
	if err != nil {
		return blob.Info{}, failure(ctx, w.what, err)
	}
	return blob.Info{Name: name, ETag: etag, Size: w.size, SHA256: w.sha256()}, nil
}

// blockWriter stages what is written to it as blocks.
type blockWriter struct {
	ctx    context.Context
	what   string
	client *blockblob.Client
	retry  func(op func() error) error

	// writer is a random part of the blocks' names. With it, two writers of the same blob use
	// different names.
	writer [12]byte
	blocks []string // the names of the blocks that were sent
	rest   []byte   // content that was not sent yet; shorter than a block
	size   int64
	sum    hash.Hash
}

func (w *blockWriter) Write(p []byte) (int, error) {
	w.sum.Write(p)
	w.size += int64(len(p))
	n := len(p)
	for len(w.rest)+len(p) >= blockSize {
		k := blockSize - len(w.rest)
		w.rest, p = append(w.rest, p[:k]...), p[k:]
		if err := w.stage(); err != nil {
			return 0, failure(w.ctx, w.what, err)
		}
	}
	w.rest = append(w.rest, p...)
	return n, nil
}

// stage sends the rest as a block.
func (w *blockWriter) stage() error {
	id := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(w.writer[:], uint32(len(w.blocks))))
	w.blocks = append(w.blocks, id)
	err := w.retry(func() error {
		_, err := w.client.StageBlock(w.ctx, id, body(w.rest), nil)
		return err
	})
	w.rest = w.rest[:0]
	return err
}

// commit makes the blob of the blocks and the rest, if cond holds. It returns the blob's ETag.
func (w *blockWriter) commit(cond blob.Condition, contentType string) (etag string, err error) {
	headers := &azblob.HTTPHeaders{BlobContentType: &contentType}
	metadata := map[string]*string{"sha256": to.Ptr(w.sha256())}
	access := access(cond)
	if len(w.blocks) == 0 {
		err = w.retry(func() error {
			r, err := w.client.Upload(w.ctx, body(w.rest), &blockblob.UploadOptions{HTTPHeaders: headers, Metadata: metadata, AccessConditions: access})
			etag = value((*string)(r.ETag))
			return err
		})
		return etag, err
	}
	if len(w.rest) > 0 {
		if err := w.stage(); err != nil {
			return "", err
		}
	}
	err = w.retry(func() error {
		r, err := w.client.CommitBlockList(w.ctx, w.blocks, &blockblob.CommitBlockListOptions{HTTPHeaders: headers, Metadata: metadata, AccessConditions: access})
		etag = value((*string)(r.ETag))
		return err
	})
	return etag, err
}

func (w *blockWriter) sha256() string { return hex.EncodeToString(w.sum.Sum(nil)) }

// access converts a condition to the SDK's.
func access(cond blob.Condition) *azblob.AccessConditions {
	etag := (*azcore.ETag)(&cond)
	switch cond {
	case "":
		return nil
	case blob.Absent:
		return &azblob.AccessConditions{ModifiedAccessConditions: &azblob.ModifiedAccessConditions{IfNoneMatch: etag}}
	default:
		return &azblob.AccessConditions{ModifiedAccessConditions: &azblob.ModifiedAccessConditions{IfMatch: etag}}
	}
}

func body(content []byte) io.ReadSeekCloser { return streaming.NopCloser(bytes.NewReader(content)) }
