package fleet

import (
	"errors"
	"strings"
	"testing"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	counts := Counts{Scored: 92, BadModel: 5, NoModel: 2, NoData: 1}
	for text, want := range map[string]string{
		"": "", "5": "", "4": "5 jobs that went wrong, more than 4", "0": "5 jobs that went wrong, more than 0", "5%": "", "4.99%": "5 of 100 jobs that went wrong, more than 4.99%",
		"bad_model=5%": "", "bad_model=4": "5 bad_model, more than 4", "failed=0": "", "no_data=0": "1 no_data, more than 0", "no_model = 1%": "2 of 100 no_model, more than 1%",
		"10%, no_data=0%": "1 of 100 no_data, more than 0%", "100%": "",
	} {
		if got := (Settings{MaxFailed: text}).OverBudget(counts); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, wrong := range []string{"x", "-1", "1.5", "101%", "NaN", "inf", "1e3", "0x5", "5,", ",", "5,6", "scored=5", "failed=", "=5", "failed=1,failed=2", "5%%", "1e999", "99999999999"} {
		if _, err := ParseBudget(wrong); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", wrong, err)
		}
		if !strings.Contains((Settings{MaxFailed: wrong}).OverBudget(counts), "invalid") {
			t.Errorf("%q allows something", wrong)
		}
	}
}

func TestEndStateOverBudget(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		budget string
		counts Counts
		want   RunState
	}{
		{"5", Counts{Scored: 90, BadModel: 5}, RunDegraded},
		{"5", Counts{Scored: 90, BadModel: 6}, RunFailed},
		{"no_data=1", Counts{Scored: 90, NoData: 1}, RunSucceeded},
		{"no_data=1", Counts{Scored: 90, NoData: 2}, RunFailed},
		{"100%", Counts{BadModel: 1}, RunFailed}, // nothing was scored
		{"0", Counts{}, RunSucceeded},
	} {
		if got := EndState(RunRunning, c.counts, Settings{MaxFailed: c.budget}); got != c.want {
			t.Errorf("%q, %v: %s, want %s", c.budget, c.counts, got, c.want)
		}
	}
	if got := EndState(RunCancelling, Counts{BadModel: 9}, Settings{MaxFailed: "0"}); got != RunCancelled {
		t.Errorf("cancelled: %s", got)
	}
}
