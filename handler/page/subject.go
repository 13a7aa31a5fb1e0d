package page

import (
	"fmt"
	"math"
	"strings"

	"github.com/fleetscore/fleetscore/handler/runs"
)

// subjectView is a sensor or a device model with its charts.
type subjectView struct {
	runs.Subject
	axis
	Readings     *plot
	Score        *plot
	Residual     *plot
	Features     []featureView
	Bars         []bar
	Changes      changes
	Spans        []span
	Distribution *histogram
	Table        []runs.Point
	Listed       []runs.Job // the newest
	Trouble      *trouble
}

type featureView struct {
	Name string
	plot
}

const mostListed = 100

func newSubjectView(s runs.Subject) subjectView {
	a := newAxis(s.From, s.To)
	v := subjectView{Subject: s, axis: a, Changes: newChanges(s.Marks, a), Spans: spansOf(s.From, s.To), Listed: s.Jobs[:min(len(s.Jobs), mostListed)], Trouble: newTrouble(s.Name, s.Jobs)}
	if s.Readings != nil {
		p := newPlot("Readings of "+s.Name, s.Readings, a, nil)
		p.mark(s.Anomalies, a, valueOf)
		for _, g := range s.Gaps {
			from := a.percent(g.From)
			p.Shades = append(p.Shades, gap{from, max(a.percent(g.To)-from, .1), fmt.Sprintf("no readings from %s to %s", moment(g.From), moment(g.To))})
		}
		if p.Line == "" {
			p.Empty = "no readings"
		}
		v.Readings = &p
	}
	if s.Score != nil {
		var threshold *float64
		if s.Portrait != nil {
			threshold = s.Portrait.Threshold
		}
		p := newPlot("Score of "+s.Name, s.Score, a, threshold)
		p.mark(s.Anomalies, a, scoreOf(threshold))
		v.Score = &p
	}
	if s.Residual != nil {
		var limit *float64
		if s.Portrait != nil {
			limit = s.Portrait.Limit
		}
		p := newResidualPlot("Residual of "+s.Name, s.Residual, a, limit, s.Anomalies)
		v.Residual = &p
	}
	if s.DeviceModel {
		for _, f := range s.Features {
			v.Features = append(v.Features, featureView{f.Name, newPlot("Feature "+f.Name, &f, a, nil)})
		}
	}
	v.Bars = bars(s.Name, s.Jobs, a)
	if s.Distribution != nil {
		h := newHistogram(*s.Distribution)
		v.Distribution = &h
	}
	return v
}

// histogram is the distribution of the readings of a span, and that of the training data.
type histogram struct {
	runs.Distribution
	Bars   []column
	Normal string // the normal curve of the scaler's mean and spread, as a path of SVG
	X      []tick
	Drift  string // the difference between the two, as text
}

type column struct {
	X, Y, W, H float64
	Text       string
}

func newHistogram(d runs.Distribution) histogram {
	h := histogram{Distribution: d}
	low, high := d.From, d.From+d.Step*float64(len(d.Counts))
	trained := d.Center != nil && d.Scale != nil
	if trained { // the picture includes the range of the training data
		low, high = min(low, *d.Center-3.5**d.Scale), max(high, *d.Center+3.5**d.Scale)
	}
	var p plot
	for _, v := range p.scale(low, high) {
		h.X = append(h.X, tick{At: round(100*share(v, p.Low, p.High), 1000), Text: number(v)})
	}
	n, most := 0, 0
	for _, c := range d.Counts {
		n, most = n+c, max(most, c)
	}
	// The tallest of bars and curve fills the height. Where all values are equal their
	// one bar does.
	tall := func(c int) float64 { return float64(c) / float64(n) / d.Step }
	density, top := 0.0, 0.0
	if d.Step > 0 {
		top = tall(most)
	}
	if trained {
		density = 1 / (*d.Scale * math.Sqrt(2*math.Pi))
		top = max(top, density)
	}
	for i, c := range d.Counts {
		from := d.From + float64(i)*d.Step
		x := share(from, p.Low, p.High) * fieldWidth
		w := max(share(from+d.Step, p.Low, p.High)*fieldWidth-x, 2)
		height := float64(chartHeight)
		if d.Step > 0 {
			height *= tall(c) / top
		}
		if c > 0 {
			h.Bars = append(h.Bars, column{round(x, 10), round(chartHeight-height, 10), round(w, 10), round(height, 10), fmt.Sprintf("%s to %s: %s readings", number(from), number(from+d.Step), count(c))})
		}
	}
	if !trained {
		return h
	}
	var curve strings.Builder
	command := 'M'
	for i := range 101 {
		v := p.Low + (p.High-p.Low)*float64(i)/100
		z := (v - *d.Center) / *d.Scale
		y := density * math.Exp(-z*z/2) / top * chartHeight
		fmt.Fprintf(&curve, "%c%d %g", command, i*10, round(chartHeight-y, 10))
		command = 'L'
	}
	h.Normal = curve.String()
	h.Drift = drift((d.Mean-*d.Center) / *d.Scale, d.SD / *d.Scale)
	return h
}

// share is the position of v between low and high, from 0 to 1.
func share(v, low, high float64) float64 {
	return min(max((v/2-low/2)/(high/2-low/2), 0), 1)
}

// drift compares the readings of a span with those that a model was trained on. off is the
// difference of the means, in standard deviations of the training data. spread is the
// quotient of the standard deviations.
func drift(off, spread float64) string {
	var where string
	switch {
	case math.Abs(off) < .25:
		where = "The mean is that of training"
	case off > 0:
		where = fmt.Sprintf("The mean is %.2g standard deviations above that of training", off)
	default:
		where = fmt.Sprintf("The mean is %.2g standard deviations below that of training", -off)
	}
	switch {
	case math.Abs(off) >= 1 || spread >= 2: // a smaller spread is usual in a short span
		return fmt.Sprintf("%s, and the standard deviation is %.2g times that of training: the readings differ from those that the model was trained on.", where, spread)
	default:
		return fmt.Sprintf("%s, and the standard deviation is %.2g times that of training.", where, spread)
	}
}
