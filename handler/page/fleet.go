package page

import (
	"fmt"
	"strconv"
	"time"

	"github.com/fleetscore/fleetscore/handler/runs"
)

// fleetView is the fleet with its cells as they are drawn.
type fleetView struct {
	runs.Lanes
	Rows    []laneView
	Ticks   []tick // along the top
	CellW   int
	Width   int
	Earlier string // the end of the span before
	Later   string
}

type laneView struct {
	runs.Lane
	Cells []cellView
}

// cellView is a cell: Class says how it looks, Text what a pointer over it reads.
type cellView struct {
	X           int
	Class, Text string
	From, To    string
}

// tick is a mark on an axis, at X or Y in the units of the drawing.
type tick struct {
	At   float64
	Text string
}

const (
	laneWidth  = 960
	laneHeight = 18
)

func newFleetView(l runs.Lanes) fleetView {
	v := fleetView{Lanes: l, CellW: max(1, laneWidth/max(1, len(l.Columns)))}
	v.Width = v.CellW * len(l.Columns)
	length := l.To.Sub(l.From)
	v.Earlier, v.Later = l.From.Format(time.RFC3339), l.To.Add(length).Format(time.RFC3339)
	end := func(i int) time.Time {
		if i+1 < len(l.Columns) {
			return l.Columns[i+1]
		}
		return l.To
	}
	for _, lane := range l.Lanes {
		row := laneView{Lane: lane}
		for i, c := range lane.Cells {
			if c.Jobs > 0 {
				row.Cells = append(row.Cells, cellView{X: i * v.CellW, Class: cellClass(c), Text: cellText(l.Columns[i], c),
					From: l.Columns[i].Format(time.RFC3339), To: end(i).Format(time.RFC3339)})
			}
		}
		v.Rows = append(v.Rows, row)
	}
	v.Ticks = timeTicks(l.From, l.To, float64(v.Width))
	return v
}

// cellClass names the look of a cell: its colour by the share of anomalies, hatched
// where a job failed, grey without data.
func cellClass(c runs.Cell) string {
	class := "quiet"
	if c.Rows > 0 {
		class = "a" + strconv.Itoa(shade(c.Share()))
	}
	switch {
	case c.Failed > 0:
		return class + " failed"
	case c.Queued > 0:
		return class + " queued"
	}
	return class
}

// shade is 0 without anomalies and then 1 to 5, for shares up to 1, 3, 10, 30 and
// 100 in a hundred.
func shade(share float64) int {
	if share == 0 {
		return 0
	}
	for i, most := range []float64{.01, .03, .1, .3} {
		if share <= most {
			return i + 1
		}
	}
	return 5
}

func cellText(at time.Time, c runs.Cell) string {
	text := fmt.Sprintf("%s: %s of %s rows are anomalies (%s)", moment(at), count(c.Anomalies), count(c.Rows), percent(c.Share()))
	if c.Failed > 0 {
		text += fmt.Sprintf("; %d of %d jobs failed", c.Failed, c.Jobs)
	}
	if c.Queued > 0 {
		text += fmt.Sprintf("; %d of %d jobs are waiting", c.Queued, c.Jobs)
	}
	return text
}

// timeTicks are marks at round times: some eight of them.
func timeTicks(from, to time.Time, width float64) []tick {
	steps := []time.Duration{time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		24 * time.Hour, 2 * 24 * time.Hour, 4 * 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}
	step := steps[len(steps)-1]
	for _, s := range steps {
		if to.Sub(from)/s <= 9 {
			step = s
			break
		}
	}
	layout := "15:04"
	if step >= 24*time.Hour {
		layout = "2 Jan"
	}
	var ticks []tick
	for at := from.Truncate(step); at.Before(to); at = at.Add(step) {
		if at.Before(from) {
			continue
		}
		text := at.Format(layout)
		if layout == "15:04" && text == "00:00" {
			text = at.Format("2 Jan")
		}
		ticks = append(ticks, tick{at.Sub(from).Seconds() / to.Sub(from).Seconds() * width, text})
	}
	return ticks
}
