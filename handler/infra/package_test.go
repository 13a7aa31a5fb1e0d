package infra

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/azurite"
	"github.com/fleetscore/fleetscore/handler/devhost"
	"github.com/fleetscore/fleetscore/handler/release/pack"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// TestPackageRuns unpacks the package elsewhere and drives it with only the
// settings that the snapshots hold; where these name an identity, with the
// emulator's storage and a SQLite file.
func TestPackageRuns(t *testing.T) {
	p, err := pack.Build(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	unpack(t, p.Zip, root)
	storage, err := azurite.Start(t.Context(), azurite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { storage.Close() })
	for _, shape := range []string{"main", "shapes/flex"} {
		t.Run(filepath.Base(shape), func(t *testing.T) { drive(t, root, local(t, load(t, shape).settings(t), storage.ConnectionString)) })
	}
}

// local replaces the identities.
func local(t *testing.T, deployed map[string]string, storage string) map[string]string {
	settings := map[string]string{}
	for name, value := range deployed {
		connection, _, identity := strings.Cut(name, "__")
		switch {
		case name == "SQL_DSN":
			settings[name] = "file:" + filepath.ToSlash(filepath.Join(t.TempDir(), "fleet.db"))
		case connection == "EventHubConnection":
			settings[connection] = "Endpoint=sb://localhost/;SharedAccessKeyName=x;SharedAccessKey=x"
		case identity:
			settings[connection] = storage
		case !strings.HasPrefix(value, "["):
			settings[name] = value
		}
	}
	return settings
}

// drive requests a run without sensors. The application opens it, writes its manifest and
// ends it.
func drive(t *testing.T, root string, settings map[string]string) {
	host, err := devhost.Start(t.Context(), devhost.Options{Root: root, Settings: settings, EventDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	ask(t, http.MethodGet, host.URL()+"/api/health", "", http.StatusOK)
	to := time.Now().UTC().Truncate(time.Hour) // older windows are past the retention
	body, err := json.Marshal(runs.OpenRequest{From: to.Add(-time.Hour), To: to})
	must(t, err)
	var run runs.Run
	must(t, json.Unmarshal(ask(t, http.MethodPost, host.URL()+"/api/runs", string(body), http.StatusAccepted), &run))
	for end := time.Now().Add(longest); run.State.Open() && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		must(t, json.Unmarshal(ask(t, http.MethodGet, host.URL()+"/api/runs/"+run.ID, "", http.StatusOK), &run))
	}
	if run.State != "succeeded" {
		t.Errorf("the run is %q, want succeeded", run.State)
	}
}

// longest is how long the handler of a busy machine may take to start, or to end a run.
const longest = 5 * time.Minute

// ask sends a request until the handler, which is starting, answers as wanted.
func ask(t *testing.T, method, url, body string, want int) []byte {
	t.Helper()
	var last string
	for end := time.Now().Add(longest); time.Now().Before(end); {
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			answer, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err == nil && resp.StatusCode == want {
				return answer
			}
			last = resp.Status + " " + string(answer)
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s %s: %s, want %d within %v", method, url, last, want, longest)
	return nil
}

func unpack(t *testing.T, content []byte, to string) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(to, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, f.Mode()); err != nil {
			t.Fatal(err)
		}
	}
}
