// Package blob says what the application asks of blob storage: containers of
// named bytes, written whole and guarded by ETags. The package azure has it
// from Azure Blob Storage; [Memory] is the one for tests.
package blob

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// The containers of the application.
const (
	Models     = "models"
	Preds      = "preds"
	DeadLetter = "deadletter"
	Spill      = "spill"
	Logs       = "logs"
	Config     = "config" // what people put there and the application only reads
)

var (
	// ErrNotFound says that there is no such blob or container.
	ErrNotFound = errors.New("blob not found")
	// ErrChanged says that the condition of a write or read did not hold, because another
	// writer came first (Azure's 412, or 409 BlobAlreadyExists).
	ErrChanged = errors.New("blob changed meanwhile")
	// ErrForbidden says that this identity may not do that.
	ErrForbidden = errors.New("not permitted")
)

// Info describes a blob.
type Info struct {
	Name string
	ETag string
	Size int64
	// Modified is when it was written last, in whole seconds and UTC; in listings and of
	// [Store.Stat].
	Modified time.Time
	// SHA256 is that of the content, in lower-case hex, kept as metadata by
	// [Store.Write]; empty for blobs that others wrote, and in listings.
	SHA256 string
}

// Condition guards a write: "" writes always, [Absent] only where no blob is,
// any other value only over the blob with that ETag.
type Condition string

// Absent is the condition that there is no blob of that name yet.
const Absent Condition = "*"

// Store is blob storage. Its methods may be called concurrently. Their errors
// name the container and blob, and wrap the package's sentinels where these
// say it, else fleet.ErrUnavailable or the context's error.
type Store interface {
	// Stat returns what is known of a blob without its content.
	Stat(ctx context.Context, container, name string) (Info, error)
	// Read returns a blob's content of at most limit bytes; a larger one is an
	// error that wraps fleet.ErrInvalid. If etag is not empty, it reads that version
	// alone: the error wraps ErrChanged if the blob is another by now, and that or
	// ErrNotFound if there is none.
	Read(ctx context.Context, container, name, etag string, limit int64) ([]byte, Info, error)
	// Write replaces a blob by what fill writes, in one atomic step after fill
	// has returned nil, where cond still holds then. Content of any size is
	// streamed. If fill fails, nothing is written and its error is returned.
	Write(ctx context.Context, container, name string, cond Condition, contentType string, fill func(io.Writer) error) (Info, error)
	// List yields the blobs whose name begins with prefix, in bytewise order.
	List(ctx context.Context, container, prefix string) iter.Seq2[Info, error]
	// Delete removes a blob. That there is none is no error.
	Delete(ctx context.Context, container, name string) error
}
