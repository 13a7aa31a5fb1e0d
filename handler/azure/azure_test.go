package azure_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/blob/blobtest"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

var emulator = sync.OnceValues(func() (*azurite.Server, error) {
	return azurite.Start(context.Background(), azurite.Options{})
})

func open(t *testing.T, connectionString string) *azure.Storage {
	t.Helper()
	s, err := azure.OpenConnectionString(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func openEmulator(t *testing.T) *azure.Storage {
	t.Helper()
	e, err := emulator()
	if err != nil {
		t.Fatal(err)
	}
	return open(t, e.ConnectionString)
}

// unused returns a name that no test has used in the emulator, however often tests run.
func unused() string { return "test" + strings.ToLower(rand.Text()) }

func TestBlobs(t *testing.T) { blobtest.Test(t, openEmulator(t).Blobs(), unused()[:20]) }

func TestQueue(t *testing.T) {
	t.Parallel()
	e, err := emulator()
	if err != nil {
		t.Fatal(err)
	}
	name := unused()
	q := openEmulator(t).Queue(name)
	if n, err := q.ApproximateCount(t.Context()); n != 0 || err != nil {
		t.Errorf("before the queue exists: %d, %v", n, err)
	}
	texts := []string{`{"v":1,"run":"<&>\"é\""}`, strings.Repeat("x", 64<<10), " spaces\n"}
	var wg sync.WaitGroup
	for _, text := range texts { // all at once make the queue
		wg.Go(func() {
			if err := q.Send(t.Context(), text); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, err := q.ApproximateCount(t.Context()); n != len(texts) || err != nil {
		t.Errorf("count %d, %v; want %d", n, err, len(texts))
	}
	trigger, err := azure.OpenTriggerQueue(e.ConnectionString, name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := trigger.Dequeue(t.Context(), 32, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]bool{}
	for _, text := range texts {
		left[text] = true
	}
	for _, d := range got {
		delete(left, d.Text)
		if year := d.Expires.Year(); year < 9999 {
			t.Errorf("a message expires in %d", year)
		}
	}
	if len(left) > 0 || len(got) != len(texts) {
		t.Errorf("got %d messages, want %d; %d of those sent are missing", len(got), len(texts), len(left))
	}
	if err := q.Send(t.Context(), strings.Repeat("x", 64<<10+1)); !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "413") {
		t.Errorf("a message one byte too long: %v, want unavailable with 413", err)
	}
}

// TestConnectionsAreKept holds that many requests at once share some connections, and that
// none is closed while requests wait for one.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	const most = 48
	var mu sync.Mutex
	opened, waiting, all := 0, 0, make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if waiting++; waiting == most {
			close(all)
		}
		mu.Unlock()
		<-all // none is answered before so many have come
		w.WriteHeader(http.StatusCreated)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			opened++
			mu.Unlock()
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	s := open(t, "BlobEndpoint="+server.URL+";QueueEndpoint="+server.URL+";SharedAccessSignature=sv=1")
	var wg sync.WaitGroup
	for i := range 4 * most {
		wg.Go(func() {
			if _, err := s.Blobs().Write(t.Context(), "preds", fmt.Sprint(i), "", "", func(w io.Writer) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if opened != most {
		t.Errorf("%d connections for %d requests, want %d", opened, 4*most, most)
	}
}

// TestErrorsKeepSecrets has requests fail in several ways. No error has the key or the
// signature in its text.
func TestErrorsKeepSecrets(t *testing.T) {
	t.Parallel()
	const key, signature = "c2VjcmV0LWtleQ==", "c2VjcmV0LXNpZw%3D%3D"
	forbidden := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-ms-error-code", "AuthenticationFailed")
		http.Error(w, "you sent "+r.URL.String()+r.Header.Get("Authorization"), http.StatusForbidden)
	}))
	t.Cleanup(forbidden.Close)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(cut.Close)
	for name, address := range map[string]string{"refused": "http://127.0.0.1:1", "forbidden": forbidden.URL, "cut": cut.URL} {
		for _, secret := range []string{"AccountName=a;AccountKey=" + key, "SharedAccessSignature=sv=2020&sig=" + signature} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := open(t, fmt.Sprintf("BlobEndpoint=%s/a;QueueEndpoint=%s/a;%s", address, address, secret))
				var errs [3]error
				var wg sync.WaitGroup // each of them tries for seconds
				wg.Go(func() { _, errs[0] = s.Blobs().Stat(t.Context(), blob.Preds, "x") })
				wg.Go(func() {
					_, errs[1] = s.Blobs().Write(t.Context(), blob.Preds, "x", "", "", func(io.Writer) error { return nil })
				})
				wg.Go(func() { errs[2] = s.Queue("q").Send(t.Context(), "text") })
				wg.Wait()
				for _, err := range errs {
					if !errors.Is(err, fleet.ErrUnavailable) {
						t.Errorf("got %v, want %v", err, fleet.ErrUnavailable)
					} else if strings.Contains(err.Error(), "c2Vj") || strings.Contains(err.Error(), "sig=") || strings.Contains(err.Error(), "\n") {
						t.Errorf("the error has a secret in it, or more than one line: %v", err)
					}
				}
			})
		}
	}
}

// TestContextEndsRetries checks that a call ends with its context, however many
// tries are left.
func TestContextEndsRetries(t *testing.T) {
	t.Parallel()
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer busy.Close()
	s := open(t, "BlobEndpoint="+busy.URL+"/a;QueueEndpoint="+busy.URL+"/a;SharedAccessSignature=sv=1")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Blobs().Stat(ctx, blob.Preds, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

// TestReadGoesOn cuts the connection in the middle of a blob. Reading goes on at that
// byte, of the same version.
func TestReadGoesOn(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	var ranges []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("x-ms-range")+" "+r.Header.Get("If-Match"))
		from := 0
		fmt.Sscanf(r.Header.Get("x-ms-range"), "bytes=%d-", &from)
		w.Header().Set("ETag", `"0x1"`)
		w.Header().Set("Content-Length", strconv.Itoa(len(content)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
			w.Write(content[from:])
			return
		}
		w.Write(content[:len(content)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	s := open(t, "BlobEndpoint="+server.URL+"/a;QueueEndpoint="+server.URL+"/a;SharedAccessSignature=sv=1")
	got, info, err := s.Blobs().Read(t.Context(), blob.Models, "x", "", 1<<30)
	if err != nil || !bytes.Equal(got, content) || info.Size != int64(len(content)) || info.ETag != `"0x1"` {
		t.Errorf("read %d bytes, %+v, %v; want %d of ETag 0x1", len(got), info, err, len(content))
	}
	if len(ranges) != 2 || ranges[1] != fmt.Sprintf(`bytes=%d- "0x1"`, len(content)/2) {
		t.Errorf("asked for %q, want all, then the second half of the same version", ranges)
	}
}
