package fleet

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Budget limits how many jobs of a run may go wrong before the run fails. The zero
// Budget has no limit.
type Budget struct{ limits []limit }

// limit is the largest number of jobs that may end in some states.
type limit struct {
	name   string // for error texts
	states []JobState
	most   float64 // a number of jobs, or a percentage of the run's jobs
	share  bool    // whether most is a percentage
}

// wrong are the states of jobs that went wrong.
var wrong = []JobState{BadModel, BadData, Failed}

// ParseBudget parses limits, separated by commas. 5 or 2.5% limits all jobs that went
// wrong: bad_model, bad_data and failed together. bad_model=5 or no_data=10% limits
// those of one state. A limit is the largest number that is allowed; 0 allows none.
// The error wraps [ErrInvalid].
func ParseBudget(text string) (Budget, error) {
	var b Budget
	if strings.TrimSpace(text) == "" {
		return b, nil
	}
	for _, part := range strings.Split(text, ",") {
		l := limit{name: "jobs that went wrong", states: wrong}
		number := strings.TrimSpace(part)
		if state, rest, ok := strings.Cut(number, "="); ok {
			s := JobState(strings.TrimSpace(state))
			if !slices.Contains(wrong, s) && s != NoData && s != NoModel {
				return Budget{}, fmt.Errorf("%w: %.40q: a limit is for bad_model, bad_data, failed, no_data or no_model", ErrInvalid, state)
			}
			l.name, l.states, number = string(s), []JobState{s}, strings.TrimSpace(rest)
		}
		if slices.ContainsFunc(b.limits, func(m limit) bool { return m.name == l.name }) {
			return Budget{}, fmt.Errorf("%w: there are two limits for %s", ErrInvalid, l.name)
		}
		number, l.share = strings.CutSuffix(number, "%")
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || math.IsNaN(n) || n < 0 || l.share && n > 100 || !l.share && (n != math.Trunc(n) || n > 1e9) || strings.Trim(number, "0123456789. ") != "" {
			return Budget{}, fmt.Errorf("%w: %.40q is neither a whole number of jobs, such as 5, nor per cent, such as 2.5%%", ErrInvalid, part)
		}
		l.most = n
		b.limits = append(b.limits, l)
	}
	return b, nil
}

// Exceeded returns a text for people about the first limit that the jobs of a run
// exceed, or "" if they exceed none.
func (b Budget) Exceeded(c Counts) string {
	for _, l := range b.limits {
		n := 0
		for _, s := range l.states {
			n += c[s]
		}
		if l.share {
			if float64(n)*100 > l.most*float64(c.Total()) {
				return fmt.Sprintf("%d of %d %s, more than %v%%", n, c.Total(), l.name, l.most)
			}
		} else if float64(n) > l.most {
			return fmt.Sprintf("%d %s, more than %v", n, l.name, l.most)
		}
	}
	return ""
}

// OverBudget is [Budget.Exceeded] for the limits in the settings. If they cannot be
// parsed, it returns the error's text; checked settings can be parsed.
func (s Settings) OverBudget(c Counts) string {
	b, err := ParseBudget(s.MaxFailed)
	if err != nil {
		return err.Error()
	}
	return b.Exceeded(c)
}
