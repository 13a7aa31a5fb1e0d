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

// DayStamp tells whether the runs of a day are those that they were before. It
// counts the runs that have ended, whose windows begin in the day, and that are not
// covered by others.
type DayStamp struct {
	Runs   int
	Epochs int       // the sum of their epochs
	Opened time.Time // when the last of them was opened first
}

// Equal reports whether the runs are the same, at the same epochs.
func (s DayStamp) Equal(t DayStamp) bool {
	return s.Runs == t.Runs && s.Epochs == t.Epochs && s.Opened.Equal(t.Opened)
}

// DaySum is what the runs of a day came to.
type DaySum struct {
	Day time.Time // its beginning, in UTC
	DayStamp
	Shortest time.Duration // of the runs' windows, in whole seconds
	Devices  PackedSums
}

// PackedSums is a list of [DeviceSum] in few bytes: a year of a large fleet is a
// million of them. It is a byte for the version, 1, and then for each device, by
// name: how many bytes its name shares with the one before, how many follow, these
// bytes, and its numbers. All lengths and numbers are unsigned varints.
type PackedSums []byte

const packedVersion = 1

// PackSums sorts sums by device, and packs them.
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

// Each calls f with the sums, by device. The name is valid until f returns; s.Device
// is empty. It returns an error if p is not what [PackSums] returns.
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
