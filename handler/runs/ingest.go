package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Figures is what became of events.
type Figures interface {
	// Ingested returns what became of the events of each minute in w, and of all of
	// them by up to limit reasons, the most frequent first.
	Ingested(ctx context.Context, w fleet.Window, limit int) ([]fleet.Ingested, []fleet.Refusal, error)
}

// IngestRequest asks what became of events over a span of time.
type IngestRequest struct {
	Range string    `query:"range" json:"-"` // hour, day, week or month; hour if empty
	To    time.Time `query:"to" json:"-"`    // the end of the span; now if zero
}

// Ingest is what became of the events that were taken out of the hub in a span of
// time. The latest may be missing for half a minute, and those of a process that was killed
// since it last told of them are.
type Ingest struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Range string    `json:"range"`
	Sum   Ingested  `json:"sum"`
	// Refusals are the conflicts and what was rejected, by reason, the most frequent
	// first.
	Refusals []Refusal  `json:"refusals"`
	Columns  []Ingested `json:"columns"` // one for each part of the span, also where nothing came
}

// Ingested is what became of the events of a part of a span. Each reading that
// was sent is stored, a duplicate, a conflict, missing or rejected.
type Ingested struct {
	From       time.Time `json:"from"` // where the part begins
	Events     int       `json:"events"`
	Stored     int       `json:"stored"`
	Duplicate  int       `json:"duplicate"`  // equal copies of stored readings
	Conflict   int       `json:"conflict"`   // copies with another value than is stored
	Missing    int       `json:"missing"`    // values that say that there is none
	Rejected   int       `json:"rejected"`   // what was no reading, or could not be stored
	LagSeconds float64   `json:"lagSeconds"` // the longest between arrival in the hub and in SQL
}

// Refusal counts what was refused for one reason.
type Refusal struct {
	Reason     string `json:"reason"` // without what differs from one to the next
	Count      int    `json:"count"`
	Example    string `json:"example"`              // the whole reason of a late one
	DeadLetter string `json:"deadletter,omitempty"` // the blob in the container deadletter that has it
}

// ingestColumn is the width of a column of a span.
var ingestColumn = map[string]time.Duration{"hour": time.Minute, "day": 15 * time.Minute, "week": 3 * time.Hour, "month": 12 * time.Hour}

// maxReasons is how many reasons [API.Ingest] tells of.
const maxReasons = 50

// Ingest returns what became of the events of a span of time.
func (a *API) Ingest(ctx context.Context, req IngestRequest) (Ingest, error) {
	in := Ingest{Range: req.Range, To: req.To.UTC()}
	if in.Range == "" {
		in.Range = "hour"
	}
	column, ok := ingestColumn[in.Range]
	if !ok {
		return Ingest{}, fmt.Errorf("%w: range %.40q: it is hour, day, week or month", fleet.ErrInvalid, in.Range)
	}
	if req.To.IsZero() {
		in.To = a.Now().UTC()
	}
	// Columns begin at whole multiples of their width, so that they stay what they
	// are when the page is asked for again.
	if whole := in.To.Truncate(column); whole != in.To {
		in.To = whole.Add(column)
	}
	in.From = in.To.Add(-spans[in.Range].length)
	w, err := fleet.NewWindow(in.From, in.To)
	if err != nil {
		return Ingest{}, err
	}
	minutes, refusals, err := a.Figures.Ingested(ctx, w, maxReasons)
	if err != nil {
		return Ingest{}, err
	}
	in.Columns = make([]Ingested, int(in.To.Sub(in.From)/column))
	for i := range in.Columns {
		in.Columns[i].From = in.From.Add(time.Duration(i) * column)
	}
	in.Sum.From = in.From
	for _, m := range minutes {
		in.Columns[int(m.Minute.Sub(in.From)/column)].add(m)
		in.Sum.add(m)
	}
	in.Refusals = make([]Refusal, len(refusals))
	for i, r := range refusals {
		in.Refusals[i] = Refusal{r.Reason, r.Count, r.Example, r.Place}
	}
	return in, nil
}

func (i *Ingested) add(m fleet.Ingested) {
	i.Events += m.Events
	i.Stored += m.Stored
	i.Duplicate += m.Duplicate
	i.Conflict += m.Conflict
	i.Missing += m.Missing
	i.Rejected += m.Rejected
	i.LagSeconds = max(i.LagSeconds, m.Lag.Seconds())
}
