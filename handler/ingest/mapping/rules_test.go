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

// What rules make of events does not hang on how these are delivered: in which
// batches, in which order, once or again. And nothing is lost.
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
	auto := &Mapping{name: Auto, shape: auto}
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
			r := NewReader(auto, Options{Rules: all}, len(piece))
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
			t.Errorf("batches of %d: %d stored, %d reasons; one by one %d, %d", batch, len(s), len(r), len(stored), len(refused))
		}
	}
	if len(refused) < 50 || len(stored) < 50 {
		t.Errorf("%d stored, %d refused", len(stored), len(refused))
	}
}

// Nothing is lost: what is sent is stored, a copy or refused.
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
		r := NewReader(&Mapping{name: Auto, shape: auto}, Options{Rules: all}, 1)
		r.Read(0, Event{Body: []byte("[" + strings.Join(list, ",") + "]")})
		kept, counted := 0, 0
		for _, x := range r.Refused {
			if x.Counted {
				counted += x.Count
			} else {
				kept += x.Count
			}
		}
		want := max(0, n-12)
		if kept != want || counted != want || len(r.Readings)+r.Copies != 3*n-2*want || len(r.Refused) > 2*MaxRefused+2 {
			t.Errorf("%d of each: %d stored, %d copies, %d kept, %d counted in %d", n, len(r.Readings), r.Copies, kept, counted, len(r.Refused))
		}
	}
}
