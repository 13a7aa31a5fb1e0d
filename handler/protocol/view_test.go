package protocol

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

func paged(stdout io.Writer, f func(context.Context, ask) (ask, error)) *Server {
	s := New(Options{Stdout: stdout})
	Page(s, "/api/runs/:id", "shows something", func(w io.Writer, v View) error {
		if p, ok := v.Data.(Problem); ok {
			_, err := fmt.Fprintf(w, "problem %d %s", p.Status, p.Detail)
			return err
		}
		_, err := fmt.Fprintf(w, "page of %s at %s, key %q", v.Data.(ask).ID, v.URL.Path, v.Key)
		return err
	}, f)
	return s
}

func TestPage(t *testing.T) {
	t.Parallel()
	var logged strings.Builder
	s := paged(&logged, func(_ context.Context, a ask) (ask, error) {
		switch a.ID {
		case "none":
			return ask{}, fmt.Errorf("run none: %w", fleet.ErrNotFound)
		case "broken":
			return ask{}, errors.New("a secret of the database")
		}
		return a, nil
	})
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, c := range []struct {
		accept, address string
		status          int
		kind, says      string
	}{
		{browser, "/api/runs/1?code=k%26y", 200, "text/html; charset=utf-8", `page of 1 at /api/runs/1, key "k&y"`},
		{browser, "/api/runs/none", 404, "text/html; charset=utf-8", "problem 404 run none: not found"},
		{browser, "/api/runs/1?limit=x", 400, "text/html; charset=utf-8", "problem 400 invalid: query parameter limit"},
		{browser, "/api/runs/broken", 500, "text/html; charset=utf-8", "problem 500 internal server error; the log says more"},
		{"", "/api/runs/1", 200, "application/json", `"glob":""`},
		{"application/json", "/api/runs/none", 404, "application/problem+json", `"detail":"run none: not found"`},
		{"*/*", "/api/runs/1", 200, "application/json", `"glob":""`},
	} {
		r := httptest.NewRequest("GET", c.address, nil)
		r.Header.Set("Accept", c.accept)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != c.status || h.Get("Content-Type") != c.kind || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s for %q: %d, %s, %s; want %d, %s, %s", c.address, c.accept, w.Code, h.Get("Content-Type"), w.Body, c.status, c.kind, c.says)
		}
		if h.Get("Vary") != "Accept" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", c.address, h)
		}
		if policy := h.Get("Content-Security-Policy"); c.accept == browser && (!strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe")) {
			t.Errorf("%s: policy %q", c.address, policy)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s tells %s", c.address, w.Body)
		}
	}
	if strings.Count(logged.String(), "a secret of the database") != 1 {
		t.Errorf("logged %s", &logged)
	}
}

func TestPageThatCannotBeDrawn(t *testing.T) {
	t.Parallel()
	s := New(Options{Stdout: io.Discard})
	Page(s, "/api/runs/:id", "shows something", func(w io.Writer, _ View) error {
		io.WriteString(w, "half a page")
		return errors.New("no template")
	}, func(_ context.Context, a ask) (ask, error) { return a, nil })
	r := httptest.NewRequest("GET", "/api/runs/1", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 500 || strings.Contains(w.Body.String(), "half") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
