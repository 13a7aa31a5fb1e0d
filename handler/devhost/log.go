package devhost

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// logger writes the host's records under its categories, as far as host.json's
// logging.logLevel lets them through.
type logger struct {
	out    *slog.Logger
	levels map[string]slog.Level // by lower-case category prefix; "default" for the rest
}

// off is above every level: the level None.
const off = slog.Level(100)

var logLevels = map[string]slog.Level{
	"trace": slog.LevelDebug - 4, "debug": slog.LevelDebug, "information": slog.LevelInfo,
	"warning": slog.LevelWarn, "error": slog.LevelError, "critical": slog.LevelError, "none": off,
}

func newLogger(out *slog.Logger, configured map[string]string) *logger {
	l := &logger{out: out, levels: map[string]slog.Level{"default": slog.LevelInfo}}
	for category, name := range configured {
		if level, ok := logLevels[strings.ToLower(name)]; ok {
			l.levels[strings.ToLower(category)] = level
		}
	}
	return l
}

// log writes a record of category, unless its level is configured away.
func (l *logger) log(level slog.Level, category, msg string, args ...any) {
	if level >= l.least(category) {
		l.out.Log(context.Background(), level, msg, append([]any{"category", category}, args...)...)
	}
}

// mistake logs what the handler or its configuration does wrong, and how to mend it,
// in one line. No configured level suppresses it.
func (l *logger) mistake(category, what, remedy string, args ...any) {
	l.out.Error(what, append([]any{"category", category, "remedy", remedy}, args...)...)
}

// least is the level configured for the longest prefix of category.
func (l *logger) least(category string) slog.Level {
	for prefix := strings.ToLower(category); prefix != ""; {
		if level, ok := l.levels[prefix]; ok {
			return level
		}
		i := strings.LastIndexByte(prefix, '.')
		if i < 0 {
			break
		}
		prefix = prefix[:i]
	}
	return l.levels["default"]
}

// lines is an io.Writer that hands on whole lines without their ends; flush
// hands on what is left.
type lines struct {
	mu   sync.Mutex
	rest []byte
	to   func(line string)
}

func (w *lines) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		if i < 0 {
			return len(p), nil
		}
		w.to(strings.TrimSuffix(string(w.rest[:i]), "\r"))
		w.rest = w.rest[i+1:]
	}
}

func (w *lines) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.to(string(w.rest))
		w.rest = nil
	}
}

// console is where the handler's stdout and stderr go: one record a line.
type console struct {
	log *logger

	mu   sync.Mutex
	tail []string // the last three lines of stderr
}

const consoleCategory = "Host.Function.Console"

func (c *console) stdout(line string) { c.log.log(slog.LevelInfo, consoleCategory, line) }

// stderr logs a line as an error, or as a warning if its text says that it is one. The
// host does so where host.json sets useStdErrorStreamForErrorsOnly.
func (c *console) stderr(line string) {
	c.mu.Lock()
	if c.tail = append(c.tail, line); len(c.tail) > 3 {
		c.tail = c.tail[1:]
	}
	c.mu.Unlock()
	level := slog.LevelError
	if strings.Contains(strings.ToLower(line), "warn") {
		level = slog.LevelWarn
	}
	c.log.log(level, consoleCategory, line)
}

// lastErrors returns the last three lines of stderr, in one line.
func (c *console) lastErrors() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.tail, " / ")
}
