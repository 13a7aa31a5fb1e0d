package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Invocation is what the host sends to have a function run. It refers to the
// bytes it was decoded from.
type Invocation struct {
	Function string // the folder's name
	ID       string // the same for every try that a retry policy makes, new with every delivery from a queue

	data, metadata []member
}

// member is a member of Data or Metadata, its value as it came.
type member struct {
	name string
	raw  []byte
}

// Decode reads the body of an invocation. It delimits the members of Data and
// Metadata and looks into none of them.
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

// collect returns the members of the object of body that d is to read; of null,
// none.
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

// find returns the value of the member name, the last if there are more, nil if
// there is none.
func find(ms []member, name string) []byte {
	for _, m := range slices.Backward(ms) {
		if m.name == name {
			return m.raw
		}
	}
	return nil
}

// value returns the trigger's value, which the binding name carries.
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

// peel returns what is in a JSON string, and any other JSON as it is: the host sends
// most values as JSON text within a string, and some as JSON.
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

// Timer is what the host says of a timer's firing. Status is nil for a timer
// without a monitor, such as one that fires more often than once a minute.
type Timer struct {
	Status  *TimerStatus `json:"ScheduleStatus"`
	PastDue bool         `json:"IsPastDue"` // missed while no host ran
}

// TimerStatus is the monitor's note on a timer. Last is the year 1 if it never
// fired; Next is the occurrence that is firing now.
type TimerStatus struct {
	Last, Next, LastUpdated time.Time
}

// Timer returns what the host says of the firing.
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
