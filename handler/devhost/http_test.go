package devhost

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template, path string
		want           string // the parameters, or "no"
	}{
		{"status", "/api/status", ""},
		{"status", "/api/STATUS/", ""},
		{"status", "/api/status/x", "no"},
		{"status", "/status", "no"},
		{"runs/{id}", "/api/runs/7", "id=7"},
		{"runs/{id}", "/api/runs/a%20b%2Fc", "id=a b/c"},
		{"runs/{id}", "/api/runs", "no"},
		{"runs/{id?}", "/api/runs", "id=nil"},
		{"items/{id:int}/{name?}", "/api/items/42/bob", "id=42 name=bob"},
		{"items/{id:int}/{name?}", "/api/items/42", "id=42 name=nil"},
		{"items/{id:int}/{name?}", "/api/items/abc", "no"},
		{"items/{id:int}/{name?}", "/api/items/42/bob/x", "no"},
		{"{*path}", "/api/a/b", "path=a/b"},
		{"{*path}", "/api", "path=nil"},
		{"{*path}", "/api/", "path=nil"},
		{"{*path}", "/apis", "no"},
		{"{*path}", "/api/a%2Fb/..%2Fc", "path=a/b/../c"},
		{"runs/{id:guid}", "/api/runs/00000000-0000-0000-0000-000000000000", "id=00000000-0000-0000-0000-000000000000"},
		{"runs/{on:bool}", "/api/runs/maybe", "no"},
	} {
		r, err := newRoute(&function{name: "f", trigger: binding{Route: &c.template}}, "api")
		if err != nil {
			t.Errorf("%s: %v", c.template, err)
			continue
		}
		got := "no"
		if params, ok := r.match(c.path); ok {
			var list []string
			for _, p := range params {
				value := "nil"
				if p.value != nil {
					value = *p.value
				}
				list = append(list, p.name+"="+value)
			}
			got = strings.Join(list, " ")
		}
		if got != c.want {
			t.Errorf("%s on %s: %q, want %q", c.template, c.path, got, c.want)
		}
	}
}

func TestRoutesThatAreNotPlayed(t *testing.T) {
	t.Parallel()
	for _, template := range []string{"/status", "{*path}/x", "a{b}", "{id:regex(x)}", "{id:range}", "{id=5}", "{"} {
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
		as               string
		ok               bool
	}{
		{nil, "", "", "admin", "", true},
		{k, "", "", "anonymous", "", true},
		{k, "", "", "function", "", false},
		{k, "wrong", "", "function", "", false},
		{k, "f", "", "function", "Function", true},
		{k, "", "f", "function", "Function", true},
		{k, "f", "", "admin", "Function", false},
		{k, "m", "", "admin", "Admin", true},
		{k, "m", "", "function", "Admin", true},
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/x?code="+c.code, nil)
		if c.key != "" {
			r.Header.Set("x-functions-key", c.key)
		}
		if as, ok := c.keys.allow(r, c.level); as != c.as || ok != c.ok {
			t.Errorf("key %q, code %q, level %s: %q, %v; want %q, %v", c.key, c.code, c.level, as, ok, c.as, c.ok)
		}
	}
}

func TestMessagesOfAQueueOutput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value, dataType string
		want            []string
	}{
		{`"orders"`, "", []string{"orders"}},
		{`"test"`, "", []string{"\xb5\xeb-"}},
		{`"test"`, "binary", []string{"test"}},
		{`"{\"a\":1}"`, "", []string{"{\n  \"a\": 1\n}"}},
		{`"[1,2]"`, "", []string{"1", "2"}},
		{`["test",1.50,true,null,["x"],1e20]`, "", []string{"test", "1.5", "True", "", "[\n  \"x\"\n]", "1E+20"}},
		{`"2026-01-02T03:04:05Z"`, "", []string{"01/02/2026 03:04:05"}},
		{`[]`, "", nil},
	} {
		v, err := decodeFirst([]byte(c.value))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range queueMessages(v, c.dataType) {
			got = append(got, string(m))
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %s: %q, want %q", c.value, c.dataType, got, c.want)
		}
	}
}

func FuzzRouteAndQuery(f *testing.F) {
	f.Add("/api/a/b", "a=1&b=%20")
	f.Fuzz(func(t *testing.T, path, query string) {
		template := "{x?}/{*rest}"
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
