package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Figures reads the counts of events and readings.
type Figures interface {
	// Ingested returns the counts of each minute in w, and the refusals in w by reason: up to
	// limit of them, the most frequent first.
	Ingested(ctx context.Context, w fleet.Window, limit int) ([]fleet.Ingested, []fleet.Refusal, error)
}

// IngestRequest asks how many events and readings were ingested in a span of time.
type IngestRequest struct {
	Range string    `query:"range" json:"-" enum:"hour,day,week,month" default:"hour"` // how long the span is
	To    time.Time `query:"to" json:"-" example:"2026-03-02T00:00:00Z"`               // the end of the span; now if it is left out
}

// Ingest counts the events that were taken out of the hub in a span of time, and their readings.
// The events of the last half minute may be missing. If a process is killed, the counts are lost
// that it has not stored yet.
type Ingest struct {
	From  time.Time `json:"from"`                             // the beginning of the span
	To    time.Time `json:"to"`                               // the end of the span
	Range string    `json:"range" enum:"hour,day,week,month"` // how long the span is
	Sum   Ingested  `json:"sum"`                              // the sum over the span
	// Refusals are the conflicts and what was rejected, by reason, the most frequent
	// first; at most 50.
	Refusals []Refusal  `json:"refusals"`
	Columns  []Ingested `json:"columns"` // one for each part of the span, also where nothing came
	Spill    Spill      `json:"spill"`   // the batches that wait now to be stored
}

// Ingested counts the events of a part of a span. Each reading that was sent is stored, a
// duplicate, a conflict, missing or rejected.
type Ingested struct {
	From       time.Time `json:"from"`        // where the part begins
	Events     int       `json:"events"`      // how many events were taken out of the hub
	Stored     int       `json:"stored"`      // how many readings were stored
	Duplicate  int       `json:"duplicate"`   // how many readings were equal copies of stored ones
	Conflict   int       `json:"conflict"`    // how many readings were copies with another value than is stored
	Missing    int       `json:"missing"`     // how many values were stated to be missing, such as null, NaN or a bad quality
	Rejected   int       `json:"rejected"`    // how many elements were no readings, or could not be stored
	LagSeconds float64   `json:"lag_seconds"` // the longest time between arrival in the hub and in SQL, in seconds
}

// Refusal counts the readings that were refused for one reason.
type Refusal struct {
	Reason     string `json:"reason"`               // the reason, with … in place of names and numbers
	Count      int    `json:"count"`                // how many readings were refused for it
	Example    string `json:"example"`              // the whole reason of one of the last readings
	DeadLetter string `json:"deadletter,omitempty"` // the dead letter with that reading: the name of a blob in the container deadletter
}

// Spill counts the batches in the container spill. They could not be stored in SQL in time, and
// the tick stores them later.
type Spill struct {
	Batches int   `json:"batches"` // how many batches of events wait
	Bytes   int64 `json:"bytes"`   // the size of their blobs in bytes
	// Oldest is when the oldest of them was spilled. It is left out if none waits.
	Oldest time.Time `json:"oldest,omitzero"`
	More   bool      `json:"more,omitempty"` // whether more batches wait than were counted, which are 10,000
}

// mostSpilled is how many blobs of the container spill [API.Ingest] counts.
const mostSpilled = 10_000

// spill counts the spilled batches.
func (a *API) spill(ctx context.Context) (s Spill, err error) {
	for info, err := range a.Files.List(ctx, blob.Spill, "") {
		if err != nil {
			return s, err
		}
		if s.Batches == mostSpilled {
			s.More = true
			break
		}
		s.Batches++
		s.Bytes += info.Size
		if s.Oldest.IsZero() || info.Modified.Before(s.Oldest) {
			s.Oldest = info.Modified
		}
	}
	return s, nil
}

// ingestColumn is the width of a column of a span.
var ingestColumn = map[string]time.Duration{"hour": time.Minute, "day": 15 * time.Minute, "week": 3 * time.Hour, "month": 12 * time.Hour}

// maxReasons is how many reasons [API.Ingest] returns.
const maxReasons = 50

// Ingest counts the events of a span of time.
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
	// Columns begin at whole multiples of their width, so that a later request has the same
	// columns.
	if whole := in.To.Truncate(column); whole != in.To {
		in.To = whole.Add(column)
	}
	in.From = in.To.Add(-spans[in.Range].length)
	w, err := fleet.NewWindow(in.From, in.To)
	if err != nil {
		return Ingest{}, err
	}
	if in.Spill, err = a.spill(ctx); err != nil {
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
