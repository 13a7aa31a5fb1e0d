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

// hub is a fake event hub that records what it gets. It first answers with the statuses
// in first, and then accepts everything.
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

// serve starts a fake event hub, and returns it with its client.
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

// TestSendKeepsEachSensorsOrder checks that the readings of each sensor arrive in order,
// 100 in an event and 1,000 in a request.
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
				t.Fatalf("got reading %+v after %s under partition key %s", r, last[key], e.BrokerProperties.PartitionKey)
			}
			last[key] = r.TS
			count++
		}
	}
	if count != 20_000 || total != count {
		t.Errorf("%d readings arrived, %d were counted as sent; want 20000", count, total)
	}
	// Each of 8 sensors sends 2,500 readings in 3 requests. One request is refused.
	if len(rec.events) != 200 || len(rec.headers) != 25 {
		t.Errorf("%d events in %d requests, want 200 in 25", len(rec.events), len(rec.headers))
	}
}

// TestWaitingIsBounded checks that batches which are not full are sent when too many
// readings wait.
func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	queue := make(chan batch, 100)
	err := fill(t.Context(), func(yield func(fleet.Reading, error) bool) {
		for i := range 25 {
			if want := i / 10 * 2; len(queue) != want {
				t.Errorf("after %d readings of two sensors: %d batches, want %d", i, len(queue), want)
			}
			if !yield(fleet.Reading{ID: fleet.ID{Device: "d", Sensor: fmt.Sprint(i % 2)}, Time: fleet.Millis(i)}, nil) {
				return
			}
		}
	}, []chan batch{queue}, 10)
	if err != nil || len(queue) != 6 {
		t.Errorf("got %d batches, %v; want 6", len(queue), err)
	}
	for _, want := range []int{5, 5, 5, 5, 3, 2} {
		if b := <-queue; b.n != want || len(b.bodies) != 1 {
			t.Errorf("got a batch of %d readings in %d events, want %d in one", b.n, len(b.bodies), want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = fill(ctx, func(yield func(fleet.Reading, error) bool) { yield(fleet.Reading{}, nil) }, []chan batch{nil}, 1)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while the senders are busy: got %v", err)
	}
}

// TestLimitsOfEventHubs checks that partition keys and requests stay within the limits of
// Event Hubs.
func TestLimitsOfEventHubs(t *testing.T) {
	t.Parallel()
	longest := fleet.ID{Device: strings.Repeat("ü", 126), Sensor: "s"}
	if key := partitionKey(longest); key != longest.String() {
		t.Errorf("a sensor of 128 characters has the key %s, want the sensor", key)
	}
	longest.Sensor = "ss"
	if key := partitionKey(longest); len(key) != 64 {
		t.Errorf("a sensor of 129 characters has the key %s, want a hash", key)
	}
	// Each has 300 quotes and 200 backslashes, which are escaped, and 600 bytes around it.
	body := strings.Repeat(`"`, 300) + strings.Repeat(`\`, 200) + strings.Repeat("a", 98_400)
	for more, want := range map[string]int{"": 1, "a": 2} {
		if got := pieces([]string{body, body + more}); len(got) != want {
			t.Errorf("two bodies of 200,000 bytes and %q: %d requests, want %d", more, len(got), want)
		}
	}
	if got := pieces([]string{body + body + body, "a", "b"}); len(got) != 2 || len(got[1]) != 2 {
		t.Errorf("a large body and two small ones: got %d requests", len(got))
	}
}

// TestSendBatchTriesAgainOnlyWhatMayPass checks which answers of the hub are tried again.
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

// TestSendEndsWithTheSequencesError checks that Send returns the error of the readings.
func TestSendEndsWithTheSequencesError(t *testing.T) {
	t.Parallel()
	_, h := serve(t)
	broken := fmt.Errorf("data.csv:2: %w", fleet.ErrInvalid)
	err := h.Send(t.Context(), func(yield func(fleet.Reading, error) bool) { yield(fleet.Reading{}, broken) }, nil)
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

// TestParseHub checks connection strings and the signature.
func TestParseHub(t *testing.T) {
	t.Parallel()
	h, err := ParseHub("Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0;EntityPath=readings", "")
	if err != nil || h.URL != "https://ns.servicebus.windows.net/readings" {
		t.Errorf("got %+v, %v", h, err)
	}
	// The signature was computed with openssl dgst -sha256 -hmac.
	got := signature("https://ns.servicebus.windows.net/readings", "k", "c2VjcmV0", time.Unix(1700000000, 0))
	if want := "SharedAccessSignature sr=https%3A%2F%2Fns.servicebus.windows.net%2Freadings&sig=aPZGcp8lvkZiVvzvzl7Ntxk%2B6gZ8APK8yL8z4uiBuYI%3D&se=1700000000&skn=k"; got != want {
		t.Errorf("signature\n got %s\nwant %s", got, want)
	}
	for _, connection := range []string{"", "c2VjcmV0", "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKey=c2VjcmV0"} {
		if _, err := ParseHub(connection, ""); !errors.Is(err, fleet.ErrInvalid) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("ParseHub(%q): got %v, want fleet.ErrInvalid without the key", connection, err)
		}
	}
}
