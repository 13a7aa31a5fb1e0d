package devhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// reply is what a handler said in an envelope.
type reply struct {
	outputs members
	logs    []string
	value   any // ReturnValue
}

// errHang marks replies at which the real host waits until functionTimeout.
// devhost fails the invocation at once.
var errHang = errors.New("the host would wait until functionTimeout and then kill the handler")

// statusError is a reply whose status says that the invocation failed.
type statusError struct {
	status int
	reason string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("Response status code does not indicate success: %d (%s).", e.status, e.reason)
}

// judge reads the reply to an envelope as the host does.
func judge(r *response) (*reply, error) {
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
	if strings.TrimSpace(string(r.body)) == "" || leadsWithNull(r.body) {
		return nil, fmt.Errorf("the handler answered %d with %.20q: %w", r.status, r.body, errHang)
	}
	v, err := decodeFirst(r.body)
	if err != nil {
		return nil, fmt.Errorf("invalid HttpResponseMessage: status %d, body %.200q is not JSON: %w", r.status, r.body, err)
	}
	obj, ok := v.(members)
	if !ok {
		return nil, fmt.Errorf("invalid HttpResponseMessage: status %d, body %.200q is not a JSON object", r.status, r.body)
	}
	return readReply(obj)
}

// replyRemedy is the cure for a 2xx reply that the host can't take.
const replyRemedy = `answer 200 with Content-Type application/json and a JSON object, {} at least`

func leadsWithNull(body []byte) bool {
	v, err := decodeFirst(body)
	return err == nil && v == nil
}

func jsonType(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || t == "text/json")
}

func readReply(obj members) (*reply, error) {
	var r reply
	if v, ok := obj.getFold("outputs"); ok && v != nil {
		if r.outputs, ok = v.(members); !ok {
			return nil, fmt.Errorf("invalid HttpResponseMessage: Outputs is not an object: %.200s", compact(v))
		}
	}
	if v, ok := obj.getFold("logs"); ok && v != nil {
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("invalid HttpResponseMessage: Logs is not an array: %.200s", compact(v))
		}
		for _, e := range list {
			line, err := logLine(e)
			if err != nil {
				return nil, err
			}
			r.logs = append(r.logs, line)
		}
	}
	r.value, _ = obj.getFold("returnvalue")
	return &r, nil
}

// logLine is an element of Logs as the host writes it.
func logLine(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "[null]", nil
	case bool:
		return compact(v), nil
	case string:
		return v, nil
	case json.Number:
		return number(v), nil
	}
	return "", fmt.Errorf("invalid HttpResponseMessage: an element of Logs is neither text nor number: %.200s", compact(v))
}

// redirect reports where a reply sends the host, which follows as .NET does.
func redirect(r *response) (location string, keepMethod, ok bool) {
	switch r.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusMultipleChoices:
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		keepMethod = true
	default:
		return "", false, false
	}
	location = r.header.Get("Location")
	return location, keepMethod, location != ""
}
