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
	axis
	Rows    []laneView
	Earlier string // the end of the span before
	Later   string
}

type laneView struct {
	runs.Lane
	Cells []cellView
}

// cellView is a cell. Class is its CSS class, Text the text under the pointer.
type cellView struct {
	X, W        float64
	Class, Text string
	Failed      bool
	From, To    string
}

func newFleetView(l runs.Lanes) fleetView {
	v := fleetView{Lanes: l, axis: newAxis(l.From, l.To)}
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
				x := v.percent(l.Columns[i])
				row.Cells = append(row.Cells, cellView{X: x, W: round(v.percent(end(i))-x, 1000), Class: cellClass(c), Text: cellText(l.Columns[i], c), Failed: c.Failed > 0,
					From: l.Columns[i].Format(time.RFC3339), To: end(i).Format(time.RFC3339)})
			}
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

// cellClass returns the CSS class of a cell. Its colour shows the share of anomalies. It is
// hatched if a job failed, and grey without data.
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
	text := moment(at) + " UTC: no rows"
	if c.Rows > 0 {
		text = fmt.Sprintf("%s UTC: %s of %s rows are anomalies (%s)", moment(at), count(c.Anomalies), count(c.Rows), percent(c.Share()))
	}
	if c.Failed > 0 {
		text += fmt.Sprintf("; %d of %d jobs failed", c.Failed, c.Jobs)
	}
	if c.Queued > 0 {
		text += fmt.Sprintf("; %d of %d jobs are waiting", c.Queued, c.Jobs)
	}
	return text
}
