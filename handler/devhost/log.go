package devhost

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

// logger writes the host's log. logging.logLevel in host.json says which records of each category
// are written.
type logger struct {
	out    *slog.Logger
	levels map[string]slog.Level // by the beginning of a category, in lower case; "default" for others
}

// off is the level None, which no record reaches.
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

// log writes a record, if the level of its category allows it.
func (l *logger) log(level slog.Level, category, msg string, args ...any) {
	if level >= l.least(category) {
		l.out.Log(context.Background(), level, msg, append([]any{"category", category}, args...)...)
	}
}

// mistake logs a fault of the handler or its configuration, and the remedy, whatever the level of
// its category.
func (l *logger) mistake(category, what, remedy string, args ...any) {
	l.out.Error(what, append([]any{"category", category, "remedy", remedy}, args...)...)
}

// least returns the level of a category: that of the longest of its beginnings with a level.
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

// lines is an [io.Writer] that calls to with each complete line, without its line break.
type lines struct {
	mu   sync.Mutex
	rest []byte // an incomplete line
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

// flush calls to with the last line if it is incomplete.
func (w *lines) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.to(string(w.rest))
		w.rest = nil
	}
}

// console logs each line of the handler's stdout and stderr.
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
