package devhost

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/azurite"
)

var storage = sync.OnceValues(func() (*azurite.Server, error) {
	return azurite.Start(context.Background(), azurite.Options{})
})

type jsonObject = map[string]any

// connection is that of the tests' Azurite.
func connection(t testing.TB) string {
	t.Helper()
	s, err := storage()
	if err != nil {
		t.Fatalf("Azurite: %v", err)
	}
	return s.ConnectionString
}

// apps counts the applications of a test run, so that each has queues and
// blobs of its own in the one Azurite.
var apps atomic.Int64

// app is a staged application whose handler is this test binary.
type app struct {
	t      testing.TB
	opt    Options
	record string
	prefix string // of its queues
	logs   *logBuffer
	conn   string
	// patience is how long eventually waits.
	patience time.Duration
}

// usualPatience is what a busy machine needs at most for what an idle one does in seconds.
const usualPatience = 5 * time.Minute

// newApp stages host.json (without customHandler.description, which it adds),
// the functions' function.json, and the handler's script.
func newApp(t testing.TB, host map[string]any, functions map[string]any, s map[string]any) *app {
	t.Helper()
	n := apps.Add(1)
	dir := t.TempDir()
	a := &app{
		t: t, prefix: fmt.Sprintf("c%d-", n), record: filepath.Join(dir, "record.jsonl"),
		logs: &logBuffer{}, conn: connection(t), patience: usualPatience,
	}
	root := filepath.Join(dir, "dist")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	host = clone(host)
	if host["version"] == nil {
		host["version"] = "2.0"
	}
	custom, _ := host["customHandler"].(map[string]any)
	if custom == nil {
		custom = make(map[string]any)
		host["customHandler"] = custom
	}
	description, _ := custom["description"].(map[string]any)
	if description == nil {
		description = make(map[string]any)
		custom["description"] = description
	}
	description["defaultExecutablePath"] = exe
	if args, _ := description["arguments"].([]any); len(args) == 1 {
		delete(description, "arguments") // the recorder's own script
	}
	writeFile(t, filepath.Join(root, "host.json"), host)
	for name, fn := range functions {
		writeFile(t, filepath.Join(root, name, "function.json"), a.own(clone(fn.(map[string]any))))
	}
	scriptFile := filepath.Join(dir, "script.json")
	writeFile(t, scriptFile, s)
	a.opt = Options{
		Root: root, EventDir: filepath.Join(dir, "events"), Partitions: 2,
		Log: slog.New(a.logs),
		Settings: map[string]string{
			handlerEnv: scriptFile, recordEnv: a.record,
			"AzureWebJobsStorage":           a.conn,
			"AzureFunctionsWebHost__hostid": fmt.Sprintf("test%d", n),
			"EventHubConnection":            fmt.Sprintf("Endpoint=sb://ns%d.localhost/;SharedAccessKeyName=x;SharedAccessKey=eA==", n),
		},
	}
	return a
}

// own puts the app's prefix before the name of every queue and container.
func (a *app) own(fn map[string]any) map[string]any {
	for _, b := range fn["bindings"].([]any) {
		b := b.(map[string]any)
		if q, ok := b["queueName"].(string); ok && !strings.HasPrefix(q, "%") {
			b["queueName"] = a.prefix + q
		}
	}
	return fn
}

func clone(v map[string]any) map[string]any {
	b, _ := json.Marshal(v)
	var out map[string]any
	json.Unmarshal(b, &out)
	return out
}

func writeFile(t testing.TB, path string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// start starts the host; it is closed at the test's end.
func (a *app) start() *Host {
	a.t.Helper()
	h, err := Start(a.t.Context(), a.opt)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { h.Close() })
	return h
}

// queue is one of the app's own.
func (a *app) queue(name string) *azure.TriggerQueue {
	a.t.Helper()
	q, err := azure.OpenTriggerQueue(a.conn, a.prefix+name)
	if err != nil {
		a.t.Fatal(err)
	}
	return q
}

// put creates a queue and adds messages.
func (a *app) put(name string, messages ...string) {
	a.t.Helper()
	q := a.queue(name)
	if err := q.Create(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
	for _, m := range messages {
		if err := q.Put(a.t.Context(), m); err != nil {
			a.t.Fatal(err)
		}
	}
}

// records returns what the handler has noted so far.
func (a *app) records(event string) []recorded {
	a.t.Helper()
	data, err := os.ReadFile(a.record)
	if err != nil && !os.IsNotExist(err) {
		a.t.Fatal(err)
	}
	var out []recorded
	for line := range bytes.Lines(data) {
		var r recorded
		if json.Unmarshal(line, &r) == nil && r.Event == event {
			out = append(out, r)
		}
	}
	return out
}

// requests are the invocations, without the readiness probes.
func (a *app) requests() []recorded {
	return slices.DeleteFunc(a.records("request"), func(r recorded) bool { return r.Method == "GET" && r.URL == "/" })
}

// eventually waits for ok, for a.patience at most.
func (a *app) eventually(what string, ok func() bool) {
	a.t.Helper()
	for deadline := time.Now().Add(a.patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			a.t.Fatalf("%s: not within %v\n%s", what, a.patience, a.logs)
		}
	}
}

// awaitStop waits until the host has stopped by itself.
func (a *app) awaitStop(h *Host) {
	a.t.Helper()
	a.eventually("the host stopped", func() bool { return closed(h.stopped) })
	if h.Wait() == nil {
		a.t.Error("the host stopped without an error")
	}
}

// await waits until the handler has got n requests, and returns them.
func (a *app) await(n int) []recorded {
	a.t.Helper()
	var got []recorded
	a.eventually(fmt.Sprintf("%d requests", n), func() bool { got = a.requests(); return len(got) >= n })
	return got
}

// logBuffer is a slog.Handler that keeps the records.
type logBuffer struct {
	mu      sync.Mutex
	records []logRecord
}

type logRecord struct {
	level                     slog.Level
	category, message, remedy string
}

func (l *logBuffer) Enabled(context.Context, slog.Level) bool { return true }
func (l *logBuffer) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logBuffer) WithGroup(string) slog.Handler            { return l }

func (l *logBuffer) Handle(_ context.Context, r slog.Record) error {
	rec := logRecord{level: r.Level, message: r.Message}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "category":
			rec.category = a.Value.String()
		case "remedy":
			rec.remedy = a.Value.String()
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, rec)
	return nil
}

func (l *logBuffer) all() []logRecord {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

func (l *logBuffer) String() string {
	var b strings.Builder
	for _, r := range l.all() {
		fmt.Fprintf(&b, "%v [%s] %s", r.level, r.category, r.message)
		if r.remedy != "" {
			fmt.Fprintf(&b, " → %s", r.remedy)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
