package mapping

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/linkedin/goavro/v2"

	"github.com/fleetscore/fleetscore/handler/ingest/rules"
)

// sending has the values that a device sends, as JSON, by the names of their sensors. It also has
// how many of them are to be stored, missing and refused.
type sending struct {
	names, values            []string
	stored, missing, refused int
}

// randomSending returns a random sending.
func randomSending(rnd *rand.Rand) (s sending) {
	for i := range 1 + rnd.IntN(8) {
		s.names = append(s.names, fmt.Sprintf("s%d", i))
		switch rnd.IntN(4) {
		case 0:
			s.values = append(s.values, []string{"null", `"NaN"`, `"Bad"`, `""`}[rnd.IntN(4)])
			s.missing++
		case 1:
			s.values = append(s.values, []string{"1e999", `"21,5"`, `"12 °C"`, `"1,234"`}[rnd.IntN(4)])
			s.refused++
		default:
			s.values = append(s.values, []string{fmt.Sprint(rnd.Float64()), `"2.5"`, "true", "-7", `"+.5"`}[rnd.IntN(5)])
			s.stored++
		}
	}
	return s
}

// shapes returns s as events of each shape.
func (s sending) shapes() map[string]string {
	const head = `"device":"d","ts":1795762800`
	var wide, plain, senml, opc, list, columns []string
	for i, name := range s.names {
		v := s.values[i]
		wide = append(wide, fmt.Sprintf("%q:%s", name, v))
		plain = append(plain, fmt.Sprintf(`{%s,"sensor":%q,"value":%s}`, head, name, v))
		list = append(list, fmt.Sprintf(`{"name":%q,"value":%s}`, name, v))
		senml = append(senml, fmt.Sprintf(`{"bn":"d/","bt":1795762800,"n":%q,"v":%s}`, name, v))
		opc = append(opc, fmt.Sprintf(`%q:{"Value":%s}`, name, v))
		columns = append(columns, fmt.Sprintf("%q:[%s]", name, v))
	}
	wides, names := strings.Join(wide, ","), ""
	for _, name := range s.names {
		names += fmt.Sprintf(",%q", name)
	}
	return map[string]string{
		"wide":      `{` + head + `,` + wides + `}`,
		"nested":    `{` + head + `,"data":{` + wides + `}}`,
		"text":      fmt.Sprintf(`{%s,"payload":%q}`, head, `{`+wides+`}`),
		"readings":  `[` + strings.Join(plain, ",") + `]`,
		"lines":     strings.Join(plain, "\n"),
		"list":      `{` + head + `,"readings":[` + strings.Join(list, ",") + `]}`,
		"columns":   `{"device":"d","ts":[1795762800],` + strings.Join(columns, ",") + `}`,
		"table":     `{"columns":["device","ts"` + names + `],"rows":[["d",1795762800,` + strings.Join(s.values, ",") + `]]}`,
		"senml":     `[` + strings.Join(senml, ",") + `]`,
		"draft":     `{"bn":"d/","bt":1795762800,"e":[` + strings.ReplaceAll(strings.Join(senml, ","), `"bn":"d/","bt":1795762800,`, "") + `]}`,
		"opcua":     `{"MessageType":"ua-data","PublisherId":"d","Messages":[{"Timestamp":"2026-11-27T07:00:00Z","Payload":{` + strings.Join(opc, ",") + `}}]}`,
		"iot":       `{"applicationId":"a","deviceId":"d","enqueuedTime":1795762800,"messageSource":"telemetry","telemetry":{` + wides + `}}`,
		"cloud":     `{"specversion":"1.0","type":"t","source":"d","time":"2026-11-27T07:00:00Z","data":{` + wides + `}}`,
		"grid":      `[{"subject":"devices/d","eventType":"x","eventTime":"2026-11-27T07:00:00Z","data":{` + wides + `}}]`,
		"chirp":     `{"deviceInfo":{"deviceName":"d"},"time":"2026-11-27T07:00:00Z","object":{` + wides + `}}`,
		"sparkplug": `{"topic":"spBv1.0/g/NDATA/d","payload":{"timestamp":1795762800000,"seq":1,"metrics":[` + strings.Join(list, ",") + `]}}`,
	}
}

// packings are the ways in which a body may be compressed or encoded.
var packings = []func(s string) []byte{
	func(s string) []byte { return []byte(s) },
	func(s string) []byte {
		return packedBy(s, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	},
	func(s string) []byte {
		return packedBy(s, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	},
	func(s string) []byte {
		return packedBy(s, func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 9); return z })
	},
	func(s string) []byte { return []byte("\ufeff \r\n" + s + "\n\n") },
	func(s string) []byte {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return b
	},
}

// packedBy returns s compressed.
func packedBy(s string, by func(io.Writer) io.WriteCloser) []byte {
	var b bytes.Buffer
	z := by(&b)
	_, _ = io.WriteString(z, s)
	z.Close()
	return b.Bytes()
}

