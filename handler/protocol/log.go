package protocol

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// journal collects the log lines of one invocation. The reply decides where they go. Lines
// that a function writes after that, because it ran longer than its deadline, go to out.
type journal struct {
	mu     sync.Mutex
	lines  bytes.Buffer
	out    io.Writer
	closed bool
}

// Write takes one log line; see [slog.NewJSONHandler].
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return j.out.Write(line)
	}
	return j.lines.Write(line)
}

// logger returns a logger of JSON lines into j.
func (j *journal) logger(level slog.Leveler, function, id string) *slog.Logger {
	h := slog.NewJSONHandler(j, &slog.HandlerOptions{Level: level})
	return slog.New(h).With("function", function, "invocation", id)
}

// close returns the lines for the reply. If reply is false, the host would not read them
// there. Then close writes them to out, and returns none.
func (j *journal) close(reply bool) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	if j.lines.Len() == 0 {
		return nil
	}
	if !reply {
		// An error in writing the log cannot be reported anywhere.
		_, _ = j.out.Write(j.lines.Bytes())
		return nil
	}
	return strings.Split(strings.TrimSuffix(j.lines.String(), "\n"), "\n")
}
