package fleet_test

import (
	"math"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

func TestAnomalousRows(t *testing.T) {
	t.Parallel()
	rows := []fleet.Anomaly{
		{Time: fleet.MinMillis, Score: -0.25}, {Time: 1519860000000, Score: 1.0 / 3}, {Time: 1519860000001, Score: math.NaN()},
		{Time: fleet.MaxMillis, Score: 5e-324}, {Time: fleet.MaxMillis, Score: math.MaxFloat64},
	}
	var text []byte
	for _, r := range rows {
		text = r.Append(text)
	}
	got, err := fleet.AnomalousRows(append(text, ']')).List()
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%v, %v", got, err)
	}
	for i, want := range rows {
		if got[i] != want && !(got[i].Time == want.Time && math.IsNaN(got[i].Score) && math.IsNaN(want.Score)) {
			t.Errorf("row %d: %v, want %v", i, got[i], want)
		}
	}
	if string(fleet.Anomaly{Time: 7, Score: math.Inf(1)}.Append(nil)) != "[[7,null]" {
		t.Error("JSON has no infinity")
	}
	if none, err := fleet.AnomalousRows("").List(); len(none) != 0 || err != nil {
		t.Errorf("%v, %v", none, err)
	}
	for _, wrong := range []fleet.AnomalousRows{"x", "[[null,1]]", "[[1,\"a\"]]", "[[1,2]"} {
		if _, err := wrong.List(); err == nil {
			t.Errorf("%s is read", wrong)
		}
	}
}