// avro returns s as an Avro file of one record, with a field for each value.
func (s sending) avro(t *testing.T) []byte {
	t.Helper()
	fields := []string{`{"name":"device","type":"string"}`, `{"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}}`}
	record := map[string]any{"device": "d", "ts": time.UnixMilli(1795762800000)}
	for i, name := range s.names {
		fields = append(fields, fmt.Sprintf(`{"name":%q,"type":["null","string","double","boolean"]}`, name))
		var v any
		if err := json.Unmarshal([]byte(s.values[i]), &v); err != nil { // 1e999
			v = s.values[i]
		}
		switch x := v.(type) {
		case string:
			v = goavro.Union("string", x)
		case float64:
			v = goavro.Union("double", x)
		case bool:
			v = goavro.Union("boolean", x)
		}
		record[name] = v
	}
	var b bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &b, CompressionName: "deflate", Schema: `{"type":"record","name":"R","fields":[` + strings.Join(fields, ",") + `]}`})
	if err == nil {
		err = w.Append([]any{record})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// csv returns s as CSV with a row for each reading, and the names of the columns.
func (s sending) csv() (body, columns string) {
	var b strings.Builder
	for i, name := range s.names {
		var v any
		text := s.values[i]
		if json.Unmarshal([]byte(text), &v) == nil && v != nil {
			text = fmt.Sprint(v)
		}
		fmt.Fprintf(&b, "d,%s,1795762800,%q\n", name, text)
	}
	return b.String(), "device,sensor,ts,value"
}

// checkAll reads s in every shape, packed in one way, and checks that each value is stored, missing
// or refused.
func (s sending) checkAll(t *testing.T, packing byte, rule *rules.Rules) {
	t.Helper()
	pack := packings[int(packing)%len(packings)]
	read := func(shape string, body []byte, csv string) {
		t.Helper()
		r := NewReader(automatic, Options{CSV: csv, Rules: rule}, 1)
		r.Read(0, Event{Body: body})
		refused := 0
		for _, x := range r.Refused {
			refused += x.Count
		}
		if n := len(r.Readings) + r.Missing + refused; n != len(s.names) || r.Copies != 0 {
			t.Errorf("%s: %q: of %d values, %d were stored, %d missing and %d refused: %v", shape, body, len(s.names), len(r.Readings), r.Missing, refused, r.Refused)
		}
		if rule == nil && (len(r.Readings) != s.stored || r.Missing != s.missing || refused != s.refused) {
			t.Errorf("%s: %q: got %d stored of %d, %d missing of %d and %d refused of %d: %v", shape, body, len(r.Readings), s.stored, r.Missing, s.missing, refused, s.refused, r.Refused)
		}
	}
	for shape, body := range s.shapes() {
		read(shape, pack(body), "")
	}
	read("Avro", s.avro(t), "")
	body, columns := s.csv()
	read("CSV", []byte(body), columns)
}

// dropping has rules that drop, refuse and count values.
const dropping = `{"rules": [{"sensor": "s1", "drop": true}, {"sensor": "s2", "range": {"max": 0.5}}, {"sensor": "s[0-9]*", "range": {"max": 0}, "else": "count"}, {"sensor": "s3", "range": {"min": 0}, "else": "count"}]}`

// ruleOf returns the rules in dropping.
func ruleOf(t testing.TB) *rules.Rules {
	t.Helper()
	r, err := rules.Parse([]byte(dropping))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestNothingIsLost checks that each value that is sent is stored, missing or refused, in whatever
// shape it is sent.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rule := ruleOf(t)
	for seed := range uint64(150) {
		s := randomSending(rand.New(rand.NewPCG(seed, 3)))
		s.checkAll(t, byte(seed), nil)
		s.checkAll(t, byte(seed), rule)
	}
}

// FuzzNothingIsLost does the same with any seed.
func FuzzNothingIsLost(f *testing.F) {
	f.Add(uint64(1), byte(0), false)
	f.Add(uint64(2), byte(3), true)
	rule := ruleOf(f)
	f.Fuzz(func(t *testing.T, seed uint64, packing byte, ruled bool) {
		s := randomSending(rand.New(rand.NewPCG(seed, 5)))
		if ruled {
			s.checkAll(t, packing, rule)
		} else {
			s.checkAll(t, packing, nil)
		}
	})
}

// FuzzUnpack reads bodies that are compressed, truncated and damaged, some of which unpack to far
// more than an event may have. Each event must leave something, and must not be changed.
func FuzzUnpack(f *testing.F) {
	const good = `{"device":"d","sensor":"s","ts":1795762800,"value":1}`
	for i := range packings {
		f.Add(byte(i), []byte(good), uint16(0), uint16(0), byte(0))
		f.Add(byte(i), []byte(good+"\n"), uint16(400), uint16(7), byte(0))
	}
	for i := range 4 {
		f.Add(byte(i), bytes.Repeat([]byte(" "), 1<<12), uint16(0xffff), uint16(0), byte(0))
	}
	f.Fuzz(func(t *testing.T, packing byte, part []byte, times, cut uint16, flip byte) {
		if len(part) == 0 {
			return
		}
		const most = maxUnpacked + 1<<16
		n := 1 + min(int(times)*int(times)/64, most)/len(part)
		body := packings[int(packing)%len(packings)](strings.Repeat(string(part), n))
		body = body[:max(1, len(body)-int(cut)%len(body))]
		body[int(flip)%len(body)] ^= flip
		sent := slices.Clone(body)
		r := NewReader(automatic, Options{}, 1)
		r.Read(0, Event{Body: body})
		found := len(r.Readings) + r.Missing + r.Copies
		for _, x := range r.Refused {
			found += x.Count
			if len(x.Raw) > len(body) {
				t.Errorf("a refused element has %d bytes, more than the event's %d", len(x.Raw), len(body))
			}
		}
		if found == 0 && !bytes.ContainsAny(part, "[]") && sent[0] != 'O' {
			t.Errorf("%.200q: nothing was stored, missing or refused", sent)
		}
		if !bytes.Equal(sent, body) {
			t.Error("Read changed the body")
		}
	})
}
