package fleet

import "time"

// Ingested is what became of the events of a minute, or of a longer time that
// begins at Minute. Each reading that was sent is stored, a duplicate, a
// conflict, missing or rejected.
type Ingested struct {
	Minute    time.Time
	Events    int
	Stored    int
	Duplicate int           // equal copies of stored readings
	Conflict  int           // copies with another value than is stored
	Missing   int           // values that say that there is none
	Rejected  int           // what was no reading, or could not be stored
	Lag       time.Duration // the longest between arrival in the hub and in SQL
	// Refusals are the conflicts and what was rejected, by reason.
	Refusals []Refusal
}

// Refusal counts what was refused for one reason.
type Refusal struct {
	Reason  string // without what differs from one to the next; at most 200 bytes
	Count   int
	Example string // the whole reason of one of them
	Place   string // the blob of its dead letter
}

// Add adds what became of other events.
func (i *Ingested) Add(o Ingested) {
	i.Events += o.Events
	i.Stored += o.Stored
	i.Duplicate += o.Duplicate
	i.Conflict += o.Conflict
	i.Missing += o.Missing
	i.Rejected += o.Rejected
	i.Lag = max(i.Lag, o.Lag)
	for _, r := range o.Refusals {
		i.refuse(r)
	}
}

// MaxRefusals bounds the reasons that are told apart in a minute; what comes on top
// of them is counted under [OtherReasons].
const (
	MaxRefusals  = 20
	OtherReasons = "other reasons"
)

func (i *Ingested) refuse(r Refusal) {
	for at := range i.Refusals {
		if i.Refusals[at].Reason == r.Reason {
			i.Refusals[at].Count += r.Count
			return
		}
	}
	if len(i.Refusals) >= MaxRefusals && r.Reason != OtherReasons {
		r.Reason = OtherReasons
		i.refuse(r)
		return
	}
	i.Refusals = append(i.Refusals, r)
}
