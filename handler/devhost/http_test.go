package devhost

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template, path string
		want           bool
	}{
		{"status", "/api/status", true},
		{"status", "/api/STATUS/", true},
		{"status", "/api/status/x", false},
		{"status", "/status", false},
		{"a b", "/api/a%20b", true},
		{"{*path}", "/api/a/b", true},
		{"{*path}", "/api", true},
		{"{*path}", "/api/", true},
		{"{*path}", "/apis", false},
		{"{*path}", "/api/a%2Fb/..%2Fc", true},
		{"x/{*path}", "/api/X/y", true},
		{"x/{*path}", "/api/y", false},
	} {
		r, err := newRoute(&function{name: "f", trigger: binding{Route: &c.template}}, "api")
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		if got := r.match(c.path); got != c.want {
			t.Errorf("%s on %s: %v, want %v", c.template, c.path, got, c.want)
		}
	}
}

func TestRoutesThatAreNotPlayed(t *testing.T) {
	t.Parallel()
	for _, template := range []string{"/status", "{*path}/x", "a{b}", "{id}", "{id?}/x", "{"} {
		if _, err := newRoute(&function{name: "f", trigger: binding{Route: &template}}, "api"); err == nil || !strings.Contains(err.Error(), "function f") {
			t.Errorf("route %q: %v; want an error that names the function", template, err)
		}
	}
}

func TestRebuiltQuery(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                           "",
		"a=1&a=2&b=%20x%2Fy&c":       "?a=1,2&b=%20x%2Fy&c=",
		"z=%C3%A9+%2B&z2=%26":        "?z=%C3%A9%20%2B&z2=%26",
		"a=1&&A=2":                   "?a=1,2",
		"q=(a)*!$;@~_.-'\"<>|&x=%zz": "?q=(a)*!$;@~_.-%27%22%3C%3E%7C&x=%25zz",
	} {
		if got := rebuildQuery(raw); got != want {
			t.Errorf("rebuildQuery(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	k := &keys{master: "m", function: "f"}
	for _, c := range []struct {
		keys             *keys
		key, code, level string
		ok               bool
	}{
		{nil, "", "", "function", true},
		{k, "", "", "anonymous", true},
		{k, "", "", "function", false},
		{k, "wrong", "", "function", false},
		{k, "f", "", "function", true},
		{k, "", "f", "function", true},
		{k, "f", "", "admin", false},
		{k, "m", "", "admin", true},
		{k, "m", "", "function", true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/x?code="+c.code, nil)
		if c.key != "" {
			r.Header.Set("x-functions-key", c.key)
		}
		if ok := c.keys.allow(r, c.level); ok != c.ok {
			t.Errorf("key %q, code %q, level %s: %v; want %v", c.key, c.code, c.level, ok, c.ok)
		}
	}
}

func FuzzRouteAndQuery(f *testing.F) {
	f.Add("/api/a/b", "a=1&b=%20")
	f.Fuzz(func(t *testing.T, path, query string) {
		template := "x/{*rest}"
		r, err := newRoute(&function{name: "f", trigger: binding{Route: &template}}, "api")
		if err != nil {
			t.Fatal(err)
		}
		r.match(path)
		once := rebuildQuery(query)
		if twice := rebuildQuery(strings.TrimPrefix(once, "?")); twice != once {
			t.Errorf("rebuilt %q, and again %q", once, twice)
		}
	})
}
