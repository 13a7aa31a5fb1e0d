package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Invocation is the host's request to run a function. It refers to the bytes that it was
// decoded from.
type Invocation struct {
	Function string // the name of the function, which is that of its folder
	ID       string // each delivery from a queue has a new one; all tries of a retry policy have the same

	data, metadata []member
}

// member is a member of Data or Metadata, with its value as JSON.
type member struct {
	name string
	raw  []byte
}

// Decode reads the body of an invocation. It finds where the members of Data and Metadata
// begin and end, and does not decode their values.
func Decode(function, id string, body []byte) (*Invocation, error) {
	inv := &Invocation{Function: function, ID: id}
	d := jsontext.NewDecoder(bytes.NewBuffer(body), lenient...)
	err := members(d, func(name string) (err error) {
		switch name {
		case "Data":
			inv.data, err = collect(d, body)
		case "Metadata":
			inv.metadata, err = collect(d, body)
		default:
			err = d.SkipValue()
		}
		return err
	})
	if err == nil {
		err = atEnd(d)
	}
	if err != nil {
		return nil, fmt.Errorf("decode invocation of %s: %w", function, err)
	}
	return inv, nil
}

// collect returns the members of the next object that d reads. It returns none for null.
func collect(d *jsontext.Decoder, body []byte) ([]member, error) {
	if d.PeekKind() == jsontext.KindNull {
		return nil, d.SkipValue()
	}
	var ms []member
	err := members(d, func(name string) error {
		raw, err := value(d, body)
		ms = append(ms, member{name, raw})
		return err
	})
	return ms, err
}

// find returns the value of the member name, or nil if there is none. If there are several,
// it returns the last.
func find(ms []member, name string) []byte {
	for _, m := range slices.Backward(ms) {
		if m.name == name {
			return m.raw
		}
	}
	return nil
}

// value returns the value of the trigger, which is the member with the binding's name.
func (inv *Invocation) value(name string) ([]byte, error) {
	raw := find(inv.data, name)
	if raw == nil {
		return nil, noBinding(inv.Function, name)
	}
	return raw, nil
}

func noBinding(function, binding string) error {
	return fmt.Errorf("invocation of %s has no binding %q: function.json and handler disagree", function, binding)
}

// peel returns the content of a JSON string, and any other JSON unchanged. The host sends
// most values as JSON text in a string, and some as JSON.
func peel(raw []byte) []byte {
	if text, err := unquote(raw); err == nil {
		return text
	}
	return raw
}

// Text returns the text of a queue message, byte for byte as it was put. The
// host quotes it twice. JSON that came unquoted is its own text.
func (inv *Invocation) Text(binding string) (string, error) {
	raw, err := inv.value(binding)
	if err != nil {
		return "", err
	}
	return string(peel(peel(raw))), nil
}

// Timer is the data of a timer trigger. Status is nil for a timer without a monitor, such
// as one that fires more often than once a minute.
type Timer struct {
	Status  *TimerStatus `json:"ScheduleStatus"`
	PastDue bool         `json:"IsPastDue"` // missed while no host ran
}

// TimerStatus is the state that the host keeps of a timer. Last is the year 1 if the timer
// never fired. Next is the time for which it fires now.
type TimerStatus struct {
	Last, Next, LastUpdated time.Time
}

// Timer returns the data of a timer trigger.
func (inv *Invocation) Timer(binding string) (Timer, error) {
	raw, err := inv.value(binding)
	if err != nil {
		return Timer{}, err
	}
	var t Timer
	if err := json.Unmarshal(peel(raw), &t); err != nil {
		return Timer{}, fmt.Errorf("invocation of %s: timer %q: %w", inv.Function, binding, err)
	}
	return t, nil
}
