package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/measure"
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
	all := settings(b, e.ConnectionString)
	a := newAppOf(b, func(name string) string {
		if name == "OUTPUT" {
			return "" // a run's Parquet files are no part of a job
		}
		return all(name)
	}, io.Discard)
	if _, err := a.storage.Blobs().Write(b.Context(), blob.Models, "d/s.pkl", "", "", func(w io.Writer) error {
		_, err := w.Write(simulate.Kinds[0].Model())
		return err
	}); err != nil {
		b.Fatal(err)
	}
	w := fleet.Window{From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)}
	var event bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&event, `{"device":"d","sensor":"s","ts":%d,"value":%d.5}`+"\n", w.From.UnixMilli()+int64(i)*3600, i%20)
	}
	invoke(b, a, "ingest", "events", [][]byte{event.Bytes()})
	if status, reply := request(b, a, http.MethodPost, "/api/runs", map[string]any{"from": w.From, "to": w.To}); status != http.StatusAccepted {
		b.Fatal(status, reply)
	}
	revision := 0
	cpu := measure.CPU()
	for b.Loop() {
		text, err := fleet.NewMessage(w.RunID(), []fleet.JobKey{{ID: fleet.ID{Device: "d", Sensor: "s"}, Revision: revision}}).Encode()
		if err != nil {
			b.Fatal(err)
		}
		invoke(b, a, "score", "message", text)
		if status, reply := request(b, a, http.MethodPost, "/api/runs/"+w.RunID()+"/rescore", map[string]any{"sensors": "*"}); status != http.StatusAccepted || reply["reopened"] != 1.0 {
			b.Fatal(status, reply)
		}
		revision++
	}
	b.ReportMetric(float64(measure.CPU()-cpu)/float64(b.N)/1e6, "cpu-ms/op")
}

// envelope returns the body of an invocation whose one value is a text.
func envelope(b *testing.B, binding, text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		b.Fatal(err)
	}
	twice, err := json.Marshal(string(quoted))
	if err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf(`{"Data":{%q:%s},"Metadata":{"DequeueCount":"1","sys":{"MethodName":"score"}}}`, binding, twice)
}

// post sends an invocation as the host does: in chunks, as its length is not known.
func post(b *testing.B, url, body string) {
	resp, err := http.Post(url, "application/json; charset=utf-8", struct{ io.Reader }{strings.NewReader(body)})
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("POST %s: %s %s %v", url, resp.Status, text, err)
	}
}
