package devhost

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// The forms of .NET's times: with an offset, up to seven digits and none if the
// fraction is zero; likewise without; and in whole seconds.
const (
	offsetTime   = "2006-01-02T15:04:05.9999999-07:00"
	zoneless     = "2006-01-02T15:04:05.9999999"
	wholeSeconds = "2006-01-02T15:04:05-07:00"
)

// call is one run of a function: what its trigger made for the handler.
type call struct {
	fn     *function
	reason string         // for the log, as the host words it
	detail string         // "Trigger Details", if any
	data   any            // the trigger's Data
	meta   map[string]any // Metadata
	http   *httpCall      // of an HTTP function, whose request is forwarded
}

// envelope returns the body for the handler. retry is nil without a policy. What
// the real host lifts from a JSON message into Metadata is left out: the
// application reads none of it.
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

// quoted is s as JSON text. The host sends .NET's strings so, in a JSON string.
func quoted(s string) string { return jsonText(s) }

// jsonText is v as JSON text.
func jsonText(v any) string {
	b, _ := json.Marshal(v) // of strings, numbers and JSON that was read
	return string(b)
}
