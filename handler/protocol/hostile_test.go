package protocol_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/ledger"
	"github.com/fleetscore/fleetscore/handler/model/registry"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/store"
)

type nowhere struct{}

func (nowhere) Send(context.Context, string) error { return nil }

const someRun = "20180828T230000Z-20180829T000000Z"

// api is the run API on a database with one sensor, a reading and a run.
func api(t testing.TB, stdout io.Writer) http.Handler {
	t.Helper()
	ctx := context.Background()
	db, err := store.Open("file:"+filepath.ToSlash(filepath.Join(t.TempDir(), "fleet.db")), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := db.InsertReadings(ctx, []fleet.Reading{{ID: fleet.ID{Device: "1", Sensor: "2"}, Time: 1535497205007, Value: 1}}, fleet.Delivery{}); err != nil {
		t.Fatal(err)
	}
	w, err := fleet.ParseRunID(someRun)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := db.OpenRequested(ctx, w, nil, fleet.Settings{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(stdout, nil))
	a := &runs.API{
		Ledger: db, Log: log, Now: time.Now, Later: func(f func(context.Context)) { f(ctx) },
		Models: &registry.Registry{Blobs: new(blob.Memory), Ledger: db, Columns: 1, Now: time.Now},
		Sender: &ledger.Sender{Outbox: db, Queue: nowhere{}, PerMessage: 1, Now: time.Now},
		Ender:  &ledger.Ender{Ledger: db, Files: new(blob.Memory), Now: time.Now},
	}
	s := protocol.New(protocol.Options{Stdout: stdout})
	protocol.Route(s, "GET", "/api/runs", 200, "", a.List)
	protocol.Route(s, "POST", "/api/runs", 202, "", a.Request)
	protocol.Route(s, "GET", "/api/runs/:id", 200, "", a.Show)
	protocol.Route(s, "GET", "/api/runs/:id/jobs", 200, "", a.Jobs)
	protocol.Route(s, "POST", "/api/runs/:id/rescore", 202, "", a.Rescore)
	protocol.Route(s, "POST", "/api/runs/:id/cancel", 202, "", a.Cancel)
	return s
}

// hostile are texts where a name, an id, a number or a time is expected.
var hostile = []string{
	"..", "../../etc/passwd", "a/b", `a\b`, "\x00", "a\x00b", strings.Repeat("a", 65), strings.Repeat("9", 4000), "Žluťoučký", "数据", "\xff\xfe",
	"' OR 1=1 --", "%", "%s%n", "${jndi:x}", "<script>", "-1", "0x10", "1e3", "NaN", "null", "true", "[]", "{}", "\r\nX-Injected: 1",
	"20180828T230000Z", "20180829T000000Z-20180828T230000Z", "20180828T230000Z-20180829T000000Z ", "99999999T000000Z-99999999T000001Z", "20180828T230000Z-20180830T000000Z",
}

// TestHostileParameters sends each hostile text in each place that each route has. The answer
// is 4xx with a text that says why, and nothing is logged.
func TestHostileParameters(t *testing.T) {
	t.Parallel()
	var stdout strings.Builder
	server := httptest.NewServer(api(t, &stdout))
	defer server.Close()
	try := func(method, target, body string) {
		t.Helper()
		r, err := http.NewRequest(method, server.URL+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Errorf("%s %.100q: %v", method, target, err)
			return
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		var reply struct{ Detail string }
		if err != nil || json.Unmarshal(text, &reply) != nil || reply.Detail == "" || len(text) > 2000 || resp.StatusCode < 400 || resp.StatusCode >= 500 {
			t.Errorf("%s %.100q %.100q: %d %.300q, %v; want 4xx with a short reason", method, target, body, resp.StatusCode, text, err)
		}
		if resp.Header.Get("X-Injected") != "" {
			t.Errorf("%s %.100q: a header was injected", method, target)
		}
	}
	for _, text := range hostile {
		id, value := url.PathEscape(text), url.QueryEscape(text)
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		try("GET", "/api/runs/"+id, "")
		try("GET", "/api/runs/"+id+"/jobs", "")
		try("POST", "/api/runs/"+id+"/rescore", "{}")
		try("POST", "/api/runs/"+id+"/cancel", "{}")
		try("GET", "/api/"+id, "")
		try("GET", "/api/runs?limit="+value+"x", "")
		try("GET", "/api/runs?"+value+"x=1", "")
		try("GET", "/api/runs/"+someRun+"/jobs?limit="+value+"x", "")
		try("GET", "/api/runs/"+someRun+"/jobs?state="+value, "")
		try("GET", "/api/runs/"+someRun+"/jobs?after=x/"+value+"/", "")
		try("POST", "/api/runs", `{"from":`+string(quoted)+`,"to":"2018-08-29T00:00:00Z"}`)
		try("POST", "/api/runs", `{"from":"2018-08-28T23:00:00Z","to":`+string(quoted)+`}`)
		try("POST", "/api/runs", text)
		try("POST", "/api/runs/"+someRun+"/rescore", `{"states":[`+string(quoted)+`]}`)
		try("POST", "/api/runs/"+someRun+"/rescore", `{"settings":`+string(quoted)+`}`)
		try("POST", "/api/runs/"+someRun+"/rescore", `{"sensors":[`+string(quoted)+`]}`)
	}
	for _, body := range []string{
		`{}`, `{"from":"2018-08-28T23:00:00Z"}`, `{"from":7,"to":8}`, `{"from":"2018-08-28T23:00:00.5Z","to":"2018-08-29T00:00:00Z"}`,
		`{"from":"2018-08-29T00:00:00Z","to":"2018-08-29T00:00:00Z"}`, `{"from":"0000-01-01T00:00:00Z","to":"2018-08-29T00:00:00Z"}`,
		`{"from":"2018-08-29T00:00:00Z","to":"9999-12-31T23:59:59Z"}`, `{"from":"2018-08-28T23:00:00Z","to":"2018-08-29T00:00:00Z","from2":1}`,
	} {
		try("POST", "/api/runs", body)
	}
	for _, target := range []string{"/api/runs?limit=-1", "/api/runs?limit=1000000", "/api/runs?limit=1&limit=2", "/api/runs?x"} {
		try("GET", target, "")
	}
	for _, method := range []string{"PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} {
		try(method, "/api/runs/"+someRun, "")
	}
	try("POST", "/api/runs/"+someRun+"/rescore", `{"sensors":"`+strings.Repeat("*", 2000)+`"}`)
	if stdout.Len() > 0 {
		t.Errorf("mistakes of a client were logged, want none: %s", stdout.String())
	}
}
