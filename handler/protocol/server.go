package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/telemetry"
)

const (
	// DefaultMaxBody is the default of [Options].MaxBody, in bytes: 1,000 events of 20 kB
	// with all their metadata.
	DefaultMaxBody = 32 << 20
	// DefaultMaxSpool is the default of [Options].MaxSpool, in bytes. It is about the most
	// that the host can send: the host makes all events of a batch one string, and a
	// string of .NET has at most 2^30 characters.
	DefaultMaxSpool = 2 << 30
)

// Options are the settings of a [Server].
type Options struct {
	// Version and Commit of this program are in the reply of the health check.
	Version, Commit string
	// Stdout gets the log lines that cannot be in a reply. It is required.
	Stdout io.Writer
	// Level is the lowest level that is logged; nil means Info.
	Level slog.Leveler
	// Telemetry gets a span and the duration of each invocation; nil takes none.
	Telemetry *telemetry.Telemetry
	// MaxBody is the largest body of an invocation in memory, in bytes; 0 means
	// [DefaultMaxBody]. A longer batch of events goes through a temporary file, in
	// [os.TempDir]. Any other longer body is refused.
	MaxBody int64
	// MaxSpool is the largest size of such a file, in bytes; 0 means [DefaultMaxSpool].
	// If a batch is longer, or the disk is full, the events are read as they arrive,
	// without their metadata.
	MaxSpool int64
}

// Server answers the Functions host. Mount everything on it before it serves.
type Server struct {
	echo       *echo.Echo
	opt        Options
	log        *slog.Logger // for lines that belong to no reply
	mounted    []mounted
	operations []Operation
	health     []byte    // the reply
	bodies     sync.Pool // of *bytes.Buffer; a batch of events needs half a megabyte
}

// mounted is a function as the handler knows it.
type mounted struct{ function, trigger, binding string }

// New returns a server on which only readiness and health are mounted.
func New(opt Options) *Server {
	if opt.MaxBody == 0 {
		opt.MaxBody = DefaultMaxBody
	}
	if opt.MaxSpool == 0 {
		opt.MaxSpool = DefaultMaxSpool
	}
	handler := slog.NewJSONHandler(opt.Stdout, &slog.HandlerOptions{Level: opt.Level})
	s := &Server{echo: echo.New(), opt: opt, log: slog.New(handler)}
	s.health, _ = json.Marshal(healthReply{"ok", opt.Version, opt.Commit}) // strings can always be written
	s.bodies.New = func() any { return new(bytes.Buffer) }
	s.echo.Logger.SetOutput(io.Discard) // it writes plain text to stdout
	s.echo.HTTPErrorHandler = s.refuse
	// The host asks until it is answered, once for each start of the process.
	s.echo.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "ready\n") })
	s.mounted = append(s.mounted, mounted{"health", httpTrigger, ""})
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isHealth(r.URL.Path) {
		s.answerHealth(w, r)
		return
	}
	s.echo.ServeHTTP(w, r)
}

// isHealth reports whether p is a path of the function health, which needs no key. The
// host takes it in upper or lower case and with a slash at its end, and forwards it as
// it was written. All of these must get the answer of health and nothing else: any
// other answer would be given without a key.
func isHealth(p string) bool {
	return strings.EqualFold(path.Clean(p), "/api/health")
}

// healthReply is what the health check says.
type healthReply struct {
	Status  string `json:"status"`
	Version string `json:"version"`
	Commit  string `json:"commit"`
}

// answerHealth answers that the process serves, and touches nothing else.
func (s *Server) answerHealth(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		replyProblem(w, http.StatusMethodNotAllowed, "health is only read")
		return
	}
	replyJSON(w, http.StatusOK, s.health)
}

// replyJSON writes a whole reply. The content type is what the host insists
// on; Go would guess text/plain.
func replyJSON(w http.ResponseWriter, status int, body []byte) {
	replyAs(w, status, "application/json", body)
}

func replyAs(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// An error means that the caller is gone, and needs no handling.
	_, _ = w.Write(body)
}

// refuse answers with the error of a route, or of a request without a route. The client
// gets the errors that it can mend. Others are logged.
func (s *Server) refuse(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, text := s.explain(err, c.Request())
	if r := c.Request(); !strings.HasPrefix(r.URL.Path, "/api/") { // an invocation that no function takes
		replyJSON(c.Response(), status, errorJSON(text))
		return
	}
	replyProblem(c.Response(), status, text)
}

// explain returns what [verdict] returns, and logs errors that the client did not cause.
func (s *Server) explain(err error, r *http.Request) (int, string) {
	status, text := verdict(err, r)
	if status >= http.StatusInternalServerError {
		withStack(s.log, err).Error("request failed", "method", r.Method, "path", r.URL.Path, "invocation", invocationID(r), "err", err)
	}
	return status, text
}

// verdict returns the status for err and the text that a client may see.
func verdict(err error, r *http.Request) (int, string) {
	var he *echo.HTTPError
	if errors.As(err, &he) {
		switch he.Code {
		case http.StatusNotFound:
			return he.Code, fmt.Sprintf("there is no %.200q here", r.URL.Path)
		case http.StatusMethodNotAllowed:
			return he.Code, fmt.Sprintf("method %.20s is not for %.200q", r.Method, r.URL.Path)
		}
		return he.Code, fmt.Sprint(he.Message)
	}
	failure := fleet.FailureOf(err)
	if failure.Status < http.StatusInternalServerError {
		return failure.Status, clip(err.Error())
	}
	return failure.Status, fmt.Sprintf("%s; the log says more under invocation %s",
		strings.ToLower(http.StatusText(failure.Status)), invocationID(r))
}

// clip cuts a text that repeats too much of what the client sent.
func clip(text string) string {
	const enough = 1000
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "") + "…"
	}
	return text
}

// invocationID returns the id that the host gave r. If the client had sent one in the
// same header, the host's comes after it.
func invocationID(r *http.Request) string {
	id := r.Header.Get("X-Azure-Functions-InvocationId")
	id = strings.TrimSpace(id[strings.LastIndexByte(id, ',')+1:])
	return id[:min(len(id), 64)]
}
