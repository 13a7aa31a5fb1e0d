package mapping

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// texts are programs and parts of them.
var texts = []string{".", ".a", ".[0]", ".[]?", "..", `.["x"]`, "1", "2.5", `"s"`, "null", "true", "[]", "{}", "$enqueued", "$system", "$properties", "range(5)", "length", "keys", "tojson", "add", "flat",
	"measurements", "wide", "auto", "senml", "opcua_publisher", "seconds", "millis", "decimal_comma", "as_name", "tonumber", "tostring", "error", "empty", "to_entries", "map(.)", "reverse", "sort", "unique",
	`{device: "d", sensor: "s", ts: $enqueued, value: .}`, `{device: "d", ts: $enqueued, values: .}`, "reduce range(14) as $i (.; [., .])", "limit(3; repeat(.))", `.a = .`, `.[5] = .`, "del(.a)", "flatten",
	"@base64", "@json", "@text", "explode?", "ascii_downcase?", `test("a")`, `gsub("a"; "aa")`, "paths", "tostream", "min", "group_by(.)", "walk(.)", "ltrimstr(.)", "indices(.)", "join(tostring)", "add(.[])", "unique_by(.)", "IN(.)"}

// randomProgram returns a program that nests texts to this depth.
func randomProgram(r *rand.Rand, depth int) string {
	part := func() string { return randomProgram(r, depth-1) }
	if depth == 0 {
		return texts[r.IntN(len(texts))]
	}
	switch r.IntN(9) {
	case 0:
		return "(" + part() + " | " + part() + ")"
	case 1:
		return "(" + part() + ", " + part() + ")"
	case 2:
		op := []string{"+", "-", "*", "/", "%", "==", "<", "and", "or", "//", "|=", "=", "+=", "*="}[r.IntN(14)]
		return "(" + part() + " " + op + " " + part() + ")"
	case 3:
		return "[" + part() + "]"
	case 4:
		return `{device: ` + part() + `, sensor: ` + part() + `, ts: ` + part() + `, value: ` + part() + `}`
	case 5:
		return "(if " + part() + " then " + part() + " else " + part() + " end)"
	case 6:
		return "(try " + part() + " catch " + part() + ")"
	case 7:
		return `"x\(` + part() + `)"`
	}
	return "(" + part() + " as $x | " + part() + " | $x)"
}

// FuzzProgram checks that a random program ends on any event, and that its results are valid or
// refused.
func FuzzProgram(f *testing.F) {
	f.Add(uint64(1), []byte(`{"a":[1,{"b":"2"}],"x":null}`))
	f.Add(uint64(57), []byte(`[{"bn":"d/","n":"a","v":1}]`))
	f.Fuzz(func(t *testing.T, seed uint64, body []byte) {
		text := randomProgram(rand.New(rand.NewPCG(seed, 1)), 3)
		m, err := Parse(text)
		if err != nil {
			return // not every combination is a program
		}
		check(t, m, body, text)
	})
}

// FuzzMapping checks each built-in mapping with any event, compressed or not.
func FuzzMapping(f *testing.F) {
	for _, seed := range []string{`{"device":"d","ts":1795762800,"a":1}`, `[{"bn":"d/","n":"a","v":1}]`, `{"MessageType":"ua-data","Messages":[{"Payload":{"A":{"Value":1}}}]}`,
		`{"specversion":"1.0","type":"t","source":"s","data":{"specversion":"1.0","type":"t","source":"s","data":{"a":1}}}`, `{"payload":"{\"payload\":\"{}\"}"}`, "a;b\n1;2", "m,host=a x=1,y=\"t\" 1795762800\n", "Obj\x01", `{"topic":"spBv1.0/a/b/c","payload":{"metrics":[{"name":"a"}]}}`} {
		f.Add(byte(0), []byte(seed))
		f.Add(byte(1), []byte(seed))
	}
	all := Builtin()
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		if which&1 == 1 {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(body)
			z.Close()
			body = b.Bytes()
		}
		m, err := Parse(all[int(which>>1)%len(all)][0])
		if err != nil {
			t.Fatal(err)
		}
		check(t, m, body, m.name)
	})
}

// check checks that an event leaves something, that readings are valid, and that reading it again
// gives the same.
func check(t *testing.T, m *Mapping, body []byte, what string) {
	t.Helper()
	ev := Event{Body: body, Enqueued: time.Unix(1795762800, 0), Detail: func(int) Detail {
		return Detail{System: json.RawMessage(`{"iothub-connection-device-id":"rpi"}`), Properties: json.RawMessage(`{"a":1}`)}
	}}
	r := NewReader(m, Options{Future: time.Hour}, 1)
	r.Read(0, ev)
	if len(r.Readings) != len(r.Origins) {
		t.Fatalf("%d readings, %d origins", len(r.Readings), len(r.Origins))
	}
	for _, x := range r.Readings {
		if err := x.Validate(); err != nil {
			t.Errorf("%s: %q: %v", what, body, err)
		}
	}
	for _, x := range r.Refused {
		if x.Count < 1 || x.Err == nil || strings.Contains(x.Err.Error(), "reading it failed") {
			t.Errorf("%s: %q: refused %d: %v", what, body, x.Count, x.Err)
		}
	}
	// Only an empty list may leave nothing.
	if len(r.Readings)+len(r.Refused)+r.Missing == 0 && m.program == nil && !bytes.Contains(body, []byte("[")) && body[0] != 0x1f && !bytes.HasPrefix(body, []byte("Obj")) {
		t.Errorf("%s: %q: nothing was stored, missing or refused", what, body)
	}
	again := NewReader(m, r.opt, 1)
	again.Read(0, ev)
	if fmt.Sprint(again.Readings, again.Missing) != fmt.Sprint(r.Readings, r.Missing) {
		t.Errorf("%s: %q: got %v, and then %v", what, body, r.Found, again.Found)
	}
}
