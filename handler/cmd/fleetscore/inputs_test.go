package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/fleetscore/fleetscore/handler/simulate"
)

// recorder is an event hub that keeps what it is sent.
type recorder struct {
	mu     sync.Mutex
	got    map[string]float64
	calls  int
	answer func(call int) int // the status of a call, 0 to take it; nil takes all
	taken  func(call int)     // after a call was taken
}

func (h *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if h.answer != nil {
		if status := h.answer(h.calls); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	var events []struct{ Body string }
	if json.NewDecoder(r.Body).Decode(&events) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, e := range events {
		var readings []struct {
			Device, Sensor, TS string
			Value              float64
		}
		if json.Unmarshal([]byte(e.Body), &readings) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, r := range readings {
			h.got[r.Device+"/"+r.Sensor+"@"+r.TS] = r.Value
		}
	}
	w.WriteHeader(http.StatusCreated)
	if h.taken != nil {
		h.taken(h.calls)
	}
}

// hubOf starts h, and returns the flags that send to it.
func hubOf(t *testing.T, h *recorder) []string {
	t.Helper()
	h.got = map[string]float64{}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return []string{"--connection", "Endpoint=" + strings.Replace(server.URL, "http://", "sb://", 1) + ";UseDevelopmentEmulator=true", "--hub", "readings"}
}

// pumpRow is a row of a wide Parquet file.
type pumpRow struct {
	At   time.Time `parquet:"datetime,timestamp(microsecond)"`
	Pump string    `parquet:"machineID,dict"`
	Temp float64   `parquet:"temperature"`
	Vib  float64   `parquet:"vibration"`
	Note string    `parquet:"note,dict"`
}

// TestInputs gives the same readings, in files of each kind, to all commands that read files.
// Each command has the same result with each kind.
func TestInputs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	var rows []pumpRow
	var long, split strings.Builder
	lines := map[string]string{}
	for i := range 40 {
		for _, pump := range []string{"p1", "p2"} {
			r := pumpRow{noon.Add(time.Duration(i) * time.Second), pump, 20 + float64(i%7), 0.5 * float64(i%3), "ok"}
			rows = append(rows, r)
			at := r.At.Format(time.RFC3339)
			fmt.Fprintf(&long, "%s;%s;temperature;%s\n%s;%s;vibration;%s\n", at, pump, comma(r.Temp), at, pump, comma(r.Vib))
			fmt.Fprintf(&split, `,["%s","%s",%v,%v]`, at, pump, r.Temp, r.Vib)
			lines[pump] += fmt.Sprintf(`{"ts":%d,"temperature":%v,"vibration":"%v"}`+"\n", r.At.Unix(), r.Temp, r.Vib)
		}
	}
	var table bytes.Buffer
	if err := parquet.Write(&table, rows); err != nil {
		t.Fatal(err)
	}
	header := "Zeit;Anlage;Messstelle;Wert\n"
	write(t, path("wide.parquet"), table.String())
	write(t, path("long.csv.gz"), gzipOf(t, header+long.String()))
	write(t, path("split.json"), `{"columns":["time","device","temperature","vibration"],"data":[`+split.String()[1:]+`]}`)
	for pump, text := range lines {
		write(t, path("each/"+pump+".jsonl"), text)
	}
	model := filepath.Join(dir, "models")
	write(t, filepath.Join(model, "p1", "temperature.pkl"), string(simulate.Kinds[0].Model()))
	write(t, filepath.Join(model, "p2", "vibration.pkl"), string(simulate.Kinds[1].Model()))
	write(t, path("both.features.json"), `{"rows": {"together": ["temperature", "vibration"]}, "features": ["temperature", "vibration"]}`)

	inputs := []struct {
		name, stdin string
		args        []string
	}{
		{"wide Parquet", "", []string{path("wide.parquet")}},
		{"Parquet through stdin", table.String(), []string{"-"}},
		{"CSV in gzip", "", []string{path("long.csv.gz")}},
		{"CSV in zstd through stdin", zstdOf(t, header+long.String()), []string{"-"}},
		{"JSON of pandas", "", []string{path("split.json")}},
		{"a pattern", "", []string{path("each/*.jsonl")}},
		{"a folder", "", []string{path("each")}},
		{"several files", "", []string{path("each/p2.jsonl"), path("each/p1.jsonl")}},
	}
	var readings map[string]float64
	var features string
	var scores map[string]string
	for i, in := range inputs {
		h := &recorder{}
		stdout, stderr, code := command(t, in.stdin, nil, append(append([]string{"send"}, in.args...), hubOf(t, h)...)...)
		if code != 0 || !strings.Contains(stdout, "160 readings, 0 missing, 0 refused") {
			t.Fatalf("%s: send: exit code %d: %s%s", in.name, code, stdout, stderr)
		}
		out := path(fmt.Sprintf("rows-%d.csv", i))
		if _, stderr, code = command(t, in.stdin, nil, append(append([]string{"features"}, in.args...), "--features", path("both.features.json"), "-o", out)...); code != 0 {
			t.Fatalf("%s: features: exit code %d: %s", in.name, code, stderr)
		}
		scored := path(fmt.Sprintf("scores-%d", i))
		if _, stderr, code = command(t, in.stdin, nil, append(append([]string{"score"}, in.args...), model, "-o", scored)...); code != 0 {
			t.Fatalf("%s: score: exit code %d: %s", in.name, code, stderr)
		}
		if i == 0 {
			readings, features, scores = h.got, read(t, out), tree(t, scored)
			if len(readings) != 160 || strings.Count(features, "\n") != 81 || len(scores) < 3 {
				t.Fatalf("%d readings, %d lines of features, %d files of scores", len(readings), strings.Count(features, "\n"), len(scores))
			}
			continue
		}
		if !maps.Equal(h.got, readings) {
			t.Errorf("%s: sent %v, want %v", in.name, h.got, readings)
		}
		if got := read(t, out); got != features {
			t.Errorf("%s: features\n%s\nwant\n%s", in.name, got, features)
		}
		wantTree(t, in.name, tree(t, scored), scores)
	}
	// run reads them with the same flags, and has the predictions of score.
	out := path("run")
	_, stderr, code := command(t, gzipOf(t, table.String()), nil, "run", "--dist", staged(t), "--out", out, "--data", "-", "--models", model)
	if code != 0 {
		t.Fatalf("run: exit code %d: %s", code, stderr)
	}
	got := tree(t, out)
	for name, want := range scores {
		if strings.HasSuffix(name, ".csv") && got[name] != want {
			t.Errorf("run: %s is\n%s\nwant\n%s", name, got[name], want)
		}
	}
}

