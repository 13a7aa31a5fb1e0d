package page

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// deviceView is a device with its charts, one a sensor, on one axis of time.
type deviceView struct {
	runs.Device
	Charts []chart
	Ticks  []tick
	Ranges []span
	Width  int
}

// span is a span of time to choose.
type span struct {
	Text, From, To string
	Chosen         bool
}

// chart is what one sensor measured, and what became of its jobs beneath; of a
// device model there are only the jobs.
type chart struct {
	runs.Series
	Name        string
	DeviceModel bool
	Line, Band  string // of the least and greatest values, as paths of SVG
	Y           []tick
	Bars        []bar
	Anomalies   int
	Rows        int
}

// bar is a job under the chart.
type bar struct {
	X, W        float64
	Class, Text string
	Run         string
}

const (
	chartWidth  = 960
	chartHeight = 120
)

func newDeviceView(d runs.Device) deviceView {
	v := deviceView{Device: d, Width: chartWidth, Ticks: timeTicks(d.From, d.To, chartWidth)}
	x := func(t time.Time) float64 {
		share := t.Sub(d.From).Seconds() / d.To.Sub(d.From).Seconds()
		return math.Round(min(max(share, 0), 1)*chartWidth*100) / 100
	}
	for _, s := range d.Sensors {
		c := chart{Name: s.Sensor, Series: s}
		c.draw(x)
		v.Charts = append(v.Charts, c)
	}
	// Device models come last, in the order of their names; they have no readings of their own.
	models := map[string]bool{}
	for _, j := range d.Jobs {
		if j.DeviceModel != "" {
			models[j.DeviceModel] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(models)) {
		v.Charts = append(v.Charts, chart{Name: name, DeviceModel: true})
	}
	for i := range v.Charts {
		for _, j := range d.Jobs {
			if j.Name() == v.Charts[i].Name {
				v.Charts[i].addJob(j, x)
			}
		}
	}
	for _, r := range []struct {
		text   string
		length time.Duration
	}{{"1 hour", time.Hour}, {"6 hours", 6 * time.Hour}, {"1 day", 24 * time.Hour}, {"1 week", 7 * 24 * time.Hour}, {"1 month", 31 * 24 * time.Hour}} {
		v.Ranges = append(v.Ranges, span{r.text, d.To.Add(-r.length).Format(time.RFC3339), d.To.Format(time.RFC3339), d.To.Sub(d.From) == r.length})
	}
	return v
}

// draw makes the paths of the chart. x gives the place of a time.
func (c *chart) draw(x func(time.Time) float64) {
	if len(c.Points) == 0 {
		return
	}
	low, high := c.Points[0].Min, c.Points[0].Max
	for _, p := range c.Points {
		low, high = min(low, p.Min), max(high, p.Max)
	}
	var ticks []float64
	low, high, ticks = axis(low, high)
	y := func(v float64) float64 {
		share := (v - low) / (high - low)
		return math.Round((1-share)*chartHeight*100) / 100
	}
	for _, v := range ticks {
		c.Y = append(c.Y, tick{y(v), number(v)})
	}
	var line, band, back strings.Builder
	for i, p := range c.Points {
		command := 'L'
		if i == 0 {
			command = 'M'
		}
		fmt.Fprintf(&line, "%c%g %g", command, x(p.At), y((p.Min+p.Max)/2))
		fmt.Fprintf(&band, "%c%g %g", command, x(p.At), y(p.Max))
	}
	for i := len(c.Points) - 1; i >= 0; i-- {
		fmt.Fprintf(&back, "L%g %g", x(c.Points[i].At), y(c.Points[i].Min))
	}
	c.Line, c.Band = line.String(), band.String()+back.String()+"Z"
}

func (c *chart) addJob(j runs.Job, x func(time.Time) float64) {
	w, err := fleet.ParseRunID(j.Run)
	if err != nil {
		return // the ledger has only such ids
	}
	c.Rows += j.Rows
	c.Anomalies += j.Anomalies
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
	from := x(w.From)
	c.Bars = append(c.Bars, bar{from, max(x(w.To)-from, .5), cellClass(cell), text, j.Run})
}

// axis widens a range of values to round ones, and returns some marks in it.
func axis(low, high float64) (float64, float64, []float64) {
	if high-low < 1e-9*max(math.Abs(low), math.Abs(high), 1e-9) {
		pad := max(math.Abs(low)*.01, 1e-9)
		low, high = low-pad, high+pad
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/3)))
	for _, f := range []float64{1, 2, 5, 10} {
		if (high-low)/(step*f) <= 4 {
			step *= f
			break
		}
	}
	first, last := math.Floor(low/step), math.Ceil(high/step)
	var marks []float64
	for i := first; i <= last; i++ {
		marks = append(marks, i*step)
	}
	return first * step, last * step, marks
}
