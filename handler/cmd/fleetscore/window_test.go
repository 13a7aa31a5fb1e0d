package main

import (
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// TestTimesOfFlags checks the forms of times in flags. Without a zone they are in UTC.
func TestTimesOfFlags(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-28": day, "2026-11-28 06:00": day.Add(6 * time.Hour), "2026-11-28T07:00:00": day.Add(7 * time.Hour),
		"2026-11-28T07:00:00Z": day.Add(7 * time.Hour), "2026-11-28T07:00:00+02:00": day.Add(5 * time.Hour),
	} {
		w, given, err := windowFlags{from: text, to: "2026-11-29"}.window()
		if want := (fleet.Window{From: want, To: day.AddDate(0, 0, 1)}); err != nil || !given || w != want {
			t.Errorf("--from %q: %v, %v; want %v", text, w, err, want)
		}
		f := letterFlags{from: text}
		f.open = func() (*azure.Storage, error) { return nil, nil }
		if filter, _, err := f.filter(nil); err != nil || !filter.From.Equal(want) {
			t.Errorf("dead letters --from %q: %v, %v; want %v", text, filter.From, err, want)
		}
	}
	for _, text := range []string{"yesterday", "27/04/2026 07:00", "2026-13-01"} {
		_, _, err := windowFlags{from: text, to: "2026-11-29"}.window()
		if want := "--from \"" + text + "\": write a time such as 2026-11-27T07:00:00Z, or a date such as 2026-11-27"; err == nil || err.Error() != want {
			t.Errorf("--from %q: %v; want %s", text, err, want)
		}
	}
}
