package page

import (
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/runs"
)

// ingestView is the counts of events and readings, with a bar for each part of the span.
type ingestView struct {
	runs.Ingest
	axis
	Bars    []ingestBar
	Most    string // events of the tallest bar
	Part    string // how long a part is
	Lags    plot
	Earlier string
	Later   string
}

// ingestBar is the bar of one part of the span. From bottom to top it has the readings that
// were stored, those that were copies or missing, and those that were refused.
type ingestBar struct {
	X, W               float64
	StoredY, StoredH   float64
	OtherY, OtherH     float64
	RefusedY, RefusedH float64
	Text               string
}

func newIngestView(in runs.Ingest) ingestView {
	a := newAxis(in.From, in.To)
	length := in.To.Sub(in.From)
	v := ingestView{Ingest: in, axis: a, Earlier: in.From.Format(time.RFC3339), Later: in.To.Add(length).Format(time.RFC3339)}
	if len(in.Columns) == 0 {
		return v
	}
	part := length / time.Duration(len(in.Columns))
	v.Part = map[time.Duration]string{time.Minute: "minute", time.Hour: "hour"}[part]
	if v.Part == "" {
		v.Part = part.String()
		switch {
		case part < time.Hour:
			v.Part = fmt.Sprintf("%d minutes", int(part.Minutes()))
		case part < 48*time.Hour:
			v.Part = fmt.Sprintf("%d hours", int(part.Hours()))
		}
	}
	most := 0
	lag := runs.Series{}
	readings := func(c runs.Ingested) int { return c.Stored + c.Duplicate + c.Conflict + c.Missing + c.Rejected }
	for _, c := range in.Columns {
		most = max(most, readings(c))
		if c.Events > 0 {
			lag.Values++
			lag.Points = append(lag.Points, runs.Point{At: c.From, Values: 1, Min: c.LagSeconds, Max: c.LagSeconds})
		}
	}
	v.Most = count(most)
	for _, c := range in.Columns {
		if readings(c) == 0 {
			continue
		}
		x := a.percent(c.From)
		height := func(n int) float64 { return round(float64(n)/float64(most)*chartHeight, 10) }
		b := ingestBar{X: x, W: max(round(a.percent(c.From.Add(part))-x, 1000)*.85, .1),
			StoredH: height(c.Stored), OtherH: height(c.Duplicate + c.Missing), RefusedH: height(c.Conflict + c.Rejected),
			Text: fmt.Sprintf("%s UTC: %s events; %s stored, %s copies, %s missing, %s conflicts, %s rejected; lag %.1f s", moment(c.From), count(c.Events),
				count(c.Stored), count(c.Duplicate), count(c.Missing), count(c.Conflict), count(c.Rejected), c.LagSeconds)}
		b.StoredY = round(chartHeight-b.StoredH, 10)
		b.OtherY = round(b.StoredY-b.OtherH, 10)
		b.RefusedY = round(b.OtherY-b.RefusedH, 10)
		v.Bars = append(v.Bars, b)
	}
	v.Lags = newPlot("The longest lag of each part, in seconds", &lag, a, nil)
	v.Lags.Empty = "no events"
	return v
}
