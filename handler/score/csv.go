package score

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"golang.org/x/sync/semaphore"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// batchRows is how many rows are predicted and written at a time: whatever the
// window, no more are held.
const batchRows = 2048

// csvWriter predicts rows and writes them as CSV, batch by batch:
//
//	TS,Device,Sensor,Val,Prediction,Score
//
// Val is the first feature. With several, one column per feature, named by its
// function, follows Score.
type csvWriter struct {
	w        io.Writer
	id       fleet.ID
	model    Model
	features []string
	cpu      *semaphore.Weighted
	*rows

	name               []byte // the columns Device and Sensor, each after its comma
	written, anomalies int
}

// rows are the rows that a csvWriter holds. They are used again from job to
// job: most of what a job allocates would be these.
type rows struct {
	times  []fleet.Millis
	x      []float64 // row-major
	result predict.Result
	text   []byte
}

func (r *rows) clear() { r.times, r.x, r.text = r.times[:0], r.x[:0], r.text[:0] }

// row adds a row.
func (c *csvWriter) row(ctx context.Context, ts fleet.Millis, x ...float64) error {
	c.times = append(c.times, ts)
	c.x = append(c.x, x...)
	if len(c.times) == batchRows {
		return c.flush(ctx)
	}
	return nil
}

// flush predicts and writes the rows held. Only the predicting and formatting
// takes a share of the processor, not the writing.
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
		c.header()
		c.name = appendText(append(appendText([]byte{','}, c.id.Device), ','), c.id.Name())
	}
	for i := range n {
		c.line(i)
	}
	return nil
}

func (c *csvWriter) header() {
	c.text = append(c.text, "TS,Device,Sensor,Val,Prediction,Score"...)
	if len(c.features) > 1 {
		for _, f := range c.features {
			c.text = append(append(c.text, ','), f...)
		}
	}
	c.text = append(c.text, '\n')
}

func (c *csvWriter) line(i int) {
	x := c.x[i*len(c.features) : (i+1)*len(c.features)]
	b := c.times[i].Append(c.text)
	b = append(b, c.name...)
	b = appendFloat(append(b, ','), x[0])
	anomaly := byte(c.result.Predictions[i]) // 1 or 0
	b = append(b, ',', '0'+anomaly, ',')
	b = appendFloat(b, c.result.Scores[i])
	if len(x) > 1 {
		for _, v := range x {
			b = appendFloat(append(b, ','), v)
		}
	}
	c.text = append(b, '\n')
	c.anomalies += int(anomaly)
}

// appendText appends s as a field of CSV (RFC 4180): quoted where it must be. A
// name has no line break.
func appendText(b []byte, s string) []byte {
	if !strings.ContainsAny(s, "\",") {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}

// appendFloat appends the shortest decimal digits that read back to v, with an
// exponent where Python's repr has one: below 1e-4 and from 1e16 on.
func appendFloat(b []byte, v float64) []byte {
	format := byte('f')
	if a := math.Abs(v); a != 0 && a < 1e-4 || a >= 1e16 {
		format = 'e'
	}
	return strconv.AppendFloat(b, v, format, -1, 64)
}
