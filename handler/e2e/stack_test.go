package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/devhost"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/loopback"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// stack is everything that one deployment has, and nobody else.
type stack struct {
	*testing.T
	host  *host
	url   string // of the HTTP functions
	hub   *simulate.Hub
	blobs *azure.Blobs
	sql   string // DSN
	// secrets may be in nothing that is written.
	secrets []string
	// patience is how long eventually and attempt wait.
	patience time.Duration
}

// layout is how a stack is put together.
type layout struct {
	root     func() (string, error)            // stages the application
	sql      func(dir string) string           // DSN of a database; nil is a SQLite file in dir
	through  func(name, address string) string // what stands before a server; nil is nothing
	settings []string                          // beside the usual ones: names and values, in turn
	patience time.Duration                     // 0 is usualPatience
}

// usualPatience is what a busy machine needs at most for what an idle one does in a second or two.
const usualPatience = 5 * time.Minute

// newStack starts a stack with these settings beside the usual ones: names
// and values, in turn.
func newStack(t *testing.T, more ...string) *stack {
	t.Helper()
	return layout{root: dist, settings: more}.start(t)
}

func (l layout) start(t *testing.T) *stack {
	t.Helper()
	root, err := l.root()
	if err != nil {
		t.Fatal(err)
	}
	storage, err := azurite.Start(t.Context(), azurite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { storage.Close() })
	dir, port, eventPort := t.TempDir(), freePort(t), freePort(t)
	s := &stack{
		T: t, blobs: openBlobs(t, storage.ConnectionString), sql: "file:" + filepath.ToSlash(filepath.Join(dir, "fleet.db")), patience: cmp.Or(l.patience, usualPatience),
		url: fmt.Sprintf("http://127.0.0.1:%d", port), hub: &simulate.Hub{URL: fmt.Sprintf("http://127.0.0.1:%d/readings", eventPort)},
	}
	if l.sql != nil {
		s.sql = l.sql(dir)
	}
	connection, dsn := storage.ConnectionString, s.sql
	if l.through != nil {
		connection = azure.DevelopmentConnection(l.port(t, "blob", storage.BlobPort), l.port(t, "queue", storage.QueuePort), storage.TablePort)
		if u, err := url.Parse(dsn); err == nil && u.Scheme == "sqlserver" {
			u.Host = l.through("sql", u.Host)
			dsn = u.String()
		}
	}
	settings := map[string]string{
		"AzureWebJobsStorage": connection, "DataStorage": connection, "SQL_DSN": dsn,
		"EventHubConnection": "Endpoint=sb://localhost/;SharedAccessKeyName=x;SharedAccessKey=" + hubKey, "EVENTHUB_NAME": "readings", "EVENTHUB_CONSUMER_GROUP": "$Default",
		"SCORE_TICK": "*/2 * * * * *", "SCORE_SCHEDULE": "0 0 0 29 2 *", // no window falls due by itself
		"AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01", // what failed comes again after a second, not after a minute
	}
	for i := 0; i < len(l.settings); i += 2 {
		settings[l.settings[i]] = l.settings[i+1]
	}
	log := filepath.Join(dir, "log")
	s.host = startHost(t, hostConfig{Log: log, Options: devhost.Options{
		Root: root, Settings: settings, HTTPPort: port, EventPort: eventPort,
		EventDir: filepath.Join(dir, "events"), MessageLease: 4 * time.Second, // see there: a shorter one is over before a starved host renews it
	}})
	s.secrets = []string{accountKey(storage.ConnectionString), hubKey}
	if u, err := url.Parse(s.sql); err == nil {
		if password, ok := u.User.Password(); ok {
			s.secrets = append(s.secrets, password)
		}
	}
	t.Cleanup(func() { s.checkWritten(log) })
	return s
}

// hubKey lets one into the event hub.
const hubKey = "aHViLWtleS10aGF0LW5vYm9keS1tYXktc2Vl"

func accountKey(connection string) string {
	_, key, _ := strings.Cut(connection, "AccountKey=")
	key, _, _ = strings.Cut(key, ";")
	return key
}

// checkWritten looks for secrets in all that was logged, by host and handler,
// and written to blobs, and shows the log if the test has failed.
func (s *stack) checkWritten(file string) {
	log, err := os.ReadFile(file)
	if err != nil {
		s.Error(err)
	}
	s.checkSecrets("the log", log)
	ctx := context.Background() // the test's own has ended
	for _, container := range []string{blob.Preds, blob.Logs, blob.DeadLetter} {
		for info, err := range s.blobs.List(ctx, container, "") {
			if err != nil {
				s.Error(err)
				return
			}
			content, _, err := s.blobs.Read(ctx, container, info.Name, "", 1<<30)
			if err != nil {
				s.Error(err)
			}
			s.checkSecrets("blob "+container+"/"+info.Name, content)
		}
	}
	if s.Failed() {
		s.Logf("%s", log[max(0, len(log)-20_000):])
	}
}

func (s *stack) checkSecrets(where string, content []byte) {
	for _, secret := range s.secrets {
		if secret == "" || bytes.Contains(content, []byte(secret)) {
			s.Errorf("a secret is in %s, or there is none to look for", where)
		}
	}
}

