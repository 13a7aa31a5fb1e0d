package page

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/runs"
)

var functions = template.FuncMap{
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"moment":  moment,
	"never":   func() time.Time { return time.Time{} },
	"count":   count,
	"many":    many,
	"percent": percent,
	"length":  length,
	"words":   func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") },
	"short":   func(s string) string { return s[:min(len(s), 12)] },
	"states":  func() []fleet.JobState { return fleet.JobStates },
	"plus":    func(a, b int) int { return a + b },
	"number": func(v any) string {
		if p, ok := v.(*float64); ok {
			return number(*p)
		}
		return number(v.(float64))
	},
	"text":    func(s fleet.JobState) string { return string(s) },
	"bytes":   bytes,
	"seconds": func(ms int64) string { return length(time.Time{}, time.Time{}.Add(time.Duration(ms)*time.Millisecond)) },
	"json": func(v any) (string, error) {
		text, err := json.MarshalIndent(v, "", "  ")
		return string(text), err
	},
	"shell": func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" },
	"last":  func(all []runs.AnomalousPiece) []runs.AnomalousPiece { return all[max(0, len(all)-5):] },
	"rescore": func(id fleet.ID) (string, error) {
		text, err := json.Marshal(runs.RescoreRequest{Job: id.String()})
		return string(text), err
	},
	"rollback": func(name string) (string, error) {
		text, err := json.Marshal(runs.RollbackRequest{Model: name})
		return string(text), err
	},
	"remove": func(name string) (string, error) {
		text, err := json.Marshal(runs.RemoveRequest{Model: name})
		return string(text), err
	},
	"parse": func(id string) *fleet.Window {
		w, err := fleet.ParseRunID(id)
		if err != nil {
			return nil
		}
		return &w
	},
	"lag":  func(seconds float64) string { return length(time.Time{}, time.Time{}.Add(durationOf(seconds))) },
	"list": func(all ...string) []string { return all },
}

// moment formats a time in UTC. The script may replace it by the time in the reader's zone.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// many writes a number of things, of which one has the name thing.
func many(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return count(n) + " " + thing
}

// count formats a whole number with a narrow space between groups of three digits.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// percent formats a share as a percentage: 12 %, 1.2 %, 0.012 %.
func percent(share float64) string {
	switch p := share * 100; {
	case p == 0:
		return "0 %"
	case p >= 10:
		return fmt.Sprintf("%.0f %%", p)
	default:
		return fmt.Sprintf("%.2g %%", p)
	}
}

// durationOf returns a number of seconds as a duration.
func durationOf(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// bytes formats a size.
func bytes(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.3g kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.3g MB", float64(n)/(1<<20))
}

// length formats the time from from to to.
func length(from, to time.Time) string {
	d := to.Sub(from)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
