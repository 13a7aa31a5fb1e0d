package fleet

import "time"

// EventPlace is the position of an event in its partition. It has the time because a
// hub that is deleted and created again begins again with sequence number 0.
type EventPlace struct {
	Enqueued Millis // when the event reached the hub
	Sequence int64  // its sequence number
}

// After reports whether p is later than q.
func (p EventPlace) After(q EventPlace) bool {
	return p.Enqueued > q.Enqueued || p.Enqueued == q.Enqueued && p.Sequence > q.Sequence
}

// Delivery describes the events of a batch of readings, so that the faults of an
// event are counted once, however often the event is delivered. The store keeps the
// position up to which the events of a partition have been counted. It does not count
// events up to there again.
type Delivery struct {
	Partition string                 // the hub and the partition; if empty, nothing is counted
	Upto      EventPlace             // the last event that is counted with the batch; zero for none
	Of        func(i int) EventPlace // the position of the event of the batch's reading i
	Faults    []Fault                // faults that are not among the batch's readings
}

// Fault counts what was wrong with the data of one sensor in one event.
type Fault struct {
	ID       ID // a sensor that may not exist
	At       EventPlace
	Time     Millis // it is counted in the hour of this time
	Copies   int    // duplicate readings
	Rejected int    // rejected readings
}

// SensorFaults counts what was wrong with the data of a sensor.
type SensorFaults struct {
	Duplicate int // readings that were received again
	Conflict  int // readings with another value than the stored one
	Rejected  int // data with the sensor's name that is no valid reading
}

// Hour returns the beginning of the hour of m, in UTC.
func (m Millis) Hour() time.Time { return m.Time().Truncate(time.Hour) }
