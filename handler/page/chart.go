package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// A chart is an SVG of 1000 by chartHeight units that the page stretches to its width.
// Text and dots must not be stretched: their positions are percentages of the width.
const (
	fieldWidth  = 1000
	chartHeight = 110
)

// axis is a span of time along the page.
type axis struct {
	Begin, End time.Time
	Ticks      []tick
}

// tick is a mark on an axis: at a percent of the width, or a height in pixels.
type tick struct {
	At   float64
	Text string
	Time string // the moment, along time
	Day  bool   // it names a day, not an hour
}

func newAxis(from, to time.Time) axis {
	a := axis{Begin: from, End: to}
	a.Ticks = a.ticks()
	return a
}

// share is the position of a time on the axis, from 0 to 1.
func (a axis) share(t time.Time) float64 {
	return min(max(t.Sub(a.Begin).Seconds()/a.End.Sub(a.Begin).Seconds(), 0), 1)
}

func (a axis) percent(t time.Time) float64 { return round(a.share(t)*100, 1000) }

func round(v, parts float64) float64 { return math.Round(v*parts) / parts }

var tickSteps = []time.Duration{time.Second, 10 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 4 * 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 60 * 24 * time.Hour}

// ticks returns about eight marks at round times. It leaves out marks near the ends, whose
// text would be cut.
func (a axis) ticks() []tick {
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if a.End.Sub(a.Begin)/s <= 8 {
			step = s
			break
		}
	}
	var all []tick
	for at := a.Begin.Truncate(step); !at.After(a.End); at = at.Add(step) {
		if share := a.share(at); at.Before(a.Begin) || share > .975 || share < .015 {
			continue
		}
		t := tick{At: a.percent(at), Text: at.Format("15:04"), Time: at.Format(time.RFC3339)}
		switch {
		case step >= 24*time.Hour, at.Equal(at.Truncate(24 * time.Hour)):
			t.Text, t.Day = at.Format("2 Jan"), true
		case step < time.Minute:
			t.Text = at.Format("15:04:05")
		}
		all = append(all, t)
	}
	return all
}

// plot is one chart: values over time.
type plot struct {
	Title      string // the text for screen readers
	Line, Band string // SVG paths: the middle of the values, and the area between the least and the greatest
	Y          []tick
	Low, High  float64 // the ends of the axis of values
	Threshold  *tick
	Lower      *tick // the limit below, of residuals
	Dots       []dot
	Bars       []bar
	Shades     []gap
	Empty      string // the text if there are no values
	Points     []runs.Point
	Values     int
}

// dot is a marked row.
type dot struct {
	X, Y float64
	Text string
}

// bar is a job under a chart.
type bar struct {
	X, W        float64
	Class, Text string
	Failed      bool
	Run         string
}

// gap is a period without values.
type gap struct {
	X, W float64
	Text string
}

// newPlot draws a series. The axis includes the threshold, if there is one that is not too
// far from the values.
func newPlot(title string, s *runs.Series, a axis, threshold *float64) plot {
	p := plot{Title: title}
	if s == nil || len(s.Points) == 0 {
		return p
	}
	p.Points, p.Values = s.Points, s.Values
	low, high := s.Points[0].Min, s.Points[0].Max
	for _, q := range s.Points {
		low, high = min(low, q.Min), max(high, q.Max)
	}
	if threshold != nil && *threshold > low-4*(high-low) && *threshold < high+4*(high-low) {
		low, high = min(low, *threshold), max(high, *threshold)
	}
	marks := p.scale(low, high)
	for _, v := range marks {
		p.Y = append(p.Y, tick{At: p.y(v), Text: number(v)})
	}
	if threshold != nil && *threshold >= p.Low && *threshold <= p.High {
		p.Threshold = &tick{At: p.y(*threshold), Text: number(*threshold)}
	}
	p.draw(a)
	return p
}

// newResidualPlot draws residuals with the limits on both sides, if there is one, and marks the
// greatest of each piece of time with anomalies.
func newResidualPlot(title string, s *runs.Series, a axis, limit *float64, found []runs.AnomalousPiece) plot {
	largest := func(q runs.Point) float64 {
		if -q.Min > q.Max {
			return q.Min
		}
		return q.Max
	}
	var wide runs.Series // the axis has zero in the middle
	most := 0.0
	for _, q := range s.Points {
		most = max(most, math.Abs(largest(q)))
	}
	if limit != nil && *limit < 4*most {
		most = max(most, *limit)
	}
	wide.Points = append(wide.Points, runs.Point{At: s.Points[0].At, Min: -most, Max: most})
	p := newPlot(title, &wide, a, limit)
	p.Points, p.Values = s.Points, s.Values
	p.draw(a)
	if p.Threshold != nil {
		p.Lower = &tick{At: p.y(-*limit), Text: number(-*limit)}
	}
	p.mark(found, a, func(n runs.AnomalousPiece) *float64 {
		i := slices.IndexFunc(s.Points, func(q runs.Point) bool { return q.At.Equal(n.At) })
		if i < 0 {
			return nil
		}
		v := largest(s.Points[i])
		return &v
	})
	return p
}

