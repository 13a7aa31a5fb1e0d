package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// try runs ingest try and returns what it writes and its exit code.
func try(t *testing.T, stdin string, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), append([]string{"ingest", "try"}, args...), func(string) string { return "" }, strings.NewReader(stdin), &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

// Each case of the mappings' own tests comes out as it says.
func TestTryCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../ingest/mapping/testdata/events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c eventCase
		if err := json.Unmarshal(content, &c); err != nil {
			t.Fatal(err)
		}
		out, errs, code := try(t, "", file, "--json")
		var got tried
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%s: %v: %s%s", file, err, out, errs)
		}
		if want := min(1, len(got.Refused)); code != want || (c.Refused != "") != (want == 1) || got.Differs != nil {
			t.Errorf("%s: exit code %d, %s", file, code, out)
		}
		if c.Expect != nil {
			have, _ := json.Marshal(got.Stored)
			want, _ := json.Marshal(*c.Expect)
			if string(have) != string(want) && len(got.Stored)+len(*c.Expect) > 0 {
				t.Errorf("%s: stored %s, want %s", file, have, want)
			}
		}
	}
}

func TestTry(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "plant.jq")
	if err := os.WriteFile(program, []byte("{device: .d, sensor: \"s\",\n ts: $enqueued, value: (.v | decimal_comma)}"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken.jq")
	if err := os.WriteFile(broken, []byte("{device: .d,\n sensor: }"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := "--enqueued=2026-11-27T07:00:02Z"
	for _, c := range []struct {
		stdin string
		args  []string
		code  int
		want  []string
	}{
		{"{\"d\":\"a\",\"v\":\"1,5\"}\n{\"d\":\"b\",\"v\":\"2,5\"}\n", []string{"-", "--lines", "--map", program, at}, 0,
			[]string{"a       s       2026-11-27T07:00:02Z  1.5\n", "b       s       2026-11-27T07:00:02Z  2.5\n", "2 stored, 0 missing, 0 refused"}},
		{`{"d":"a","v":"x"}`, []string{"-", "--map", program, at}, 1, []string{`decimal_comma: the string "x" is no number`, `{"d":"a","v":"x"}`, "the program:\n  {device: .d", "1 refused"}},
		{`{"d":"a","v":"x"}`, []string{"-", "--map", broken}, 1, []string{"line 2, column 10", "sensor: }", "{device: .d,\n"}},
		{`{"t":1.5}`, []string{"-", "--device-id", "rpi", at}, 0, []string{"rpi     t       2026-11-27T07:00:02Z  1.5"}},
		{`{"t":1.5}`, []string{"-", "--properties", `{"deviceId":"p"}`, at}, 0, []string{"p       t       2026-11-27T07:00:02Z  1.5"}},
		{`{"t":1.5}`, []string{"-", at}, 1, []string{"device is missing", "read as wide, the nearest"}},
		{"7;t;27.11.2026 08:00;1,5\n", []string{"-", "--csv", "device,sensor,ts,value", "--date-order", "dmy", "--zone", "Europe/Berlin", at}, 0, []string{"7       t       2026-11-27T07:00:00Z  1.5"}},
		{`{"body":{"device":"d","sensor":"s","ts":1795762800,"value":2},"expect":[{"device":"d","sensor":"s","ts":"2026-11-27T07:00:00Z","value":3}]}`, []string{"-", at}, 1, []string{"differs: -: reading 1: value is 2, expected 3"}},
		{`{"body":{"device":"d","sensor":"s","ts":1795762800,"value":2},"expect":[]}`, []string{"-", at}, 1, []string{"1 readings, 0 expected; the first that is not expected: d/s"}},
		{`{}`, []string{"-", "--map", "wiede"}, 1, []string{`there is no mapping "wiede"`}},
		{`{}`, []string{"-", "--zone", "Mars"}, 2, []string{"--zone"}},
		{`{}`, nil, 2, []string{"FILE is missing"}},
	} {
		out, errs, code := try(t, c.stdin, c.args...)
		for _, want := range c.want {
			if !strings.Contains(out+errs, want) {
				t.Errorf("%v: %q is not in:\n%s%s", c.args, want, out, errs)
			}
		}
		if code != c.code {
			t.Errorf("%v: exit code %d, want %d", c.args, code, c.code)
		}
	}
}

// Rules are tried as they would be applied, and a mistake in them is told with its place.
func TestTryRules(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "limits.json")
	if err := os.WriteFile(file, []byte("{\"rules\": [\n  {\"sensor\": \"temp\", \"convert\": \"F>C\", \"range\": {\"max\": 150}}]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	const body = `{"device":"d","ts":"2026-11-27T07:00:00Z","temp":%s,"rpm":900}`
	out, errs, code := try(t, strings.Replace(body, "%s", "212", 1), "-", "--rules", file, "--json")
	if code != 0 || !strings.Contains(out, `"value": 100`) || !strings.Contains(out, `"value": 900`) {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	out, errs, code = try(t, strings.Replace(body, "%s", "2120", 1), "-", "--rules", file)
	if code != 1 || !strings.Contains(out+errs, "rule 1: the value 1160 lies above 150") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	_, errs, code = try(t, body, "-", "--rules", "{\"rules\":\n [{\"drop\": false}]}")
	if code == 0 || !strings.Contains(errs, "rules, line 2, column 12") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
