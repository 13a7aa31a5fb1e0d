package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"
	"github.com/linkedin/goavro/v2"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/blob"
)

// oneCaptured returns a file of Capture with one event.
func oneCaptured(t *testing.T, i int) []byte {
	t.Helper()
	const schema = `{"type":"record","name":"EventData","fields":[{"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},{"name":"EnqueuedTimeUtc","type":"string"},
		{"name":"SystemProperties","type":{"type":"map","values":["long","string"]}},{"name":"Properties","type":{"type":"map","values":["string"]}},{"name":"Body","type":["null","bytes"]}]}`
	var out bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &out, Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append([]any{map[string]any{"SequenceNumber": int64(i), "Offset": "0", "EnqueuedTimeUtc": "11/27/2026 7:00:00 AM", "SystemProperties": map[string]any{}, "Properties": map[string]any{},
		"Body": goavro.Union("bytes", fmt.Appendf(nil, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","value":%d}`, i))}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestReplayGoesOn interrupts a replay, which notes the files that are done. The next replay
// goes on with the file at which the first stopped. One more does nothing, unless it is told
// to begin again.
func TestReplayGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 3 {
		name := filepath.Join(dir, "ns", "hub", "1", "2026", "11", "27", "07", fmt.Sprintf("%02d", i), "00.avro")
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, oneCaptured(t, i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := console{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}
	blobs := new(blob.Memory)
	done := filepath.Join(t.TempDir(), "state", "done.txt")
	replay := func(again bool, cut string, want replayedFiles, fails bool) {
		t.Helper()
		files, err := c.captured(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		read := files.read
		files.read = func(ctx context.Context, name string) (io.ReadCloser, error) {
			in, err := read(ctx, name)
			if err == nil && cut != "" && strings.Contains(name, cut) {
				in.Close()
				return io.NopCloser(strings.NewReader("Obj\x01damaged")), nil
			}
			return in, err
		}
		if got, err := c.replay(t.Context(), files, blobs, done, again); got != want || (err != nil) != fails {
			t.Errorf("replayed %+v, %v; want %+v, and an error: %v", got, err, want, fails)
		}
	}
	replay(false, "/01/", replayedFiles{Files: 1, Events: 1}, true)
	replay(false, "", replayedFiles{Files: 2, Before: 1, Events: 2}, false)
	replay(false, "", replayedFiles{Before: 3}, false)
	replay(true, "", replayedFiles{Files: 3, Events: 3}, false)
	var names []string
	for info, err := range blobs.List(t.Context(), blob.Spill, "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	if len(names) != 3 || slices.ContainsFunc(names, func(n string) bool { return !strings.HasPrefix(n, "hub/1/") }) {
		t.Errorf("the files in the spill are %v, want three of hub/1", names)
	}
	if _, err := c.captured(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder without files of Capture gives no error")
	}
	if _, err := c.captured(t.Context(), "https://a.blob.core.windows.net"); err == nil {
		t.Error("an address without a container gives no error")
	}
}

// TestReplayFromAddress reads files of Capture from a container, with a shared access
// signature. The error for one that is missing or wrong says so.
func TestReplayFromAddress(t *testing.T) {
	t.Parallel()
	e, err := azurite.Start(t.Context(), azurite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	storage, err := azure.OpenConnectionString(e.ConnectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(storage.Close)
	for i := range 3 {
		name := fmt.Sprintf("ns/hub/1/2026/11/27/07/%02d/00.avro", i)
		if err := writeBlob(t.Context(), storage.Blobs(), "capture", name, "avro/binary", oneCaptured(t, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeBlob(t.Context(), storage.Blobs(), "capture", "ns/hub/1/notes.txt", "text/plain", []byte("no file of Capture")); err != nil {
		t.Fatal(err)
	}
	admin, err := service.NewClientFromConnectionString(e.ConnectionString, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := admin.NewContainerClient("capture").GetSASURL(sas.ContainerPermissions{Read: true, List: true}, time.Now().Add(time.Hour), nil)
	if err != nil {
		t.Fatal(err)
	}
	address, signature, _ := strings.Cut(signed, "?")
	c := console{out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}
	blobs := new(blob.Memory)
	done := filepath.Join(t.TempDir(), "done.txt")
	replay := func(prefix, signature string) (replayedFiles, error) {
		files, err := c.captured(t.Context(), address+prefix+"?"+signature)
		if err != nil {
			return replayedFiles{}, err
		}
		defer files.close()
		return c.replay(t.Context(), files, blobs, done, false)
	}
	if got, err := replay("/ns/hub/1/2026/11/27/07/01", signature); err != nil || got != (replayedFiles{Files: 1, Events: 1}) {
		t.Errorf("a prefix: %+v, %v", got, err)
	}
	if got, err := replay("", signature); err != nil || got != (replayedFiles{Files: 2, Before: 1, Events: 2}) {
		t.Errorf("the container: %+v, %v", got, err)
	}
	for _, x := range []struct{ prefix, signature, want string }{
		{"/other", signature, "has no blob other"},
		{"", strings.Replace(signature, "sig=", "sig=A", 1), "403"},
		{"", "sv=1", "it has no sig"},
	} {
		_, err := replay(x.prefix, x.signature)
		if err == nil || !strings.Contains(err.Error(), x.want) || strings.Contains(err.Error(), signature) {
			t.Errorf("%s?%s: %v, want %s", x.prefix, x.signature, err, x.want)
		}
	}
	if a, b := c.doneFile(signed, "x"), c.doneFile(address+"?sig=another", "x"); a != b {
		t.Errorf("%s and %s: what is done is forgotten with the signature", a, b)
	}
}
