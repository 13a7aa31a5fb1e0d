package runs

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestMissing: the values are those of pandas 3.1:
//
//	i = pd.to_datetime(times + [end], unit="ms").to_series().diff().dropna()
//	usual = i[:-1].median(); (i / usual).round().sub(1).clip(lower=0).sum()
func TestMissing(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		times   []fleet.Millis
		end     fleet.Millis
		usual   float64 // seconds
		missing int
	}{
		"none":              {[]fleet.Millis{0, 1000, 2000, 3000}, 4000, 1, 0},
		"some in the midst": {[]fleet.Millis{0, 1000, 2000, 5000, 6000}, 7000, 1, 2},
		"silent since":      {[]fleet.Millis{0, 1000, 2000}, 60_000, 1, 57},
		"jitter":            {[]fleet.Millis{0, 1100, 1900, 3000, 4010, 7000, 8040}, 9000, 1.07, 2},
		"halves":            {[]fleet.Millis{0, 1000, 2000, 3500, 6000}, 7500, 1.25, 1},
		"bursts":            {[]fleet.Millis{0, 1, 2, 3, 60_000, 60_001, 60_002, 60_003}, 60_004, .001, 59_996},
		"minutes":           {[]fleet.Millis{0, 60_000, 120_000, 300_000}, 360_000, 60, 2},
	} {
		var d intervals
		for _, at := range c.times {
			d.add(1_700_000_000_000 + at)
		}
		usual, missing := d.missing(1_700_000_000_000 + c.end)
		if usual == nil || *usual != c.usual || *missing != c.missing {
			t.Errorf("%s: usual %v, missing %v, want %v, %d", what, *usual, *missing, c.usual, c.missing)
		}
	}
	for n := range 3 {
		var d intervals
		for i := range n {
			d.add(fleet.Millis(i))
		}
		if usual, missing := d.missing(1000); usual != nil || missing != nil {
			t.Errorf("of %d readings: %v, %v", n, usual, missing)
		}
	}
}

// TestIntervalsAreBounded: intervals of all sizes are held in few places, and the usual
// one is found nearly.
func TestIntervalsAreBounded(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var d intervals
	at := fleet.Millis(0)
	for range 400_000 {
		d.add(at)
		at += fleet.Millis(1 + random.ExpFloat64()*60_000)
	}
	if len(d.known) > 1<<16 {
		t.Errorf("%d intervals are held", len(d.known))
	}
	if usual, _ := d.missing(at); *usual < 41.3 || *usual > 41.9 { // 60 s · ln 2 is 41.6 s
		t.Errorf("usual interval %v", time.Duration(*usual*1e9))
	}
}
