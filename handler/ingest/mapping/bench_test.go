package mapping

import (
	"fmt"
	"testing"
)

func BenchmarkPlain(b *testing.B) {
	var bodies [][]byte
	for i := range 1000 {
		bodies = append(bodies, fmt.Appendf(nil, `{"device":"device-%03d","sensor":"temp-%d","ts":"2026-03-01T00:00:%02d.000Z","value":%d.%06d,"q":"xxxxxxxxxxxxxxxxxxx"}`, i%200/4, i%4, i/200, i%100, i%1000))
	}
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(Plain, Options{}, len(bodies))
		for i, body := range bodies {
			r.Read(i, Event{Body: body})
		}
		if len(r.Readings) != 1000 {
			b.Fatal(len(r.Readings), r.Refused)
		}
	}
}
