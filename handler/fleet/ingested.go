package fleet

import "time"

// Ingested counts the events of a minute, or of a longer time that begins at Minute,
// and their readings. Each reading counts as one of Stored, Duplicate, Conflict,
// Missing or Rejected.
type Ingested struct {
	Minute    time.Time
	Events    int
	Stored    int
	Duplicate int           // equal copies of stored readings
	Conflict  int           // copies with another value than is stored
	Missing   int           // values that stand for a missing value, such as null
	Rejected  int           // invalid readings, and those that could not be stored
	Lag       time.Duration // the longest time from arrival in the hub to SQL
	// Refusals are the conflicts and rejections, by reason.
	Refusals []Refusal
}

// Refusal counts what was refused for one reason.
type Refusal struct {
	Reason  string // the reason without numbers and names; at most 200 bytes
	Count   int
	Example string // the whole reason of one refusal
	Place   string // the blob with the dead letter of that refusal
}

// Add adds the counts of other events.
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

// MaxRefusals is the largest number of reasons that are counted separately in a
// minute. Others are counted under [OtherReasons].
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
