package fleet

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

// TestIngested checks that counts of events are added, and that reasons beyond the limit
// are counted together.
func TestIngested(t *testing.T) {
	t.Parallel()
	var got Ingested
	one := Ingested{Events: 1, Stored: 2, Duplicate: 3, Conflict: 4, Missing: 5, Rejected: 6, Lag: 7}
	for range 2 {
		got.Add(one)
	}
	got.Add(Ingested{Lag: 1})
	if want := (Ingested{Events: 2, Stored: 4, Duplicate: 6, Conflict: 8, Missing: 10, Rejected: 12, Lag: 7}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for i := range MaxRefusals + 3 {
		for range 2 {
			got.Add(Ingested{Refusals: []Refusal{{Reason: fmt.Sprint("reason ", i), Count: i, Example: fmt.Sprint(i)}}})
		}
	}
	for i, r := range got.Refusals[:min(len(got.Refusals), MaxRefusals)] {
		if want := (Refusal{Reason: fmt.Sprint("reason ", i), Count: 2 * i, Example: fmt.Sprint(i)}); r != want {
			t.Errorf("refusal %d: got %+v, want %+v", i, r, want)
		}
	}
	if want := (Refusal{Reason: OtherReasons, Count: 2 * (20 + 21 + 22), Example: "20"}); len(got.Refusals) != MaxRefusals+1 || got.Refusals[MaxRefusals] != want {
		t.Errorf("got %d reasons, the last %+v; want %d, the last %+v", len(got.Refusals), got.Refusals[len(got.Refusals)-1], MaxRefusals+1, want)
	}
}

// TestDeviceSum checks how jobs are counted, and how sums are added.
func TestDeviceSum(t *testing.T) {
	t.Parallel()
	var got DeviceSum
	for i, state := range JobStates {
		got.Count(Job{State: state, Outcome: Outcome{Rows: 10, Anomalies: i}})
	}
	want := DeviceSum{Jobs: 8, Queued: 1, Scored: 1, Failed: 3, Rows: 80, Anomalies: 28}
	if got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	got.Add(DeviceSum{Jobs: 1, Queued: 2, Scored: 3, Failed: 4, Rows: 5, Anomalies: 6})
	if want = (DeviceSum{Jobs: 9, Queued: 3, Scored: 4, Failed: 7, Rows: 85, Anomalies: 34}); got != want {
		t.Errorf("added %+v, want %+v", got, want)
	}
}

// TestStates checks which states exist, and which runs are open.
func TestStates(t *testing.T) {
	t.Parallel()
	for state, want := range map[RunState]bool{RunRunning: true, RunCancelling: true, RunSucceeded: false, RunDegraded: false, RunFailed: false, RunCancelled: false} {
		if got := state.Open(); got != want {
			t.Errorf("%s is open: %v, want %v", state, got, want)
		}
	}
	for state, want := range map[JobState]bool{Queued: true, Cancelled: true, "": false, "SCORED": false} {
		if got := state.Valid(); got != want {
			t.Errorf("%q is valid: %v, want %v", state, got, want)
		}
	}
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if got := Reopenable(now, 0); !got.IsZero() {
		t.Errorf("without retention runs since %v may be re-opened, want all", got)
	}
	if got, want := Reopenable(now, 7*Day), now.Add(-6*Day); !got.Equal(want) {
		t.Errorf("with a retention of 7 days runs since %v may be re-opened, want %v", got, want)
	}
	early, late := EventPlace{Enqueued: 1, Sequence: 9}, EventPlace{Enqueued: 2, Sequence: 1}
	same := EventPlace{Enqueued: 1, Sequence: 10}
	if !late.After(early) || early.After(late) || !same.After(early) || early.After(same) || early.After(early) {
		t.Error("events are not ordered by the time they were enqueued, and then by their sequence numbers")
	}
	if got, want := Millis(-1).Hour(), time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("the hour of a millisecond before 1970 is %v, want %v", got, want)
	}
	a := DayStamp{Runs: 1, Epochs: 2, Opened: now}
	for _, b := range []DayStamp{{2, 2, now}, {1, 3, now}, {1, 2, now.Add(1)}} {
		if a.Equal(b) || !a.Equal(a) {
			t.Errorf("%v equals %v", a, b)
		}
	}
}

// TestIDValidate checks that an ID has a device and one of a sensor and a device model.
func TestIDValidate(t *testing.T) {
	t.Parallel()
	for id, ok := range map[ID]bool{
		{Device: "d", Sensor: "s"}: true, {Device: "d", DeviceModel: "m"}: true,
		{Device: "d"}: false, {Sensor: "s"}: false, {Device: "d", Sensor: "s", DeviceModel: "m"}: false, {Device: "d", DeviceModel: " m"}: false,
	} {
		if err := id.Validate(); (err == nil) != ok || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: got %v, want valid %v", id, err, ok)
		}
	}
}
