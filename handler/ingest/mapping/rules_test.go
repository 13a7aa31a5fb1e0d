package mapping

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/ingest/rules"
)

// TestRulesAndDeliveries checks that the results of rules do not depend on the batches in which
// events are delivered, nor on their order.
func TestRulesAndDeliveries(t *testing.T) {
	t.Parallel()
	all, err := rules.Parse([]byte(`{"rules": [
		{"sensor": "b", "rename": {"sensor": "a"}},
		{"sensor": "c", "drop": true},
		{"sensor": "d", "convert": "F>C", "range": {"max": 20}, "else": "count"},
		{"sensor": "a", "step": {"most": 30}},
		{"sensor": "a", "stuck": {"readings": 2}, "else": "flag"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(5, 5))
	var events []Event
	for range 200 {
		var list []string
		for range 1 + rnd.IntN(12) {
			list = append(list, fmt.Sprintf(`{"device":"d%d","sensor":"%c","ts":%d,"value":%d}`, rnd.IntN(2), 'a'+rnd.IntN(5), 1795762800+rnd.IntN(40), rnd.IntN(5)*15))
		}
		events = append(events, Event{Body: []byte("[" + strings.Join(list, ",") + "]")})
	}
	outcome := func(order []int, batch int) (stored map[string]bool, refused map[string]int) {
		stored, refused = map[string]bool{}, map[string]int{}
		for piece := range slices.Chunk(order, batch) {
			r := NewReader(automatic, Options{Rules: all}, len(piece))
			for _, i := range piece {
				r.Read(i, events[i])
			}
			for _, x := range r.Readings {
				stored[fmt.Sprint(x)] = true
			}
			for _, x := range r.Refused {
				refused[fmt.Sprint(x.Event, x.Counted, x.Err)] += x.Count
			}
		}
		return stored, refused
	}
	order := make([]int, len(events))
	for i := range order {
		order[i] = i
	}
	stored, refused := outcome(order, 1)
	for _, batch := range []int{3, 50, 200} {
		rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		s, r := outcome(order, batch)
		if !maps.Equal(s, stored) || !maps.Equal(r, refused) {
			t.Errorf("batches of %d: got %d stored and %d reasons; one by one %d and %d", batch, len(s), len(r), len(stored), len(refused))
		}
	}
	if len(refused) < 50 || len(stored) < 50 {
		t.Errorf("%d readings were stored and %d refused, want at least 50 of each", len(stored), len(refused))
	}
}

// TestRulesLoseNothing checks that each reading is stored, a copy or refused.
func TestRulesLoseNothing(t *testing.T) {
	t.Parallel()
	all, err := rules.Parse([]byte(`{"rules": [{"sensor": "a", "range": {"max": 5}}, {"sensor": "b", "range": {"max": 5}, "else": "count"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, MaxRefused, MaxRefused + 1, 3 * MaxRefused, 100} {
		var list []string
		for i := range n {
			for _, sensor := range "abc" {
				list = append(list, fmt.Sprintf(`{"device":"d","sensor":"%c","ts":%d,"value":%d}`, sensor, 1795762800+i/2, i/2))
			}
		}
		r := NewReader(automatic, Options{Rules: all}, 1)
		r.Read(0, Event{Body: []byte("[" + strings.Join(list, ",") + "]")})
		listed, counted := 0, 0
		for _, x := range r.Refused {
			if x.Counted {
				counted += x.Count
			} else {
				listed += x.Count
			}
		}
		want := max(0, n-12)
		if listed != want || counted != want || len(r.Readings)+r.Copies != 3*n-2*want || len(r.Refused) > 2*MaxRefused+2 {
			t.Errorf("%d readings of each sensor: got %d stored, %d copies, %d refused and %d counted in %d entries", n, len(r.Readings), r.Copies, listed, counted, len(r.Refused))
		}
	}
}
