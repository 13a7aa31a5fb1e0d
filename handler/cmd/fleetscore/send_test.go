package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestSend sends two files of different shapes, one damaged, to a hub that
// first asks to wait.
func TestSend(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := map[string]float64{}
	asked := false
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !asked {
			asked = true
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		var events []struct{ Body string }
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			t.Error(err)
		}
		for _, e := range events {
			var readings []struct {
				Device, Sensor, TS string
				Value              float64
			}
			if err := json.Unmarshal([]byte(e.Body), &readings); err != nil {
				t.Error(err)
			}
			for _, r := range readings {
				got[r.Device+"/"+r.Sensor+"@"+r.TS] = r.Value
			}
		}
		w.WriteHeader(http.StatusCreated)
	}))
	defer hub.Close()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "pump-1.csv"), "Zeit;Druck;Temp\n27.11.2026 08:00:00;1,5;20\n27.11.2026 08:00:30;;21\nkaputt\n")
	write(t, filepath.Join(dir, "lines.jsonl"), `{"device":"pump-2","sensor":"Temp","ts":1795762800,"value":22}`+"\n")
	connection := "Endpoint=" + strings.Replace(hub.URL, "http://", "sb://", 1) + ";UseDevelopmentEmulator=true"
	stdout, stderr, code := command(t, "", nil, "send", dir, "--zone", "Europe/Berlin", "--connection", connection, "--hub", "readings")
	if code != 0 || !strings.Contains(stdout, "4 rows of 2 files: 4 readings, 1 missing, 1 refused") || !strings.Contains(stderr, "pump-1.csv:4: ") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	want := map[string]float64{
		"pump-1/Druck@2026-11-27T07:00:00.000Z": 1.5, "pump-1/Temp@2026-11-27T07:00:00.000Z": 20, "pump-1/Temp@2026-11-27T07:00:30.000Z": 21, "pump-2/Temp@2026-11-27T07:00:00.000Z": 22,
	}
	if len(got) != len(want) {
		t.Errorf("%v arrived, want %v", got, want)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s is %v, want %v", k, got[k], v)
		}
	}
	if strings.Contains(stderr, "without a zone") {
		t.Errorf("--zone was given, and the command says: %s", stderr)
	}
	_, stderr, _ = command(t, "", nil, "send", dir, "--connection", connection, "--hub", "readings")
	if n := strings.Count(stderr, "times without a zone are read as UTC, such as 2026-11-27 08:00:00 in "); n != 1 {
		t.Errorf("%d notices of times without a zone: %s", n, stderr)
	}
	_, stderr, _ = command(t, "", nil, "send", filepath.Join(dir, "lines.jsonl"), "--connection", connection, "--hub", "readings")
	if strings.Contains(stderr, "without a zone") {
		t.Errorf("seconds since 1970 are in UTC, and the command says: %s", stderr)
	}
	_, stderr, code = command(t, "", nil, "send", filepath.Join(dir, "pump-1.csv"), "--strict", "--connection", connection, "--hub", "readings")
	if code != 1 || !strings.Contains(stderr, "pump-1.csv:4: ") {
		t.Errorf("strict: exit code %d: %s", code, stderr)
	}
}

// TestSendNeedsAHub checks that send does not try again where nothing listens, and says what to
// start.
func TestSendNeedsAHub(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.csv")
	write(t, file, "TS,Device,Sensor,Val\n2026-11-27T07:00:00Z,d,s,1\n")
	_, stderr, code := command(t, "", nil, "send", file, "--connection", "Endpoint=sb://localhost:1;UseDevelopmentEmulator=true", "--hub", "readings")
	if want := "fleetscore: no event hub answers at http://localhost:1/readings: start one with fleetscore serve"; code != 1 || !strings.HasPrefix(stderr, want) {
		t.Errorf("exit code %d: %s\nwant %s", code, stderr, want)
	}
}
