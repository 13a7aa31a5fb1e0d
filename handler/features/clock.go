package features

import (
	"math"
	"time"
)

// clock computes a field of the local time of a row, as pandas does: dayofweek is 0 on Monday;
// day, dayofyear and month begin with 1. With as "sin" or "cos" it is the sine or cosine of
// 2π·value/period.
type clock struct {
	zone      *time.Location
	field, as string
	from, to  int64 // the times for which value is valid, in milliseconds
	value     float64
}

const minute = int64(time.Minute / time.Millisecond)

func (c *clock) next(t int64, _, _ float64) float64 {
	if t >= c.from && t < c.to {
		return c.value
	}
	local := time.UnixMilli(t).In(c.zone)
	into := int64(local.Second())*1000 + int64(local.Nanosecond())/1e6
	c.from, c.to = t, t-into+minute
	if _, end := local.ZoneBounds(); !end.IsZero() {
		c.to = min(c.to, end.UnixMilli())
	}
	v, of := c.read(local)
	switch c.as {
	case "sin":
		v = math.Sin(2 * math.Pi * v / of)
	case "cos":
		v = math.Cos(2 * math.Pi * v / of)
	}
	c.value = v
	return v
}

// read returns the field and its period, the number of its values.
func (c *clock) read(local time.Time) (value, of float64) {
	switch c.field {
	case "hour":
		return float64(local.Hour()), 24
	case "minute":
		return float64(local.Minute()), 60
	case "dayofweek":
		return float64((local.Weekday() + 6) % 7), 7
	case "day":
		return float64(local.Day()), 31
	case "dayofyear":
		return float64(local.YearDay()), 366
	}
	return float64(local.Month()), 12
}
