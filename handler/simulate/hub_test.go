package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// hub is a recording stand-in for an event hub. It answers the statuses of
// first before it accepts anything.
type hub struct {
	mu      sync.Mutex
	first   []int
	headers []http.Header
	events  []event
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.headers = append(h.headers, r.Header)
	if len(h.first) > 0 {
		status := h.first[0]
		h.first = h.first[1:]
		http.Error(w, "<Error><Detail>not now</Detail></Error>", status)
		return
	}
	var batch []event
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &batch); err != nil || r.URL.Path != "/readings/messages" || len(body) > 1<<20 {
		http.Error(w, r.URL.Path, http.StatusBadRequest)
		return
	}
	h.events = append(h.events, batch...)
	w.WriteHeader(http.StatusCreated)
}

func serve(t *testing.T, first ...int) (*hub, *Hub) {
	rec := &hub{first: first}
	srv := httptest.NewServer(rec)
	t.Cleanup(srv.Close)
	h, err := ParseHub("Endpoint=sb://"+strings.TrimPrefix(srv.URL, "http://")+";SharedAccessKeyName=send;SharedAccessKey=a2V5;UseDevelopmentEmulator=true;", "readings")
	if err != nil {
		t.Fatal(err)
	}
	h.Wait = time.Millisecond
	return rec, h
}

func TestSendKeepsEachSensorsOrder(t *testing.T) {
	t.Parallel()
	rec, h := serve(t, http.StatusServiceUnavailable)
	pumps := Fleet{Seed: 1, Devices: 2, Every: time.Second}
	w := fleet.Window{From: hour.From, To: hour.From.Add(2500 * time.Second)}
	var mu sync.Mutex
	total := 0
	err := h.Send(t.Context(), func(yield func(fleet.Reading, error) bool) {
		for s := range pumps.Samples(w) {
			if !yield(s.Reading, nil) {
				return
			}
		}
	}, func(n int) { mu.Lock(); total += n; mu.Unlock() })
	if err != nil {
		t.Fatal(err)
	}
	last, count := make(map[string]string), 0
	for _, e := range rec.events {
		var rs []struct {
			Device, Sensor, TS string
			Value              float64
		}
		if err := json.Unmarshal([]byte(e.Body), &rs); err != nil {
			t.Fatalf("body %.80q: %v", e.Body, err)
		}
		for _, r := range rs {
			key := r.Device + "/" + r.Sensor
			if key != e.BrokerProperties.PartitionKey || r.TS <= last[key] {
				t.Fatalf("reading %+v after %s under partition key %s", r, last[key], e.BrokerProperties.PartitionKey)
			}
			last[key] = r.TS
			count++
		}
	}
	if count != 20_000 || total != count {
		t.Errorf("%d readings arrived, %d were counted as sent; want 20000", count, total)
	}
}

func TestSendBatchTriesAgainOnlyWhatMayPass(t *testing.T) {
	t.Parallel()
	rec, h := serve(t, 503, 500, 429)
	if err := h.SendBatch(t.Context(), "a/b", []string{"[]"}); err != nil || len(rec.headers) != 4 {
		t.Errorf("after 503, 500 and 429: %v, %d requests; want success at the fourth", err, len(rec.headers))
	}
	if auth := rec.headers[0].Get("Authorization"); !strings.HasPrefix(auth, "SharedAccessSignature sr=http%3A%2F%2F127.0.0.1") || !strings.HasSuffix(auth, "&skn=send") {
		t.Errorf("Authorization %q", auth)
	}
	rec, h = serve(t, 401)
	err := h.SendBatch(t.Context(), "a/b", []string{"[]"})
	if err == nil || !strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), "not now") || len(rec.headers) != 1 {
		t.Errorf("after 401: %v, %d requests; want an error at once that repeats the answer", err, len(rec.headers))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.SendBatch(ctx, "a/b", []string{"[]"}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestSendEndsWithTheSequencesError(t *testing.T) {
	t.Parallel()
	_, h := serve(t)
	broken := fmt.Errorf("data.csv:2: %w", fleet.ErrInvalid)
	err := h.Send(t.Context(), func(yield func(fleet.Reading, error) bool) { yield(fleet.Reading{}, broken) }, nil)
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestParseHub(t *testing.T) {
	t.Parallel()
	h, err := ParseHub("Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0;EntityPath=readings", "")
	if err != nil || h.URL != "https://ns.servicebus.windows.net/readings" {
		t.Errorf("%+v, %v", h, err)
	}
	// The signature was computed with openssl dgst -sha256 -hmac.
	got := signature("https://ns.servicebus.windows.net/readings", "k", "c2VjcmV0", time.Unix(1700000000, 0))
	if want := "SharedAccessSignature sr=https%3A%2F%2Fns.servicebus.windows.net%2Freadings&sig=aPZGcp8lvkZiVvzvzl7Ntxk%2B6gZ8APK8yL8z4uiBuYI%3D&se=1700000000&skn=k"; got != want {
		t.Errorf("signature\n got %s\nwant %s", got, want)
	}
	for _, connection := range []string{"", "c2VjcmV0", "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKey=c2VjcmV0"} {
		if _, err := ParseHub(connection, ""); !errors.Is(err, fleet.ErrInvalid) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("ParseHub(%q): %v", connection, err)
		}
	}
}