// y is the height of a value, in pixels from the top.
func (p *plot) y(v float64) float64 {
	// Halves, so that the difference of two large numbers does not overflow.
	share := (v/2 - p.Low/2) / (p.High/2 - p.Low/2)
	return round(min(max(1-share, 0), 1)*chartHeight, 10)
}

// draw makes the paths. The line is interrupted where points are missing.
func (p *plot) draw(a axis) {
	x := func(t time.Time) float64 { return round(a.share(t)*fieldWidth, 10) }
	// The usual distance between points is the smallest one.
	apart := a.End.Sub(a.Begin)
	for i := range p.Points[1:] {
		apart = min(apart, p.Points[i+1].At.Sub(p.Points[i].At))
	}
	var line, band strings.Builder
	for at := 0; at < len(p.Points); {
		end := at + 1
		for end < len(p.Points) && p.Points[end].At.Sub(p.Points[end-1].At) <= max(8*apart, a.End.Sub(a.Begin)/100) {
			end++
		}
		var back strings.Builder
		for i, q := range p.Points[at:end] {
			command := 'L'
			if i == 0 {
				command = 'M'
			}
			middle := q.Min/2 + q.Max/2
			fmt.Fprintf(&line, "%c%g %g", command, x(q.At), p.y(middle))
			fmt.Fprintf(&band, "%c%g %g", command, x(q.At), p.y(q.Max))
		}
		if end == at+1 { // one point alone: as wide as it can be seen
			fmt.Fprintf(&line, "h1")
		}
		for i := end - 1; i >= at; i-- {
			fmt.Fprintf(&back, "L%g %g", x(p.Points[i].At), p.y(p.Points[i].Min))
		}
		band.WriteString(back.String() + "Z")
		at = end
	}
	p.Line, p.Band = line.String(), band.String()
}

// scale widens a range of values to round ones, and returns some marks in it.
func (p *plot) scale(low, high float64) []float64 {
	if high/2-low/2 < 1e-9*max(math.Abs(low), math.Abs(high), 1e-9) {
		pad := max(math.Abs(low)*.01, 1e-9)
		low, high = low-pad, high+pad
	}
	step := math.Pow(10, math.Floor(math.Log10((high/2-low/2)/1.5)))
	for _, f := range []float64{1, 2, 5, 10} {
		if (high/2-low/2)/(step*f) <= 2 {
			step *= f
			break
		}
	}
	first, last := math.Floor(low/step), math.Ceil(high/step)
	var marks []float64
	for i := first; i <= last && len(marks) < 8; i++ {
		if v := i * step; !math.IsInf(v, 0) {
			marks = append(marks, v)
		}
	}
	p.Low, p.High = marks[0], marks[len(marks)-1]
	return marks
}

// mark adds a dot for each piece of time with anomalies, at the value or score of one
// anomaly in it.
func (p *plot) mark(found []runs.AnomalousPiece, a axis, of func(runs.AnomalousPiece) *float64) {
	if p.Line == "" {
		return
	}
	for _, n := range found[max(0, len(found)-mostDots):] {
		v := of(n)
		if v == nil {
			continue
		}
		what := "an anomaly"
		if n.Anomalies > 1 {
			what = count(n.Anomalies) + " anomalies"
		}
		p.Dots = append(p.Dots, dot{a.percent(n.At), p.y(*v), fmt.Sprintf("%s UTC: %s, %s", moment(n.At), what, number(*v))})
	}
}

// mostDots is the largest number of anomalies that a chart marks. They are the newest.
const mostDots = 300

func valueOf(n runs.AnomalousPiece) *float64 { return n.Value }

// scoreOf returns a function that returns the score of a piece that is furthest beyond the
// threshold.
func scoreOf(threshold *float64) func(runs.AnomalousPiece) *float64 {
	return func(n runs.AnomalousPiece) *float64 {
		if threshold != nil && n.MinScore != nil && *n.MinScore > *threshold {
			return n.MaxScore
		}
		return n.MinScore
	}
}

// bars are the jobs of one subject under its chart.
func bars(name string, jobs []runs.Job, a axis) (all []bar) {
	for _, j := range jobs {
		w, err := fleet.ParseRunID(j.Run)
		if err != nil || j.Name() != name {
			continue // does not happen: the ids in the ledger are valid
		}
		cell := runs.Cell{Jobs: 1, Rows: j.Rows, Anomalies: j.Anomalies}
		text := fmt.Sprintf("%s: %s", moment(w.From), strings.ReplaceAll(string(j.State), "_", " "))
		switch j.State {
		case fleet.Queued:
			cell.Queued = 1
		case fleet.Scored:
			text = cellText(w.From, cell)
		case fleet.BadModel, fleet.BadData, fleet.Failed:
			cell.Failed = 1
			text += ": " + j.Error
		}
		from := a.percent(w.From)
		all = append(all, bar{from, max(round(a.percent(w.To)-from, 1000), .1), cellClass(cell), text, cell.Failed > 0, j.Run})
	}
	return all
}

// number formats a measured value with enough digits for an axis or a table.
func number(v float64) string {
	if v != 0 && (math.Abs(v) >= 1e6 || math.Abs(v) < 1e-3) {
		return strconv.FormatFloat(v, 'e', 3, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
