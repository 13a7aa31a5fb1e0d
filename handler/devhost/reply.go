package devhost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
)

// reply is the handler's reply to an envelope. Outputs and ReturnValue are for output
// bindings; the application has none but http.
type reply struct {
	Logs []*string // nil for a null
}

// errHang is the error of replies after which the real host waits until functionTimeout. In
// devhost the invocation fails at once.
var errHang = errors.New("the host would wait until functionTimeout and then kill the handler")

// statusError is a reply whose status says that the invocation failed.
type statusError struct {
	status int
	reason string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("Response status code does not indicate success: %d (%s).", e.status, e.reason)
}

// readReply reads the reply to an envelope as the host does.
func readReply(r *response) (*reply, error) {
	if r.status < 200 || r.status > 299 {
		return nil, &statusError{r.status, r.reason}
	}
	contentType := r.header.Get("Content-Type")
	if len(r.body) == 0 && (contentType == "" || jsonType(contentType)) {
		return nil, fmt.Errorf("the handler answered %d with an empty body: %w", r.status, errHang)
	}
	if !jsonType(contentType) {
		return nil, fmt.Errorf("invalid HttpResponseMessage: status %d, Content-Type %q is not application/json, body %.200q", r.status, contentType, r.body)
	}
	if len(bytes.TrimSpace(r.body)) == 0 || string(bytes.TrimSpace(r.body)) == "null" {
		return nil, fmt.Errorf("the handler answered %d with %.20q: %w", r.status, r.body, errHang)
	}
	var is struct {
		reply
		Outputs map[string]any
	}
	if err := json.NewDecoder(bytes.NewReader(r.body)).Decode(&is); err != nil { // text after the object is ignored
		return nil, fmt.Errorf("invalid HttpResponseMessage: status %d, body %.200q is not a JSON object with Outputs and Logs: %w", r.status, r.body, err)
	}
	return &is.reply, nil
}

// replyRemedy says how to mend a 2xx reply that the host cannot accept.
const replyRemedy = `answer 200 with Content-Type application/json and a JSON object, {} at least`

func jsonType(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || t == "text/json")
}
