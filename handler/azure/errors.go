package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// failure converts an error of the SDK to one that wraps an error of package blob, the context's
// error, or [fleet.ErrUnavailable]. What is the operation and its object, such as "read blob
// models/default.pkl".
func failure(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return fmt.Errorf("%s: %w: %w", what, fleet.ErrUnavailable, cause(err))
	}
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: %w", what, blob.ErrNotFound)
	// InvalidBlockList: the commit of another writer has deleted the blocks.
	case answer.StatusCode == http.StatusPreconditionFailed,
		bloberror.HasCode(answer, bloberror.BlobAlreadyExists, bloberror.InvalidBlockList):
		return fmt.Errorf("%s: %w", what, blob.ErrChanged)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%s: %w: %w: storage answers %d %s: give the identity the roles Storage Blob Data Contributor and Storage Queue Data Contributor, or check the key",
			what, fleet.ErrUnavailable, blob.ErrForbidden, answer.StatusCode, answer.ErrorCode)
	default:
		return fmt.Errorf("%s: %w: storage answers %d %s", what, fleet.ErrUnavailable, answer.StatusCode, answer.ErrorCode)
	}
}

// cause returns the first line of an error of the SDK or of net/http, without the address, which may
// have a signature.
func cause(err error) error {
	var address *url.Error
	if errors.As(err, &address) {
		err = address.Err
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(line[:min(len(line), 300)])
}
