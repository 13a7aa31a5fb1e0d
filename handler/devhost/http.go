package devhost

import (
	"context"
	"crypto/subtle"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxRequestBody is the host's limit of a request's body, in bytes.
const maxRequestBody = 104857600

// httpCall is a client's request of an HTTP function.
type httpCall struct {
	r      *http.Request
	path   string // as the client escaped it
	body   []byte
	answer *answer // of the function; nil if it failed
}

// answer is the response to a client.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// front serves the routes of the HTTP functions.
type front struct {
	host   *Host
	routes []*route // in the order of the functions' names
	keys   *keys    // nil: callers need no keys
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Kestrel")
	path, _, _ := strings.Cut(r.RequestURI, "?")
	for _, route := range f.routes {
		if route.match(path) && route.takes(r.Method) {
			f.call(w, r, route.fn, path)
			return
		}
	}
	if path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>devhost</title><p>Your function app is up and running.")
		return
	}
	empty(w, http.StatusNotFound)
}

// call runs fn for r and answers the client. If fn fails, the answer is 500 without a body.
func (f *front) call(w http.ResponseWriter, r *http.Request, fn *function, path string) {
	if !f.keys.allow(r, fn.trigger.AuthLevel) {
		empty(w, http.StatusUnauthorized)
		return
	}
	hc := &httpCall{r: r, path: path}
	if r.ContentLength > maxRequestBody {
		empty(w, http.StatusRequestEntityTooLarge)
		return
	}
	if r.ContentLength > 0 { // the host drops a chunked body
		var err error
		if hc.body, err = io.ReadAll(r.Body); err != nil {
			return // the client is gone
		}
	}
	c := &call{fn: fn, reason: "This function was programmatically called via the host APIs.", http: hc}
	if err := f.host.invoker.execute(context.WithoutCancel(r.Context()), c); err != nil || hc.answer == nil {
		empty(w, http.StatusInternalServerError)
		return
	}
	hc.answer.write(w)
}

func empty(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

func (a *answer) write(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if bodyAllowed(a.status) {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		if len(a.header["Content-Type"]) == 0 {
			w.Header()["Content-Type"] = nil // so that net/http does not guess one
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// keys are the keys of the application. If they are nil, callers need none, as in Core Tools
// without --enableAuth.
type keys struct{ master, function string }

// allow reports whether r may call a function with the authLevel.
func (k *keys) allow(r *http.Request, level string) bool {
	if k == nil || level == "anonymous" {
		return true
	}
	key := r.Header.Get("X-Functions-Key")
	if key == "" {
		key = r.URL.Query().Get("code")
	}
	same := func(want string) bool { return subtle.ConstantTimeCompare([]byte(key), []byte(want)) == 1 }
	return same(k.master) || level == "function" && same(k.function)
}
