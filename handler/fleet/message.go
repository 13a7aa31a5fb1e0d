package fleet

import (
	"encoding/json"
	"fmt"
	"strings"
)

// MaxJobsPerMessage is the most jobs that one queue message carries.
const MaxJobsPerMessage = 256

// Message is a queue message. It names jobs of a run that may have to be scored. The
// ledger has their state.
//
// The top level of its JSON has no key of the queue metadata of the Functions host,
// because the host would overwrite it.
type Message struct {
	V    int      `json:"v"` // 1
	Run  string   `json:"run"`
	Jobs []JobKey `json:"jobs"`

	// The trace that the message belongs to, as in W3C Trace Context. It is only for
	// telemetry.
	Traceparent string `json:"traceparent,omitempty"`
	Tracestate  string `json:"tracestate,omitempty"`
}

// NewMessage returns the message for jobs of run.
func NewMessage(run string, jobs []JobKey) Message { return Message{V: 1, Run: run, Jobs: jobs} }

// Encode returns the JSON text of m. A queue takes messages in XML. So Encode escapes
// U+FFFE and U+FFFF, which names may have and XML may not.
func (m Message) Encode() (string, error) {
	b, err := json.Marshal(m)
	return notXML.Replace(string(b)), err
}

var notXML = strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`)

// ParseMessage parses and validates the text of a message. Unknown members are
// ignored. The error wraps [ErrInvalid].
func ParseMessage(text string) (Message, error) {
	var m Message
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return Message{}, fmt.Errorf("%w: queue message is not the JSON of a job list: %v", ErrInvalid, err)
	}
	if m.V != 1 {
		return Message{}, fmt.Errorf("%w: queue message has version %d; this program reads 1", ErrInvalid, m.V)
	}
	if _, err := ParseRunID(m.Run); err != nil {
		return Message{}, fmt.Errorf("queue message: %w", err)
	}
	if n := len(m.Jobs); n == 0 || n > MaxJobsPerMessage {
		return Message{}, fmt.Errorf("%w: queue message carries %d jobs; 1 to %d are allowed", ErrInvalid, n, MaxJobsPerMessage)
	}
	seen := make(map[ID]bool, len(m.Jobs))
	for i, j := range m.Jobs {
		if err := j.Validate(); err != nil {
			return Message{}, fmt.Errorf("queue message, job %d: %w", i, err)
		}
		if j.Revision < 0 {
			return Message{}, fmt.Errorf("%w: queue message, job %d: revision %d is negative", ErrInvalid, i, j.Revision)
		}
		if seen[j.ID] {
			return Message{}, fmt.Errorf("%w: queue message names %s twice", ErrInvalid, j.ID)
		}
		seen[j.ID] = true
	}
	return m, nil
}
