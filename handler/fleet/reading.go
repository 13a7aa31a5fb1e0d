package fleet

import (
	"fmt"
	"math"
	"time"
)

// Millis is the time of a reading, in milliseconds since 1970-01-01T00:00:00Z.
type Millis int64

// The range of a reading's time: the years 1 to 9999, which RFC 3339, SQL's
// datetime2 and a run's id can all express.
const (
	MinMillis Millis = -62135596800000 // 0001-01-01T00:00:00.000Z
	MaxMillis Millis = 253402300799999 // 9999-12-31T23:59:59.999Z
)

const rfc3339Millis = "2006-01-02T15:04:05.000Z"

// MillisOf returns t, rounded down to milliseconds.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time returns m as a time in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// String returns m in RFC 3339 with milliseconds: 2018-08-28T23:00:05.000Z.
func (m Millis) String() string { return string(m.Append(nil)) }

// Append appends [Millis.String] to b. It is called for every row of every
// prediction. In the range of a reading's time it therefore does not use
// [time.Time.AppendFormat], which takes several times as long.
func (m Millis) Append(b []byte) []byte {
	t := m.Time()
	if m < MinMillis || m > MaxMillis {
		return t.AppendFormat(b, rfc3339Millis)
	}
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	ms := t.Nanosecond() / int(time.Millisecond)
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, 'T'), hour)
	return appendInHour(append(b, ':'), minute, second, ms)
}

// appendInHour appends the part after the hour and its colon.
func appendInHour(b []byte, minute, second, ms int) []byte {
	b = appendTwo(b, minute)
	b = appendTwo(append(b, ':'), second)
	return append(appendTwo(append(b, '.'), ms/10), '0'+byte(ms%10), 'Z')
}

// Clock writes times as [Millis.Append] does. It is faster if consecutive times are in
// the same hour, because it keeps the text of the hour. The zero Clock is ready.
type Clock struct {
	hour   Millis // the beginning of an hour
	prefix []byte // the text of the hour, such as 2018-08-28T23: ; empty before the first time
}

const hour = Millis(time.Hour / time.Millisecond)

// Append appends [Millis.String] to b.
func (c *Clock) Append(b []byte, m Millis) []byte {
	if m < MinMillis || m > MaxMillis {
		return m.Append(b)
	}
	within := m - c.hour
	if len(c.prefix) == 0 || within < 0 || within >= hour {
		if within = m % hour; within < 0 {
			within += hour
		}
		c.hour = m - within
		c.prefix = c.hour.Append(c.prefix[:0])[:len("2006-01-02T15:")]
	}
	rest, ms := int(within)/1000, int(within)%1000
	return appendInHour(append(b, c.prefix...), rest/60, rest%60, ms)
}

// appendTwo appends the two digits of n.
func appendTwo(b []byte, n int) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }

// Uncovered counts readings whose time is in no scheduled run, and will be in none.
type Uncovered struct {
	Readings    int
	Sensors     int
	First, Last time.Time // the times of the oldest and newest of these readings
}

// Reading is one measurement of a sensor. Its key is (ID, Time): another
// reading with the same key is an equal copy or a conflict.
type Reading struct {
	ID    ID
	Time  Millis
	Value float64
}

// Validate returns an error if a name, the time or the value cannot be stored. A value
// must be finite. The error wraps [ErrInvalid].
func (r Reading) Validate() error {
	if err := r.ID.Validate(); err != nil {
		return err
	}
	return r.ValidateValue()
}

// ValidateValue is [Reading.Validate] without the check of the names.
func (r Reading) ValidateValue() error {
	if r.Time < MinMillis || r.Time > MaxMillis {
		return fmt.Errorf("%w: time %d ms lies outside the years 1 to 9999", ErrInvalid, int64(r.Time))
	}
	if math.IsNaN(r.Value) || math.IsInf(r.Value, 0) {
		return fmt.Errorf("%w: value %v is not finite", ErrInvalid, r.Value)
	}
	return nil
}

// Stored is the result of storing a batch of readings.
type Stored struct {
	Inserted int // new readings
	Equal    int // copies of readings stored before, or of earlier ones in the batch
	// Rejected lists the readings that are not stored, in the order of the batch.
	Rejected []Rejected
}

// Rejected is a reading that is not stored. Err wraps [ErrConflict] if another value
// is stored for its sensor and time, and [ErrInvalid] otherwise.
type Rejected struct {
	Index int // in the batch
	Err   error
}
