package page

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

var functions = template.FuncMap{
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"moment":  moment,
	"count":   count,
	"percent": percent,
	"length":  length,
	"words":   func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") },
	"short":   func(s string) string { return s[:min(len(s), 12)] },
	"states":  func() []fleet.JobState { return fleet.JobStates },
	"plus":    func(a, b int) int { return a + b },
	"number":  number,
	"text":    func(s fleet.JobState) string { return string(s) },
	"list":    func(all ...string) []string { return all },
	"numbers": func(n int) []int {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	},
}

// moment writes a time as people read it; the script may put it into the reader's zone.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// count writes a whole number with its thousands apart.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// percent writes a share: 12 %, 1.2 %, 0.012 %.
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

// length writes how long something took.
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

// number writes a measured value: enough digits for an axis or a table.
func number(v float64) string {
	if v != 0 && (math.Abs(v) >= 1e6 || math.Abs(v) < 1e-3) {
		return strconv.FormatFloat(v, 'e', 3, 64)
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}
