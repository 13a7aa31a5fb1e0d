package devhost

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
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
// the handler. It waits for as many records as were recorded: the last come
// after the requests.
func (p *replay) compareLog(except ...string) {
	p.t.Helper()
	left := func(s string) bool {
		return slices.ContainsFunc(except, func(e string) bool { return strings.Contains(s, e) })
	}
	var want []string
	for _, l := range p.r.Log {
		if p.limit != 0 {
			l[2] = strings.ReplaceAll(l[2], p.r.HostJSON["functionTimeout"].(string), formatTimeSpan(p.limit))
		}
		if s := canonical(l[0], l[1], l[2]); !left(s) {
			want = append(want, s)
		}
	}
	var got []string
	for deadline := time.Now().Add(p.patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got = slices.DeleteFunc(p.logged(want), left); len(got) >= len(want) {
			break
		}
	}
	diff(p.t, "log record", want, got)
}

// logged are devhost's records of the kind that the recordings keep. Its own
// loud lines are left out, unless they are wanted.
func (p *replay) logged(want []string) []string {
	var got []string
	for _, r := range p.logs.all() {
		handler := strings.HasSuffix(r.category, ".User") || strings.HasPrefix(r.category, "Host.Function.") || strings.HasPrefix(r.category, "Worker.HttpWorkerProcess")
		s := strings.ReplaceAll(canonical(levelNames[r.level], r.category, r.message), p.prefix, "")
		if (handler || r.level > slog.LevelInfo) && (r.remedy == "" || slices.Contains(want, s)) {
			got = append(got, s)
		}
	}
	return got
}
