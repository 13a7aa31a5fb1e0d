package devhost

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
)

var exitCodes = regexp.MustCompile(`exited with code (\d+)`)

// canonical is a log record without what differs by run or wording: texts that
// carry .NET's exceptions are cut to their meaning.
func canonical(level, category, message string) string {
	switch first, _, _ := strings.Cut(message, "\n"); {
	case strings.HasPrefix(first, "Executed 'Functions.") && strings.Contains(first, "(Failed"):
		message = first[:strings.Index(first, "(Failed")] + "(Failed)"
	case strings.HasPrefix(first, "Language Worker Process exited. Pid="):
		message = "Language Worker Process exited: " + strings.Join(exitCodes.FindStringSubmatch(message), " ")
	case strings.HasPrefix(first, "Failed to start http worker process"):
		message = "Failed to start http worker process"
	case strings.Contains(message, "\nMicrosoft.Azure.WebJobs"):
		message = first // without the exception
	}
	return mask(level + " [" + category + "] " + message)
}

var levelNames = map[slog.Level]string{slog.LevelInfo: "Information", slog.LevelWarn: "Warning", slog.LevelError: "Error"}

// compareLog compares what the host logged: warnings, errors, and the lines of
// the handler.
func (p *replay) compareLog(except ...string) {
	p.t.Helper()
	left := func(s string) bool {
		return slices.ContainsFunc(except, func(e string) bool { return strings.Contains(s, e) })
	}
	var want, got []string
	for _, l := range p.r.Log {
		if s := canonical(l[0], l[1], l[2]); !left(s) {
			want = append(want, s)
		}
	}
	for _, r := range p.logs.all() {
		handler := strings.HasSuffix(r.category, ".User") || strings.HasPrefix(r.category, "Host.Function.") || strings.HasPrefix(r.category, "Worker.HttpWorkerProcess")
		if s := canonical(levelNames[r.level], r.category, strings.ReplaceAll(r.message, p.prefix, "")); (handler || r.level > slog.LevelInfo) && !left(s) {
			if r.remedy != "" && !slices.Contains(want, s) {
				continue // devhost's own loud line
			}
			got = append(got, s)
		}
	}
	diff(p.t, "log record", want, got)
}
