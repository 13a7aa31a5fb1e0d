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

	"github.com/linkedin/goavro/v2"

	"github.com/fleetscore/fleetscore/handler/blob"
)

// What is done of a replay is noted: interrupted, it goes on with the file in which it
// was, and done once more it does nothing, unless it is told to.
func TestReplayGoesOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const schema = `{"type":"record","name":"EventData","fields":[{"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},{"name":"EnqueuedTimeUtc","type":"string"},
		{"name":"SystemProperties","type":{"type":"map","values":["long","string"]}},{"name":"Properties","type":{"type":"map","values":["string"]}},{"name":"Body","type":["null","bytes"]}]}`
	for i := range 3 {
		var out bytes.Buffer
		w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &out, Schema: schema})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append([]any{map[string]any{"SequenceNumber": int64(i), "Offset": "0", "EnqueuedTimeUtc": "11/27/2026 7:00:00 AM", "SystemProperties": map[string]any{}, "Properties": map[string]any{},
			"Body": goavro.Union("bytes", fmt.Appendf(nil, `{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","value":%d}`, i))}}); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, "ns", "hub", "1", "2026", "11", "27", "07", fmt.Sprintf("%02d", i), "00.avro")
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
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
			t.Errorf("got %+v, %v, want %+v", got, err, want)
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
		t.Errorf("given back %v", names)
	}
	if _, err := c.captured(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder without files is taken")
	}
	if _, err := c.captured(t.Context(), "https://a.blob.core.windows.net"); err == nil {
		t.Error("an address without a container is taken")
	}
}