func comma(x float64) string { return strings.Replace(fmt.Sprint(x), ".", ",", 1) }

func gzipOf(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstdOf(t *testing.T, s string) string {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return string(z.EncodeAll([]byte(s), nil))
}

// TestSendToHubs sends to hubs that refuse, are busy, and take a part. A refusal ends send at
// once, with the reason. send waits for a busy hub. If send is killed, the next one sends all
// again, and all arrives.
func TestSendToHubs(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "history.csv")
	var lines strings.Builder
	lines.WriteString("TS,Device,Sensor,Val\n")
	const n = 8000
	for i := range n {
		fmt.Fprintf(&lines, "%s,d%d,s,%d\n", noon.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i%5, i)
	}
	write(t, file, lines.String())
	refuses := &recorder{answer: func(int) int { return http.StatusUnauthorized }}
	_, stderr, code := command(t, "", nil, append([]string{"send", file}, hubOf(t, refuses)...)...)
	if code != 1 || !strings.Contains(stderr, "401") || len(refuses.got) != 0 || refuses.calls > 8 {
		t.Errorf("a hub that refuses: exit code %d after %d calls: %s; want 1 after at most 8, and 401", code, refuses.calls, stderr)
	}
	busy := &recorder{answer: func(call int) int {
		if call%3 == 1 {
			return http.StatusServiceUnavailable
		}
		return 0
	}}
	stdout, stderr, code := command(t, "", nil, append([]string{"send", file}, hubOf(t, busy)...)...)
	if code != 0 || len(busy.got) != n || !strings.Contains(stdout, "8000 readings, 0 missing, 0 refused") {
		t.Errorf("a busy hub: exit code %d, %d of %d readings arrived, want all: %s%s", code, len(busy.got), n, stdout, stderr)
	}
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	dies := &recorder{taken: func(call int) {
		if call == 3 {
			kill()
		}
	}}
	flags := hubOf(t, dies)
	if _, _, code := commandContext(ctx, "", nil, append([]string{"send", file}, flags...)...); code == 0 {
		t.Error("send was killed, and its exit code is 0")
	}
	first := len(dies.got)
	if first == 0 || first >= n {
		t.Fatalf("%d of %d readings had arrived when send was killed, want some", first, n)
	}
	if _, stderr, code := command(t, "", nil, append([]string{"send", file}, flags...)...); code != 0 || len(dies.got) != n {
		t.Errorf("sent again: exit code %d, %d of %d readings arrived, want all: %s", code, len(dies.got), n, stderr)
	}
}
