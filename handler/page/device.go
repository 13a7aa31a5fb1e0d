package page

import (
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// deviceView is a device with its charts on one axis of time.
type deviceView struct {
	runs.Device
	axis
	Tracks  []trackView
	Changes changes
	Spans   []span
}

// span is a span of time that the reader can choose.
type span struct {
	Text, From, To string
	Chosen         bool
}

// trackView is a sensor with its readings, scores and jobs, or a device model, which has no
// readings.
type trackView struct {
	runs.Track
	Readings plot
	Score    *plot
	Residual *plot
	Found    []runs.AnomalousPiece
	Bars     []bar
	Trouble  *trouble
}

// trouble is the newest job of a subject, if it was not scored. Since is the beginning of
// the first window since which no job was scored.
type trouble struct {
	Job   runs.Job
	Since time.Time
}

// newTrouble returns the trouble of a subject, or nil if its newest job was scored. The
// newest of jobs comes first. Jobs that wait are ignored.
func newTrouble(name string, jobs []runs.Job) *trouble {
	var t *trouble
	for _, j := range jobs {
		w, err := fleet.ParseRunID(j.Run)
		if err != nil || j.Name() != name || j.State == fleet.Queued {
			continue
		}
		if j.State == fleet.Scored {
			break
		}
		if t == nil {
			t = &trouble{Job: j}
		}
		t.Since = w.From
	}
	return t
}

// troubled is the data of the template for a trouble.
type troubled struct {
	Frame frame
	Of    *trouble
}

// Troubled returns the data of the template for a trouble.
func (f frame) Troubled(t *trouble) troubled { return troubled{f, t} }

// changes are the marks on an axis.
type changes struct {
	Marks []markView
}

type markView struct {
	runs.Mark
	X float64
}

const mostMarks = 200

func newChanges(all []runs.Mark, a axis) changes {
	var c changes
	for _, m := range all[max(0, len(all)-mostMarks):] {
		c.Marks = append(c.Marks, markView{m, a.percent(m.At)})
	}
	return c
}

func newDeviceView(d runs.Device) deviceView {
	a := newAxis(d.From, d.To)
	v := deviceView{Device: d, axis: a, Changes: newChanges(d.Marks, a), Spans: spansOf(d.From, d.To)}
	for _, t := range d.Sensors {
		c := trackView{Track: t}
		for _, n := range d.Anomalies {
			if n.ID.Name() == t.Name {
				c.Found = append(c.Found, n)
			}
		}
		if !t.DeviceModel {
			c.Readings = newPlot("Readings of "+t.Name, t.Readings, a, nil)
			c.Readings.mark(c.Found, a, valueOf)
			if c.Readings.Line == "" {
				c.Readings.Empty = "no readings"
			}
		}
		if t.Score != nil {
			p := newPlot("Score of "+t.Name, t.Score, a, t.Threshold)
			p.mark(c.Found, a, scoreOf(t.Threshold))
			c.Score = &p
		}
		if t.Residual != nil {
			p := newResidualPlot("Residual of "+t.Name, t.Residual, a, t.Limit, c.Found)
			c.Residual = &p
		}
		c.Trouble = newTrouble(t.Name, d.Jobs)
		c.Bars = bars(t.Name, d.Jobs, a)
		v.Tracks = append(v.Tracks, c)
	}
	return v
}

// spansOf returns the spans that the reader can choose instead of the present one: longer
// and shorter ones with the same end, and the ones before and after it.
func spansOf(from, to time.Time) []span {
	length := to.Sub(from)
	text := func(t time.Time) string { return t.Format(time.RFC3339) }
	all := []span{{"← earlier", text(from.Add(-length)), text(from), false}}
	for _, r := range []struct {
		text   string
		length time.Duration
	}{{"1 hour", time.Hour}, {"6 hours", 6 * time.Hour}, {"1 day", 24 * time.Hour}, {"1 week", 7 * 24 * time.Hour}, {"1 month", 31 * 24 * time.Hour}} {
		all = append(all, span{r.text, text(to.Add(-r.length)), text(to), length == r.length})
	}
	return append(all, span{"later →", text(to), text(to.Add(length)), false})
}
