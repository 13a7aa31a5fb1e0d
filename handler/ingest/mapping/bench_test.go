package mapping

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"testing"
)

// BenchmarkPlain reads a thousand events of one reading each.
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

// BenchmarkWide reads events of one device with six values: by the built-in mapping, by programs,
// and by jq itself where it is installed. The metric is events per second.
func BenchmarkWide(b *testing.B) {
	const n = 1000
	var bodies [][]byte
	for i := range n {
		bodies = append(bodies, fmt.Appendf(nil, `{"deviceId":"device-%03d","ts":"2026-03-01T00:%02d:%02d.000Z","temp":%d.25,"vib":0.%d,"rpm":%d,"current":1.5,"pressure":2.25,"flow":3}`, i%50, i/60%60, i%60, i%100, i, i))
	}
	for name, text := range map[string]string{
		"auto":    Auto,
		"program": `{device: .deviceId, ts, values: del(.deviceId, .ts)}`,
		"each":    `{device: .deviceId, ts} + (del(.deviceId, .ts) | to_entries[] | {sensor: .key, value})`,
	} {
		m, err := Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				r := NewReader(m, Options{}, n)
				for i, body := range bodies {
					r.Read(i, Event{Body: body})
				}
				if len(r.Readings) != 6*n {
					b.Fatal(len(r.Readings), r.Refused)
				}
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "events/s")
		})
	}
	path, err := exec.LookPath("jq")
	if err != nil {
		return
	}
	b.Run("jq", func(b *testing.B) {
		const rounds = 50 // so that its start does not count
		input := bytes.Repeat(append(bytes.Join(bodies, []byte("\n")), '\n'), rounds)
		for b.Loop() {
			cmd := exec.Command(path, "-c", `{device: .deviceId, ts, values: del(.deviceId, .ts)}`)
			cmd.Stdin, cmd.Stdout = bytes.NewReader(input), io.Discard
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)*n*rounds/b.Elapsed().Seconds(), "events/s")
	})
}
