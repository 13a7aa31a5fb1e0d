package mapping

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestFaults checks that copies and refused readings are counted by the sensors that they name, in
// all forms of events. An event that is read in two ways is counted once.
func TestFaults(t *testing.T) {
	t.Parallel()
	const good = `{"device":"a","sensor":"b","ts":1535497205007,"value":1}`
	for _, tc := range []struct {
		mapping *Mapping
		bodies  []string
		want    []string
	}{
		{Plain, []string{good, good}, []string{"1 a/b +1 -0"}},
		{Plain, []string{"[" + good + "," + good + "," + good + "]"}, []string{"0 a/b +2 -0"}},
		{Plain, []string{`{"device":"a","sensor":"b","ts":1535497205007,"value":"high"}`}, []string{"0 a/b +0 -1"}},
		{Plain, []string{`{"device":"a","sensor":"b","ts":1535497205007}`, `{"device":"a","ts":1535497205007,"value":1}`, `{}`, `x`}, []string{"0 a/b +0 -1"}},
		{Plain, []string{`{"device":"a","sensor":"b","ts":4102444800000,"value":1}`}, []string{"0 a/b +0 -1"}}, // too late
		{automatic, []string{`{"device":"a","sensor":"b","ts":"never","value":1}`}, []string{"0 a/b +0 -1"}},
		{automatic, []string{`{"device":"a","ts":1535497205007,"b":1,"c":"1,5"}`}, []string{"0 a/c +0 -1"}},
		{automatic, []string{`{"device":"a","sensor":"b","ts":1535497205007}`, `{"device":"a","sensor":"b","ts":{}}`}, []string{"0 a/b +0 -1", "1 a/b +0 -1"}},
		{automatic, []string{`{"device":"a","ts":"never","b":1,"c":2}`}, []string{"0 a/b +0 -1", "0 a/c +0 -1"}},
	} {
		r := NewReader(tc.mapping, Options{Future: 24 * time.Hour}, 1)
		for i, body := range tc.bodies {
			r.Read(i, Event{Body: []byte(body), Enqueued: time.UnixMilli(1535497205007)})
		}
		var got []string
		for _, f := range r.Faults {
			got = append(got, fmt.Sprintf("%d %v +%d -%d", f.Event, f.ID, f.Copies, f.Refused))
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%q: got %q, want %q", tc.bodies, got, tc.want)
		}
	}
}

// TestFaultsAreBounded checks that the number of faults is limited.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	r := NewReader(Plain, Options{}, 1)
	for i := range maxFaults + 10 {
		r.fault(Fault{ID: fleet.ID{Device: "a", Sensor: fmt.Sprint(i)}, Refused: 1})
	}
	if len(r.Faults) != maxFaults {
		t.Errorf("got %d faults, want %d", len(r.Faults), maxFaults)
	}
}
