package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestSensors lists and switches sensors by the API of an app.
func TestSensors(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"GET /api/sensors?after=a%2F1&limit=2 ":            `{"sensors":[{"device":"a","sensor":"2","enabled":true,"last":"2026-03-01T12:00:00Z"},{"device":"b","sensor":"1","enabled":false}],"next":"b/1"}`,
		`POST /api/sensors/disable {"sensors":"pump-*/t"}`: `{"matched":3,"changed":2}`,
		`POST /api/sensors/enable {"sensors":"x"}`:         "",
	}
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		answer, ok := answers[r.Method+" "+r.RequestURI+" "+string(body)]
		switch {
		case !ok:
			t.Errorf("asked %s %s %s", r.Method, r.RequestURI, body)
		case answer == "":
			w.WriteHeader(http.StatusNotFound)
			answer = `{"title":"Not Found","status":404,"detail":"no registered sensor matches"}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer app.Close()
	for _, c := range []struct {
		args, out, err string
		code           int
	}{
		{"list --limit 2 --after a/1", "SENSOR  STATE     LAST READING\na/2     enabled   2026-03-01T12:00:00Z\nb/1     disabled  -\n", "there are more: --after b/1", 0},
		{"disable pump-*/t", "3 sensors match, 2 of them are now disabled\n", "", 0},
		{"disable pump-*/t --json", "{\n  \"matched\": 3,\n  \"changed\": 2\n}\n", "", 0},
		{"enable x", "", "no registered sensor matches (404)", 1},
		{"enable", "", "SENSORS is missing", 2},
	} {
		var out, errs strings.Builder
		args := append([]string{"sensors", "--url", app.URL}, strings.Fields(c.args)...)
		code := run(context.Background(), args, func(string) string { return "" }, nil, &out, &errs)
		if code != c.code || out.String() != c.out || !strings.Contains(errs.String(), c.err) {
			t.Errorf("%s: exit %d\n%s%s", c.args, code, &out, &errs)
		}
	}
}