// port is the one that leads to a port of this machine.
func (l layout) port(t *testing.T, name string, port int) int {
	t.Helper()
	_, text, err := net.SplitHostPort(l.through(name, fmt.Sprintf("127.0.0.1:%d", port)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func openBlobs(t *testing.T, connectionString string) *azure.Blobs {
	t.Helper()
	account, err := azure.OpenConnectionString(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(account.Close)
	return account.Blobs()
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := loopback.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// eventually waits until ok, for s.patience at most.
func (s *stack) eventually(what string, ok func() bool) {
	s.Helper()
	s.attempt(what, func() error {
		if ok() {
			return nil
		}
		return errors.New("it is not so")
	})
}

// attempt calls f until it returns no error, for s.patience at most.
func (s *stack) attempt(what string, f func() error) {
	s.Helper()
	for end := time.Now().Add(s.patience); ; time.Sleep(20 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			s.Fatalf("%s: not within %v: at last, %v", what, s.patience, err)
		}
	}
}

func (s *stack) publish(name string, content []byte) {
	s.Helper()
	if _, err := s.blobs.Write(s.Context(), blob.Models, name, "", "", func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}); err != nil {
		s.Fatal(err)
	}
}

// publishFleet publishes the model of each sensor of f.
func (s *stack) publishFleet(f simulate.Fleet) {
	s.Helper()
	for _, x := range f.Sensors() {
		s.publish(x.ID.Path()+".pkl", x.Kind.Model())
	}
}

// refreshed waits until what is published counts for scheduled runs. Whoever asks
// for a run need not wait.
func (s *stack) refreshed() {
	s.Helper()
	s.eventually("models are registered", func() bool {
		var r struct{ Models int }
		return s.call(http.MethodPost, "/api/models/refresh", nil, &r) && r.Models > 0
	})
}

func readings(f simulate.Fleet, w fleet.Window) iter.Seq2[fleet.Reading, error] {
	return func(yield func(fleet.Reading, error) bool) {
		for sample := range f.Samples(w) {
			if !yield(sample.Reading, nil) {
				return
			}
		}
	}
}

// ingest sends readings and waits until all are stored.
func (s *stack) ingest(all iter.Seq2[fleet.Reading, error]) {
	s.Helper()
	s.send(all)
	s.caughtUp()
	s.drained()
}

// send sends readings, again if the host is just then dead: those that have come twice
// count once.
func (s *stack) send(all iter.Seq2[fleet.Reading, error]) {
	s.Helper()
	s.attempt("readings are sent", func() error { return s.hub.Send(s.Context(), all, nil) })
}

// caughtUp waits until all events are dealt with: stored, spilled or in the dead letter.
func (s *stack) caughtUp() {
	s.Helper()
	s.eventually("checkpoints at the end", func() bool { return s.host.ask("caught up?") == "true" })
}

// drained waits until all that was spilled is stored. A busy machine may spill.
func (s *stack) drained() {
	s.Helper()
	s.eventually("what was spilled is drained", func() bool { return s.spilled() == 0 })
}

// spilled counts the spilled batches.
func (s *stack) spilled() (n int) {
	s.Helper()
	for _, err := range s.blobs.List(s.Context(), blob.Spill, "") {
		if err != nil {
			s.Fatal(err)
		}
		n++
	}
	return n
}

// run is what the API says of a run.
type run struct {
	ID    string
	State fleet.RunState
	Epoch int
}

// call asks the API; false if it did not answer, or not with a 2xx.
func (s *stack) call(method, path string, body, reply any) bool {
	content, err := json.Marshal(body)
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.Context(), s.patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(content))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	content, err = io.ReadAll(answer.Body)
	s.checkSecrets(method+" "+path, content)
	return err == nil && answer.StatusCode/100 == 2 && json.Unmarshal(content, reply) == nil
}

// request asks for a run of w until it is promised.
func (s *stack) request(w fleet.Window) (r run) {
	s.Helper()
	s.eventually("a run is opened", func() bool {
		return s.call(http.MethodPost, "/api/runs", map[string]time.Time{"from": w.From, "to": w.To}, &r)
	})
	return r
}

// ended waits until a run has ended.
func (s *stack) ended(id string) (r run) {
	s.Helper()
	s.eventually("run "+id+" ends", func() bool {
		return s.call(http.MethodGet, "/api/runs/"+id, nil, &r) && !r.State.Open()
	})
	return r
}

// predictions returns the content of all blobs of a run, by name; the manifest
// without epoch, its reason and revisions, which tell of what happened on the way.
func (s *stack) predictions(id string) map[string]string {
	s.Helper()
	all := map[string]string{}
	for info, err := range s.blobs.List(s.Context(), blob.Preds, id+"/") {
		if err != nil {
			s.Fatal(err)
		}
		content, _, err := s.blobs.Read(s.Context(), blob.Preds, info.Name, "", 1<<30)
		if err != nil {
			s.Fatal(err)
		}
		if strings.HasSuffix(info.Name, "/manifest.json") {
			content = s.withoutEpoch(content)
		}
		all[strings.TrimPrefix(info.Name, id+"/")] = string(content)
	}
	return all
}

func (s *stack) withoutEpoch(manifest []byte) []byte {
	s.Helper()
	var m map[string]any
	if err := json.Unmarshal(manifest, &m); err != nil {
		s.Fatal(err)
	}
	delete(m, "epoch")
	delete(m, "reason")
	for _, job := range m["jobs"].([]any) {
		delete(job.(map[string]any), "revision")
	}
	plain, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		s.Fatal(err)
	}
	return plain
}

// same compares the blobs of two runs.
func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %d bytes, want %d:\n%.2000s\nwant\n%.2000s", name, len(got[name]), len(want[name]), got[name], want[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s should not be there", name)
		}
	}
}
