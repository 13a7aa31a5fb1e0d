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

// randomProgram makes a program of parts, depth deep.
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

// FuzzProgram runs random programs on any event: each ends, and what it yields
// is valid or refused.
func FuzzProgram(f *testing.F) {
	f.Add(uint64(1), []byte(`{"a":[1,{"b":"2"}],"x":null}`))
	f.Add(uint64(57), []byte(`[{"bn":"d/","n":"a","v":1}]`))
	f.Fuzz(func(t *testing.T, seed uint64, body []byte) {
		text := randomProgram(rand.New(rand.NewPCG(seed, 1)), 3)
		m, err := Parse(text)
		if err != nil {
			return // a name where none may stand
		}
		check(t, m, body, text)
	})
}

// FuzzMapping reads any event by each built-in mapping, compressed or not.
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
	// Only an empty list holds nothing by intent.
	if len(r.Readings)+len(r.Refused)+r.Missing == 0 && m.program == nil && !bytes.Contains(body, []byte("[")) && body[0] != 0x1f && !bytes.HasPrefix(body, []byte("Obj")) {
		t.Errorf("%s: %q is neither stored, missing nor refused", what, body)
	}
	// The same again gives the same.
	again := NewReader(m, r.opt, 1)
	again.Read(0, ev)
	if fmt.Sprint(again.Readings, again.Missing) != fmt.Sprint(r.Readings, r.Missing) {
		t.Errorf("%s: %q: %v, then %v", what, body, r.Found, again.Found)
	}
}

// What is sent is stored, missing or refused, reading by reading, whatever shape
// it is sent in.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	auto := &Mapping{name: Auto, shape: auto}
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		values := map[string]string{}
		stored, missing, refused := 0, 0, 0
		for i := range 1 + rnd.IntN(8) {
			name := fmt.Sprintf("s%d", i)
			switch rnd.IntN(4) {
			case 0:
				values[name] = []string{"null", `"NaN"`, `"Bad"`, "NaN"}[rnd.IntN(4)]
				missing++
			case 1:
				values[name] = "1e999"
				refused++
			default:
				values[name] = []string{fmt.Sprint(rnd.Float64()), `"2.5"`, "true", "-7"}[rnd.IntN(4)]
				stored++
			}
		}
		const head = `"device":"d","ts":1795762800`
		var wide, plain, senml, opc, list []string
		for name, v := range values {
			wide = append(wide, fmt.Sprintf("%q:%s", name, v))
			plain = append(plain, fmt.Sprintf(`{%s,"sensor":%q,"value":%s}`, head, name, v))
			list = append(list, fmt.Sprintf(`{"name":%q,"value":%s}`, name, v))
			senml = append(senml, fmt.Sprintf(`{"bn":"d/","bt":1795762800,"n":%q,"v":%s}`, name, v))
			opc = append(opc, fmt.Sprintf(`%q:{"Value":%s}`, name, v))
		}
		for shape, body := range map[string]string{
			"wide":      `{` + head + `,` + strings.Join(wide, ",") + `}`,
			"nested":    `{` + head + `,"data":{` + strings.Join(wide, ",") + `}}`,
			"readings":  `[` + strings.Join(plain, ",") + `]`,
			"lines":     strings.Join(plain, "\n"),
			"list":      `{` + head + `,"readings":[` + strings.Join(list, ",") + `]}`,
			"senml":     `[` + strings.Join(senml, ",") + `]`,
			"opcua":     `{"MessageType":"ua-data","PublisherId":"d","Messages":[{"Timestamp":"2026-11-27T07:00:00Z","Payload":{` + strings.Join(opc, ",") + `}}]}`,
			"iot":       `{"applicationId":"a","deviceId":"d","enqueuedTime":1795762800,"messageSource":"telemetry","telemetry":{` + strings.Join(wide, ",") + `}}`,
			"cloud":     `{"specversion":"1.0","type":"t","source":"d","time":"2026-11-27T07:00:00Z","data":{` + strings.Join(wide, ",") + `}}`,
			"grid":      `[{"subject":"devices/d","eventType":"x","eventTime":"2026-11-27T07:00:00Z","data":{` + strings.Join(wide, ",") + `}}]`,
			"chirp":     `{"deviceInfo":{"deviceName":"d"},"time":"2026-11-27T07:00:00Z","object":{` + strings.Join(wide, ",") + `}}`,
			"sparkplug": `{"topic":"spBv1.0/g/NDATA/d","payload":{"timestamp":1795762800000,"seq":1,"metrics":[` + strings.Join(list, ",") + `]}}`,
		} {
			r := NewReader(auto, Options{}, 1)
			r.Read(0, Event{Body: []byte(body)})
			n := 0
			for _, x := range r.Refused {
				n += x.Count
			}
			if len(r.Readings) != stored || r.Missing != missing || n != refused {
				t.Fatalf("%s: %s: %d stored of %d, %d missing of %d, %d refused of %d: %v", shape, body, len(r.Readings), stored, r.Missing, missing, n, refused, r.Refused)
			}
		}
	}
}
