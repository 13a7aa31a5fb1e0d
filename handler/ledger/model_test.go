package ledger_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/needs"
)

// TestModel runs model.py, which explores the rules of docs/ledger.md in every order, for a
// job that looks back under a registry of models. With all rules there is no violation. If
// a rule that looking back or the registry needs is switched off, there is one.
func TestModel(t *testing.T) {
	t.Parallel()
	python := needs.Tool(t, "python3", "install Python 3")
	plays := [][]string{
		{"publish=0"}, {"latemark"}, {"lookback"},
		{"publish=0", "remove=1"}, {"ifmatch=0", "scorers=1"}, {"applock"}, {"bind"}, {"bindfirst"}, {"reregister"}, {"bumplate"},
		{"sumswithend", "publish=0", "scorers=1", "kills=1"},
	}
	if testing.Short() {
		plays = plays[:3]
	}
	for _, args := range plays {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(python, append([]string{"model.py"}, args...)...).Output()
			holds := strings.HasPrefix(string(out), "no violation")
			if wants := strings.Contains(args[0], "="); holds != wants || !holds && !strings.HasPrefix(string(out), "VIOLATION") {
				t.Errorf("model.py %v: it holds: %v, want %v; %v\n%.2000s", args, holds, wants, err, out)
			}
		})
	}
}
