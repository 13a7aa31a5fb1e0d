package fleet

import "time"

// EventPlace is where an event stands in its partition. Events that come later stand
// after those before them, also where the hub has been made anew meanwhile and counts
// from the beginning.
type EventPlace struct {
	Enqueued Millis // when it reached the hub
	Sequence int64
}

// After reports whether p stands after q.
func (p EventPlace) After(q EventPlace) bool {
	return p.Enqueued > q.Enqueued || p.Enqueued == q.Enqueued && p.Sequence > q.Sequence
}

// Delivery says which events a batch of readings came in. What is wrong about sensors
// is counted once of each event, however often it is delivered: what stands up to
// where the partition's events have been counted is not counted again.
type Delivery struct {
	Partition string                 // and its hub; if empty, nothing is counted
	Upto      EventPlace             // where the last event stands that is counted with the batch; zero for none
	Of        func(i int) EventPlace // where the event of the batch's reading i stands
	Faults    []Fault                // of the events, beside what the readings show
}

// Fault is what is wrong about a sensor in an event.
type Fault struct {
	ID       ID // which may be no sensor's
	At       EventPlace
	Time     Millis // whose hour it is counted in
	Copies   int
	Rejected int
}

// SensorFaults counts what was wrong about what came of a sensor.
type SensorFaults struct {
	Duplicate int // readings that came again
	Conflict  int // readings that came with another value than is stored
	Rejected  int // what named the sensor and was no reading
}

// Hour returns the beginning of the hour that m is in.
func (m Millis) Hour() time.Time { return m.Time().Truncate(time.Hour) }
