package azure

import (
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/fleetscore/fleetscore/handler/telemetry"
)

// tracer records each attempt at a request as a span, whose parent is the span in its context. The
// span has the method, path and status. It does not have the query, which may be a signature. The
// SDK records no spans for blobs and queues.
type tracer struct{}

// Do implements [policy.Policy].
func (tracer) Do(req *policy.Request) (response *http.Response, err error) {
	raw := req.Raw()
	if !telemetry.Recording(raw.Context()) {
		return req.Next()
	}
	ctx, span := telemetry.Start(raw.Context(), "HTTP "+raw.Method, telemetry.Client)
	span.Text("http.request.method", raw.Method)
	span.Text("server.address", raw.URL.Hostname())
	span.Text("url.path", raw.URL.Path)
	response, err = req.WithContext(ctx).Next()
	failure := err
	if err == nil {
		span.Number("http.response.status_code", response.StatusCode)
		if response.StatusCode >= http.StatusInternalServerError {
			failure = fmt.Errorf("storage answers %s", response.Status)
		}
	}
	span.End(failure)
	return response, err
}
