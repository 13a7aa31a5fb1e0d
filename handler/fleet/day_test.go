package fleet_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

func TestPackedSums(t *testing.T) {
	t.Parallel()
	want := []fleet.DeviceSum{
		{Device: "", Jobs: 1},
		{Device: "north/pump-1", Jobs: 24, Queued: 1, Scored: 20, Failed: 3, Rows: 1 << 40, Anomalies: 7},
		{Device: "north/pump-10"},
		{Device: "north/pümp", Rows: 128},
		{Device: "süd", Rows: 127},
	}
	mixed := slices.Clone(want)
	slices.Reverse(mixed)
	packed := fleet.PackSums(mixed)
	read := func(p fleet.PackedSums) (all []fleet.DeviceSum, err error) {
		err = p.Each(func(device []byte, s fleet.DeviceSum) {
			s.Device = string(device)
			all = append(all, s)
		})
		return all, err
	}
	got, err := read(packed)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := read(fleet.PackSums(nil)); err != nil || len(got) != 0 {
		t.Errorf("of none: %+v, %v", got, err)
	}
	// What is cut short is an error, unless it is whole devices.
	whole := 0
	for i := range packed {
		got, err := read(packed[:i])
		switch {
		case err == nil:
			whole++
		case !errors.Is(err, fleet.ErrInvalid):
			t.Errorf("%d bytes: %v", i, err)
		}
		if !slices.Equal(got, want[:len(got)]) {
			t.Errorf("%d bytes: %+v", i, got)
		}
	}
	if whole != len(want) {
		t.Errorf("%d beginnings are read without an error, want %d", whole, len(want))
	}
}

func FuzzPackedSums(f *testing.F) {
	f.Add([]byte(fleet.PackSums([]fleet.DeviceSum{{Device: "a", Jobs: 1}, {Device: "ab", Rows: 300}})))
	f.Add([]byte("\x01\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, p []byte) {
		var all []fleet.DeviceSum
		if fleet.PackedSums(p).Each(func(device []byte, s fleet.DeviceSum) {
			s.Device = string(device)
			all = append(all, s)
		}) != nil {
			return
		}
		var again []fleet.DeviceSum
		sorted := slices.Clone(all)
		if err := fleet.PackSums(sorted).Each(func(device []byte, s fleet.DeviceSum) {
			s.Device = string(device)
			again = append(again, s)
		}); err != nil || !slices.Equal(again, sorted) {
			t.Errorf("%+v becomes %+v, %v", sorted, again, err)
		}
	})
}
