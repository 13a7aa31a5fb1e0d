package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/simulate"
)

// TestSpilled has no database while readings come: they are acknowledged, kept
// in Blob, and stored and scored once there is one.
func TestSpilled(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "sql")
	if err := os.WriteFile(folder, nil, 0o600); err != nil { // no folder, so no database in it
		t.Fatal(err)
	}
	s := newStack(t, "SQL_DSN", "file:"+filepath.ToSlash(folder)+"/fleet.db")
	pumps := simulate.Fleet{Seed: 1, Devices: 2, Every: 20 * time.Second}
	s.publishFleet(pumps)
	s.send(readings(pumps, hour))
	s.caughtUp()
	if s.spilled() == 0 {
		t.Fatal("no batch was spilled, though there is no database")
	}
	if err := os.Remove(folder); err != nil {
		t.Fatal(err)
	}
	s.drained()
	r := s.ended(s.request(hour).ID)
	if r.State != fleet.RunSucceeded {
		t.Errorf("the run is %s, want %s", r.State, fleet.RunSucceeded)
	}
	s.checkManifest(pumps, s.predictions(r.ID)["manifest.json"])
}
