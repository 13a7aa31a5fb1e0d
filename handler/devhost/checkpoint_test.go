package devhost

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/azure"
)

// TestCheckpointAtTheEnd ends the host while a checkpoint is being written. That is no error
// for the log, and the events count as not delivered.
func TestCheckpointAtTheEnd(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	defer end()
	asked := false
	storage := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked = true
		end()
		<-r.Context().Done()
	}))
	address := storage.Listener.Addr().(*net.TCPAddr)
	blobs, err := azure.OpenHostBlobs(azure.DevelopmentConnection(address.Port, address.Port, address.Port))
	if err != nil {
		t.Fatal(err)
	}
	hub, err := openEventHub(t.TempDir(), "hub", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer hub.close()
	var log bytes.Buffer
	l := &eventListener{fn: &function{}, hub: hub, blobs: blobs, log: newLogger(slog.New(slog.NewTextHandler(&log, nil)), nil)}
	l.checkpoint(ctx, event{sequence: 6})
	storage.Close()
	if !asked || strings.Contains(log.String(), "ERROR") || l.done.Load() != 0 {
		t.Errorf("asked %v, done %d, log %s", asked, l.done.Load(), &log)
	}
}
