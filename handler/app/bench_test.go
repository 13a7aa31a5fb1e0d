package app

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/sensor"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// BenchmarkJob scores a sensor's 1,000 readings again and again, from the
// host's request to its reply, on SQLite and Azurite. CPU is this process's,
// without Azurite.
func BenchmarkJob(b *testing.B) {
	e, err := emulator()
	if err != nil {
		b.Fatal(err)
	}
	a := newApp(b, e.ConnectionString, io.Discard)
	if _, err := a.storage.Blobs().Write(b.Context(), blob.Models, "d/s.pkl", "", "", func(w io.Writer) error {
		_, err := w.Write(simulate.Kinds[0].Model())
		return err
	}); err != nil {
		b.Fatal(err)
	}
	var event bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&event, `{"device":"d","sensor":"s","ts":%d,"value":%d.5}`+"\n", i*3600, i%20)
	}
	invoke(b, a, "ingest", "events", [][]byte{event.Bytes()})
	w := sensor.Window{From: time.Unix(0, 0).UTC(), To: time.Unix(3600, 0).UTC()}
	if status, reply := request(b, a, http.MethodPost, "/api/runs", map[string]any{"from": w.From, "to": w.To}); status != http.StatusAccepted {
		b.Fatal(status, reply)
	}
	revision := 0
	cpu := cpuTime(b)
	for b.Loop() {
		text, err := sensor.NewMessage(w.RunID(), []sensor.JobKey{{ID: sensor.ID{Device: "d", Sensor: "s"}, Revision: revision}}).Encode()
		if err != nil {
			b.Fatal(err)
		}
		invoke(b, a, "score", "message", text)
		if status, reply := request(b, a, http.MethodPost, "/api/runs/"+w.RunID()+"/rescore", map[string]any{"sensors": "*"}); status != http.StatusAccepted || reply["reopened"] != 1.0 {
			b.Fatal(status, reply)
		}
		revision++
	}
	b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N)/1e6, "cpu-ms/op")
}

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
