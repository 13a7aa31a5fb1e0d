package fleet

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Day is 24 hours, in UTC.
const Day = 24 * time.Hour

// DayStamp identifies the runs of a day: if they change, the stamp changes. Its runs
// are those whose windows begin in the day, that have ended, and that are not
// [Run.Covered].
type DayStamp struct {
	Runs   int       // their number
	Epochs int       // the sum of their epochs
	Opened time.Time // the latest of the times at which they were first opened
}

// Equal reports whether s and t are of the same runs at the same epochs.
func (s DayStamp) Equal(t DayStamp) bool {
	return s.Runs == t.Runs && s.Epochs == t.Epochs && s.Opened.Equal(t.Opened)
}

// DaySum sums the jobs of the runs of a day.
type DaySum struct {
	Day time.Time // midnight, in UTC
	DayStamp
	Shortest time.Duration // the shortest window of the runs, in whole seconds
	Devices  PackedSums
}

// PackedSums is a list of [DeviceSum], sorted by device, in few bytes, because a year
// of a large fleet has a million of them. The first byte is the version, 1. Then each
// device has:
//
//   - the number of leading bytes that its name shares with the previous name,
//   - the number of the other bytes of its name,
//   - these bytes,
//   - Jobs, Queued, Scored, Failed, Rows and Anomalies.
//
// All numbers are unsigned varints of package binary.
type PackedSums []byte

const packedVersion = 1

// PackSums sorts sums by device and packs them.
func PackSums(sums []DeviceSum) PackedSums {
	slices.SortFunc(sums, func(a, b DeviceSum) int { return cmp.Compare(a.Device, b.Device) })
	p := make([]byte, 1, 1+16*len(sums))
	p[0] = packedVersion
	last := ""
	for _, s := range sums {
		shared := 0
		for shared < min(len(last), len(s.Device)) && last[shared] == s.Device[shared] {
			shared++
		}
		p = binary.AppendUvarint(p, uint64(shared))
		p = binary.AppendUvarint(p, uint64(len(s.Device)-shared))
		p = append(p, s.Device[shared:]...)
		for _, n := range []int{s.Jobs, s.Queued, s.Scored, s.Failed, s.Rows, s.Anomalies} {
			p = binary.AppendUvarint(p, uint64(max(n, 0)))
		}
		last = s.Device
	}
	return p
}

// Each calls f for each device. device is valid until f returns, and s.Device is
// empty. The error wraps [ErrInvalid] if p is not a result of [PackSums].
func (p PackedSums) Each(f func(device []byte, s DeviceSum)) error {
	if len(p) == 0 || p[0] != packedVersion {
		return fmt.Errorf("%w: sums by device that do not begin with their version, %d", ErrInvalid, packedVersion)
	}
	rest, ok := []byte(p[1:]), true
	next := func(most uint64) int {
		v, n := binary.Uvarint(rest)
		if n <= 0 || v > most {
			ok = false
			return 0
		}
		rest = rest[n:]
		return int(v)
	}
	var name []byte
	for len(rest) > 0 {
		shared := next(uint64(len(name)))
		own := next(uint64(len(rest)))
		if !ok || own > len(rest) {
			return errPacked
		}
		name = append(name[:shared], rest[:own]...)
		rest = rest[own:]
		const most = 1 << 53
		s := DeviceSum{Jobs: next(most), Queued: next(most), Scored: next(most), Failed: next(most), Rows: next(most), Anomalies: next(most)}
		if !ok {
			return errPacked
		}
		f(name, s)
	}
	return nil
}

var errPacked = fmt.Errorf("%w: sums by device are cut short", ErrInvalid)
