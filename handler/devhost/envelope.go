package devhost

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Formats of .NET's times: with an offset and up to seven digits of a fraction; the same without
// an offset; in whole seconds with an offset.
const (
	offsetTime   = "2006-01-02T15:04:05.9999999-07:00"
	zoneless     = "2006-01-02T15:04:05.9999999"
	wholeSeconds = "2006-01-02T15:04:05-07:00"
)

// call is one run of a function, with the data of its trigger.
type call struct {
	fn     *function
	reason string         // for the log, in the host's words
	detail string         // "Trigger Details" in the log; may be empty
	data   any            // the envelope's Data
	meta   map[string]any // the envelope's Metadata
	http   *httpCall      // the request of an HTTP function; nil for other triggers
}

// envelope returns the body of the request to the handler. retry is nil if the function has no
// retry policy. The real host also copies members of a JSON message to Metadata. envelope does
// not, because the application does not read them.
func (c *call) envelope(now time.Time, retry *retryContext) ([]byte, error) {
	meta := map[string]any{"sys": map[string]string{
		"MethodName": c.fn.name, "UtcNow": now.UTC().Format(zoneless + "Z"), "RandGuid": uuid.NewString(),
	}}
	for name, value := range c.meta {
		meta[name] = value
	}
	if retry != nil {
		meta["RetryContext"] = map[string]int{"RetryCount": retry.count, "MaxRetryCount": retry.max}
	}
	return json.Marshal(struct {
		Data, Metadata map[string]any
	}{map[string]any{c.fn.trigger.Name: c.data}, meta})
}

// jsonText returns v as JSON text. The host puts such text into JSON strings.
func jsonText(v any) string {
	b, _ := json.Marshal(v) // of strings, numbers and JSON that was read
	return string(b)
}
