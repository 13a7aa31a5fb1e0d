package score

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// batchRows is the number of rows that are predicted and written at a time. No more are
// held in memory, however long the window is.
const batchRows = 2048

// csvWriter predicts rows and writes them as CSV, batch by batch, in a layout.
type csvWriter struct {
	w      io.Writer
	model  Model
	width  int // columns of a row that the model takes
	layout layout
	cpu    *semaphore.Weighted
	*rows

	written, anomalies int
}

// layout formats the lines of a CSV.
type layout interface {
	header(b []byte) []byte
	// line appends the line of row i to rows.text, and sets rows.score to the position of
	// its score. It reports whether the row is an anomaly.
	line(b []byte, r *rows, i int) ([]byte, bool)
}

// rows are the rows that a csvWriter holds. Jobs use them one after another, as they
// would be most of the memory that a job allocates.
type rows struct {
	times  []fleet.Millis
	x      []float64 // row-major
	actual []float64 // the measured values that predictions are compared with, or empty
	result predict.Result
	text   []byte
	clock  fleet.Clock
	score  struct{ from, to int } // position in text of the score of the last line

	anomalous []byte // the first [fleet.MaxAnomalies] of the whole job, as [fleet.Anomaly.Append] writes them
}

func (r *rows) clear() {
	r.times, r.x, r.actual, r.text = r.times[:0], r.x[:0], r.actual[:0], r.text[:0]
}

// row adds a row.
func (c *csvWriter) row(ctx context.Context, ts fleet.Millis, x ...float64) error {
	c.times = append(c.times, ts)
	c.x = append(c.x, x[:c.width]...)
	c.actual = append(c.actual, x[c.width:]...)
	if len(c.times) == batchRows {
		return c.flush(ctx)
	}
	return nil
}

// flush predicts and writes the rows held. It takes a share of the processor for
// predicting and formatting, but not for writing.
func (c *csvWriter) flush(ctx context.Context) error {
	n := len(c.times)
	if n == 0 {
		return nil
	}
	if err := c.format(ctx, n); err != nil {
		return err
	}
	if _, err := c.w.Write(c.text); err != nil {
		return err
	}
	c.written += n
	c.clear()
	return nil
}

// format predicts the rows held and sets text.
func (c *csvWriter) format(ctx context.Context, n int) error {
	if err := c.cpu.Acquire(ctx, 1); err != nil {
		return fmt.Errorf("%w: waiting for the processor: %w", fleet.ErrUnavailable, err)
	}
	defer c.cpu.Release(1)
	if err := predictRows(c.model, &c.result, c.x); err != nil {
		return err
	}
	if c.written == 0 {
		c.text = c.layout.header(c.text)
	}
	for i := range n {
		begin := len(c.text)
		var anomaly bool
		if c.text, anomaly = c.layout.line(c.text, c.rows, i); anomaly {
			c.keep(i)
		}
		if i == 0 { // the others are about as long
			c.text = slices.Grow(c.text, n*(len(c.text)-begin))
		}
	}
	return nil
}

// keep counts row i as an anomaly. It notes the time and score of the first
// [fleet.MaxAnomalies]. The line of the row is the last line in text.
func (c *csvWriter) keep(i int) {
	c.anomalies++
	if c.anomalies > fleet.MaxAnomalies {
		return
	}
	score := c.text[c.score.from:c.score.to]
	if len(c.result.Scores) == len(c.times) && math.IsInf(c.result.Scores[i], 0) {
		score = nil
	}
	c.anomalous = fleet.AppendAnomaly(c.anomalous, c.times[i], score)
}

// kept returns the anomalies that were noted.
func (c *csvWriter) kept() fleet.AnomalousRows {
	if len(c.anomalous) == 0 {
		return ""
	}
	return fleet.AnomalousRows(append(c.anomalous, ']'))
}

// sensorLayout is the layout of a sensor's predictions:
//
//	TS,Device,Sensor,Val,Prediction,Score
//
// Val is the first column of the rows. If rows have several columns, Score is followed by
// all of them, with the names of their functions.
type sensorLayout struct {
	prefix  []byte // the fields Device and Sensor, each after its comma
	columns []string
}

func newSensorLayout(id fleet.ID, columns []string) *sensorLayout {
	return &sensorLayout{appendText(append(appendText([]byte{','}, id.Device), ','), id.Sensor), columns}
}

func (l *sensorLayout) header(b []byte) []byte {
	b = append(b, "TS,Device,Sensor,Val,Prediction,Score"...)
	if len(l.columns) > 1 {
		for _, f := range l.columns {
			b = append(append(b, ','), f...)
		}
	}
	return append(b, '\n')
}

func (l *sensorLayout) line(b []byte, r *rows, i int) ([]byte, bool) {
	x := r.x[i*len(l.columns) : (i+1)*len(l.columns)]
	b = r.clock.Append(b, r.times[i])
	b = append(b, l.prefix...)
	b = appendFloat(append(b, ','), x[0])
	anomaly := byte(r.result.Predictions[i]) // 1 or 0
	b = append(b, ',', '0'+anomaly, ',')
	r.score.from = len(b)
	b = appendFloat(b, r.result.Scores[i])
	r.score.to = len(b)
	if len(x) > 1 {
		for _, v := range x {
			b = appendFloat(append(b, ','), v)
		}
	}
	return append(b, '\n'), anomaly == 1
}

// appendText appends s as a field of CSV (RFC 4180), in quotes if it needs them.
func appendText(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "\",\r\n") {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}

// appendFloat appends the shortest decimal digits that read back to v, with an
// exponent where Python's repr has one: below 1e-4 and from 1e16 on.
//
// A value of up to four decimals, as most measured ones are, needs no search for
// them: the whole number n of its ten-thousandths, if it has at most 15 digits, is the
// only one whose quotient n/10000 is rounded to v.
func appendFloat(b []byte, v float64) []byte {
	const scale, digits15 = 10_000, 1e15
	if n := math.Round(v * scale); n/scale == v && math.Abs(n) < digits15 && math.Abs(n) >= 1 {
		return appendDecimal(b, int64(n))
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && a < 1e-4 || a >= 1e16 {
		format = 'e'
	}
	return strconv.AppendFloat(b, v, format, -1, 64)
}

// appendDecimal appends n/10000 without zeros at its end.
func appendDecimal(b []byte, n int64) []byte {
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/10_000, 10)
	n %= 10_000
	if n == 0 {
		return b
	}
	b = append(b, '.', '0'+byte(n/1000), '0'+byte(n/100%10), '0'+byte(n/10%10), '0'+byte(n%10))
	return bytes.TrimRight(b, "0")
}
