package mapping

import (
	"bytes"
	"compress/zlib"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linkedin/goavro/v2"
)

// automatic is the mapping that recognizes the shape of an event.
var automatic = &Mapping{name: Auto, shape: auto}

// TestShapes checks what is read from events of many shapes. A summary has
// device/sensor@seconds=value for each reading, in seconds after 07:00, ? for each missing value,
// and ! with a part of the reason for each refused element.
func TestShapes(t *testing.T) {
	t.Parallel()
	const at, hub = `"2026-11-27T07:00:00Z"`, `{"iothub-connection-device-id":"rpi","iothub-enqueuedtime":"2026-11-27T07:00:02Z"}`
	for _, c := range []struct {
		mapping, body string
		system        string
		properties    string
		want          string
	}{
		// one reading, under other names
		{"auto", `{"machineId":"m1","tag":"Temp","timestamp":` + at + `,"value":21.5}`, "", "", "m1/Temp@0=21.5"},
		{"auto", `{"asset_id":7,"signal":"rpm","datetime":"2026-11-27 07:00","reading":"1500"}`, "", "", "7/rpm@0=1500"},
		{"auto", `{"DeviceName":"d","MetricName":"m","EventTime":` + at + `,"Val":1}`, "", "", "d/m@0=1"},
		{"auto", `{"device":{"id":"d1","model":"x"},"sensor":"t","ts":` + at + `,"value":1}`, "", "", "d1/t@0=1"},
		{"auto", `{"device":"d","sensor":"t","value":1}`, "", "", "d/t@2=1"},
		{"auto", `{"sensor":"t","ts":` + at + `,"value":1}`, hub, "", "rpi/t@0=1"},
		{"auto", `{"sensor":"t","ts":` + at + `,"value":1}`, "", `{"deviceId":"p"}`, "p/t@0=1"},
		{"auto", `{"sensor":"t","ts":` + at + `,"value":1}`, "", "", "!device is missing"},
		{"auto", `{"device":"d","ts":` + at + `,"value":1}`, "", "", "!sensor is missing"},
		{"auto", `{"device":"d","sensor":"t","ts":` + at + `}`, "", "", "!value is missing"},
		{"auto", `{"device":"d","sensor":"t","ts":"yesterday","value":1}`, "", "", "!ts"},
		{"auto", `{"device":"d","sensor":"t","ts":"03/04/2026","value":1}`, "", "", "!dmy or mdy"},
		{"auto", `{"device":"d","sensor":"t","ts":` + at + `,"value":"21,5"}`, "", "", "!decimal_comma"},
		{"auto", `{"device":"d","sensor":"t","ts":` + at + `,"value":"12 °C"}`, "", "", "!a unit behind its number"},
		{"auto", `{"device":"d","sensor":"t","ts":` + at + `,"value":{"v":1}}`, "", "", "d/t@0=1"},
		{"auto", `{"device":"d","tag":"t","ts":` + at + `,"value":1,"quality":"Bad, no communication"}`, "", "", "?"},
		{"auto", `{"device":"d","tag":"t","ts":` + at + `,"value":1,"quality":"Good","unit":"°C"}`, "", "", "d/t@0=1"},
		{"auto", `{"device":"d","tag":"t","ts":` + at + `,"value":1,"statusCode":"BadSensorFailure"}`, "", "", "?"},
		// one object with many measurements
		{"auto", `{"deviceId":"d","ts":` + at + `,"temp":"21.5","on":true,"note":"ok","none":null,"unit":"C","messageId":"7","seq":9}`, "", "", "d/temp@0=21.5 d/on@0=1 ?"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"temp":{"value":21.5,"unit":"C"},"vib":{"value":2,"ts":"2026-11-27T07:00:01Z","quality":"bad"}}`, "", "", "d/temp@0=21.5 ?"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"motor":{"temp":1,"bearing":{"de":2,"nde":3}}}`, "", "", "d/motor.temp@0=1 d/motor.bearing.de@0=2 d/motor.bearing.nde@0=3"},
		{"auto", `{"deviceId":"d","timestamp":1795762800000,"data":{"temp":1,"vib":2}}`, "", "", "d/temp@0=1 d/vib@0=2"},
		{"auto", `{"header":{"deviceId":"d","timestamp":` + at + `},"body":{"temp":1}}`, "", "", "d/temp@0=1"},
		{"auto", `{"temperature":1,"humidity":2}`, hub, "", "rpi/temperature@2=1 rpi/humidity@2=2"},
		{"auto", `{"temperature":1,"humidity":2}`, "", "", "!device is missing"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"quality":"bad","temp":1,"vib":2}`, "", "", "? ?"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"spectrum":[1,2,3],"temp":1}`, "", "", "d/temp@0=1 !list of numbers"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"state":"running"}`, "", "", "!no measurement"},
		{"auto", `{"deviceId":"d","DeviceID":"e","ts":` + at + `,"temp":1}`, "", "", "!given twice"},
		{"auto", `{"deviceId":"d","payload":"{\"temp\":1,\"ts\":\"2026-11-27T07:00:01Z\"}"}`, "", "", "d/temp@1=1"},
		{"auto", `{"deviceId":"d","payload":"eyJ0ZW1wIjoxfQ==","ts":` + at + `}`, "", "", "d/temp@0=1"},
		{"wide", `[{"deviceId":"a","ts":` + at + `,"x":1},{"deviceId":"b","ts":` + at + `,"x":2}]`, "", "", "a/x@0=1 b/x@0=2"},
		{"iothub", `{"deviceId":"said","temp":1}`, hub, "", "rpi/temp@2=1"},
		{"iothub", `{"deviceId":"said","temp":1}`, "", "", "said/temp@2=1"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"header":{"deviceId":"e","timestamp":"2026-11-27T07:00:05Z"},"body":{"temp":1}}`, "", "", "d/temp@0=1"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"data":[` + strings.Repeat(`{"payload":"{\"temp\":1}"},`, 12) + `{"payload":"{\"last\":1}"}]}`, "", "", "d/temp@0=1 d/last@0=1"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"payload":` + quotedIn(8) + `}`, "", "", "d/temp@0=1"},
		{"auto", `{"deviceId":"d","ts":` + at + `,"payload":` + quotedIn(9) + `}`, "", "", "!no measurement"},
		// several in one event
		{"auto", `{"device":"d","ts":` + at + `,"readings":[{"sensor":"a","value":1},{"sensor":"b","value":2,"ts":"2026-11-27T07:00:01Z"}]}`, "", "", "d/a@0=1 d/b@1=2"},
		{"auto", `{"deviceId":"d","measurements":[{"ts":` + at + `,"temp":1,"vib":2},{"ts":"2026-11-27T07:00:01Z","temp":3}]}`, "", "", "d/temp@0=1 d/vib@0=2 d/temp@1=3"},
		{"auto", `{"ts":` + at + `,"devices":[{"id":"a","temp":1},{"id":"b","readings":[{"name":"vib","value":2}]}]}`, "", "", "a/temp@0=1 b/vib@0=2"},
		{"auto", `{"ts":` + at + `,"devices":{"a":{"temp":1},"b":{"temp":2}}}`, "", "", "a/temp@0=1 b/temp@0=2"},
		{"auto", `[{"device":"d","sensor":"a","ts":` + at + `,"value":1},{"device":"d","ts":` + at + `,"b":2},{"device":"d","ts":` + at + `}]`, "", "", "d/a@0=1 d/b@0=2 !no measurement"},
		{"auto", `{"device":"d","ts":` + at + `,"b":2}` + "\n" + `{"device":"e","ts":` + at + `,"b":3}`, "", "", "d/b@0=2 e/b@0=3"},
		{"auto", `{"timestamp":1795762800000,"values":[{"id":"Channel1.Device1.Tag1","v":42,"q":true,"t":1795762801000},{"id":"Channel1.Device1.Tag2","v":1,"q":false,"t":1795762801000}]}`, hub, "", "rpi/Channel1.Device1.Tag1@1=42 ?"},
		{"auto", `{"deviceId":"x","ts":` + at + `,"devices":[{"temp":1},{"name":"b","temp":2}]}`, "", "", "b/temp@0=2 !device"},
		{"auto", `[1,2]`, "", "", "!nearest !nearest"},
		{"auto", `[]`, "", "", ""},
		{"auto", `7`, "", "", "!nearest"},
		// envelopes
		{"auto", `{"specversion":"1.0","type":"t","source":"/pump","id":"1","time":` + at + `,"subject":"temp","data":1.5}`, "", "", "/pump/temp@0=1.5"},
		{"auto", `{"specversion":"1.0","type":"t","source":"/pump","id":"1","data_base64":"eyJ0ZW1wIjoxfQ=="}`, "", "", "/pump/temp@2=1"},
		{"auto", `[{"specversion":"1.0","type":"t","source":"/a","id":"1","time":` + at + `,"data":{"x":1}},{"specversion":"1.0","type":"t","source":"/b","id":"2","time":` + at + `,"data":{"device":"d","sensor":"s","value":2,"ts":"2026-11-27T07:00:01Z"}}]`, "", "", "/a/x@0=1 d/s@1=2"},
		{"auto", `{"temp":1}`, "", `{"cloudEvents:specversion":"1.0","cloudEvents:source":"/pump","cloudEvents:time":"2026-11-27T07:00:01Z"}`, "/pump/temp@1=1"},
		{"auto", `{"specversion":"1.0","type":"t","source":"/pump","id":"1"}`, "", "", "!data is missing"},
		{"auto", nested(20), "", "", "!envelopes stand in one another"},
		{"auto", `[{"id":"1","topic":"/x","subject":"devices/d1","eventType":"Microsoft.Devices.DeviceTelemetry","eventTime":` + at + `,"data":{"properties":{},"systemProperties":{"iothub-connection-device-id":"d1","iothub-enqueuedtime":"2026-11-27T07:00:01Z"},"body":{"temp":1}},"dataVersion":"","metadataVersion":"1"}]`, "", "", "d1/temp@1=1"},
		{"eventgrid", `{"id":"1","subject":"devices/d1","eventType":"Microsoft.Devices.DeviceTelemetry","eventTime":` + at + `,"data":{"systemProperties":{"iothub-connection-device-id":"d1"},"body":"eyJ0ZW1wIjoxfQ=="}}`, "", "", "d1/temp@0=1"},
		{"auto", `{"id":"1","subject":"line/pump","eventType":"Reading","eventTime":` + at + `,"data":{"temp":1}}`, "", "", "line/pump/temp@0=1"},
		{"auto", `{"applicationId":"a","deviceId":"d","enqueuedTime":` + at + `,"messageSource":"telemetry","component":"left","telemetry":{"temp":1,"axis":{"x":2}}}`, "", "", "d/left.temp@0=1 d/left.axis.x@0=2"},
		{"auto", `{"applicationId":"a","deviceId":"d","enqueuedTime":` + at + `,"messageSource":"properties","properties":[{"name":"p","value":1}]}`, "", "", "!holds no telemetry"},
		// OPC UA
		{"auto", `{"MessageType":"ua-data","PublisherId":"p","Messages":[{"Timestamp":` + at + `,"Payload":{"A":1.5,"B":{"Value":{"Type":11,"Body":2}},"C":{"Value":true,"SourceTimestamp":"2026-11-27T07:00:01Z","StatusCode":1073741824},"D":{"StatusCode":{"Code":2149253120}},"E":{"Value":"text"}}}]}`, "", "", "p/A@0=1.5 p/B@0=2 p/C@1=1 ?"},
		{"opcua-publisher", `{"DataSetWriterId":"w","Timestamp":` + at + `,"Payload":{"A":{"Value":1}}}`, hub, "", "w/A@0=1"},
		{"opcua-publisher", `{"NodeId":"i=1","ApplicationUri":"urn:a","Value":{"Value":"1.5","SourceTimestamp":` + at + `}}`, "", "", "urn:a/i=1@0=1.5"},
		{"opcua-publisher", `[{"NodeId":"i=1","ApplicationUri":"urn:a","Timestamp":` + at + `,"Value":7,"StatusCode":"BadNodeIdUnknown"}]`, "", "", "?"},
		{"opcua-publisher", `{"MessageType":"ua-metadata","PublisherId":"p","MetaData":{}}`, "", "", "!holds no values"},
		{"opcua-publisher", `{"MessageType":"ua-data","PublisherId":"p","Messages":[{"Timestamp":` + at + `,"Payload":{"A":{"Value":[1,2]}}}]}`, "", "", "!not one value"},
		// Sparkplug
		{"auto", `{"topic":"spBv1.0/g/DDATA/edge/dev","payload":{"timestamp":1795762800000,"metrics":[{"name":"T","value":1},{"name":"F","datatype":"Boolean","value":false},{"name":"N","is_null":true},{"name":"bdSeq","value":3}],"seq":0}}`, "", "", "edge/dev/T@0=1 edge/dev/F@0=0 ?"},
		{"sparkplug-json", `{"timestamp":1795762800000,"metrics":[{"name":"T","longValue":"5"},{"alias":3,"value":1}]}`, hub, "", "rpi/T@0=5 !alias"},
		{"auto", `{"timestamp":1795762800000,"metrics":[{"name":"T","timestamp":1795762801000,"value":1}],"seq":1}`, "", `{"topic":"spBv1.0/g/NDATA/edge"}`, "edge/T@1=1"},
		// LoRaWAN
		{"auto", `{"dev_id":"l","payload_fields":{"temp":1},"metadata":{"time":"2026-11-27T07:00:00.123456789Z"}}`, "", "", "l/temp@0.123=1"},
		{"auto", `{"deviceInfo":{"deviceName":"c","devEui":"00"},"time":` + at + `,"object":{"temp":1,"door":{"open":true}}}`, "", "", "c/temp@0=1 c/door.open@0=1"},
		{"auto", `{"end_device_ids":{"device_id":"l"},"received_at":` + at + `,"uplink_message":{"f_cnt":7,"frm_payload":"AA=="}}`, "", "", "!not decoded"},
		{"auto", `{"end_device_ids":{"device_id":"l"},"received_at":` + at + `,"join_accept":{}}`, "", "", "!no uplink"},
		// SenML
		{"auto", `[{"n":"urn:dev:ow:10e2073a0108006:temp","u":"Cel","v":23.1}]`, "", "", "urn:dev:ow:10e2073a0108006/temp@2=23.1"},
		{"auto", `[{"bn":"d:","bt":1795762800,"bv":20,"n":"a","v":1},{"n":"b","vb":true,"t":1},{"n":"c","vs":"x"},{"n":"d","v":3,"t":2}]`, "", "", "d:/a@0=21 d:/b@1=1 d:/d@2=23"},
		{"auto", `[{"bn":"d/","n":"a","t":-2,"v":1}]`, "", "", "d//a@0=1"},
		{"auto", `[{"bn":"d/","n":"a","v":1,"x_":1}]`, "", "", "!device is missing"},
		{"senml", `[{"n":"d/a","t":268435456,"v":1}]`, "", "", "d/a@-1.527327344e+09=1"},
		{"senml", `[{"n":"d/a","t":-3,"v":1},{"n":"d/b","t":1.5,"v":1}]`, "", "", "d/a@-1=1 d/b@3.5=1"},
		{"senml", `[{"bn":"d/","n":"a","v":1,"x_":1}]`, "", "", "!must be understood"},
		// Influx
		{"auto", `{"measurement":"m","tags":{"machine":"d2"},"fields":{"a":1,"b":2},"time":1795762800000000000}`, "", "", "d2/a@0=1 d2/b@0=2"},
		// programs
		{`{device: .d, sensor: .s, ts: (.t | seconds), value: (.v | decimal_comma)}`, `{"d":"a","s":"b","t":1795762800,"v":"1.234,5"}`, "", "", "a/b@0=1234.5"},
		{`.[] | {device: .d, ts: (.t | millis), values: (. | del(.d, .t))}`, `[{"d":"a","t":1795762800007,"x":1,"y":{"z":"2"}},{"d":"b","t":1795762801000,"x":null}]`, "", "", "a/x@0.007=1 a/y.z@0.007=2 ?"},
		{`{device: $system["iothub-connection-device-id"], sensor: $properties.kind, ts: $enqueued, value: .}`, `5`, hub, `{"kind":"k"}`, "rpi/k@2=5"},
		{`{device: .d, sensor: "s", ts: (.t | local("Europe/Berlin"; "dmy")), value: 1}`, `{"d":"a","t":"27.11.2026 08:00:00"}`, "", "", "a/s@0=1"},
		{`{device: .d, sensor: "s", ts: (.t | nanos), value: 1}`, `{"d":"a","t":1795762800007999999}`, "", "", "a/s@0.007=1"},
		{`{device: .d, sensor: "s", ts: (.t | dotnet_date), value: 1}`, `{"d":"a","t":"/Date(1795762800000)/"}`, "", "", "a/s@0=1"},
		{`.msg | wide`, `{"msg":{"deviceId":"d","ts":` + at + `,"x":1,"note":"n"}}`, "", "", "d/x@0=1"},
		{`.msg | auto`, `{"msg":[{"bn":"d/","bt":1795762800,"n":"a","v":1}]}`, "", "", "d//a@0=1"},
		{`{device: (.d | as_name), ts: .ts, values: measurements}`, `{"d":"=cmd","ts":` + at + `,"x":1,"note":"n","seq":5}`, "", "", "cmd/x@0=1"},
		{`select(.kind == "data") | wide`, `{"kind":"log","deviceId":"d","x":1}`, "", "", ""},
		{`{device: ([.a, "b"] | join("-")), sensor: ([1, 2] | add(.[]) | tostring), ts: $enqueued, value: (2 * 3 - 1)}`, `{"a":"x"}`, "", "", "x-b/3@2=5"},
		{`{device: "d", sensor: (.n | gsub(" "; "_")), ts: $enqueued, value: (.v *= 2 | .v)}`, `{"n":"a b","v":2}`, "", "", "d/a_b@2=4"},
		{`.v`, `{"v":1}`, "", "", "!yields 1"},
		{`{device: "d", sensor: "s", value: 1}`, `{}`, "", "", "!ts is missing"},
		{`{device: "d", sensor: "s", ts: $enqueued}`, `{}`, "", "", "!value is missing"},
		{`{refused: "not today"}`, `{}`, "", "", "!not today"},
		{`error("no")`, `{}`, "", "", "!no"},
		{`def f: f; f`, `{}`, "", "", "!too many steps"},
		{`range(1e9) | {device: "d", sensor: "s", ts: $enqueued, value: null}`, `{}`, "", "", "!too many"},
		{`reduce range(64) as $i ("x"; . + .) | error`, `{}`, "", "", "!too "},
		{`reduce range(64) as $i ([1]; . += .) | error`, `{}`, "", "", "!too "},
		{`reduce range(64) as $i ("x"; "\(.)\(.)") | error`, `{}`, "", "", "!too "},
		{`reduce range(64) as $i (1; [., .]) | tojson | error`, `{}`, "", "", "!too large"},
		{`reduce range(60) as $i (1; [., .])`, `{}`, "", "", "!too large"},
		{`reduce range(30) as $i (1; [., .]) | error`, `{}`, "", "", "!too large"},
		{`"x" * 1e9 | error`, `{}`, "", "", "!too large"},
		{`[range(1000) | "x" * 16000000] | length`, `{}`, "", "", "!too many steps"},
		{`.[.i] = 1`, `{"i":"x"}`, "", "", "!ts is missing"},
		{`{device: "d", ts: $enqueued, values: reduce range(1000) as $i (1; {a: .})}`, `{}`, "", "", "!nested deeper"},
		{`reduce range(1000) as $i (1; {a: .}) | wide`, `{}`, "", "", "!nested deeper"},
		{`reduce range(1000) as $i (1; {a: .}) | flat`, `{}`, "", "", "!nested deeper"},
		{`[] | .[$system.n] = 1`, `{}`, `{"n":500000000}`, "", "!at most"},
		{`[] | setpath([500000000]; 1)`, `{}`, "", "", "!at most"},
	} {
		m, err := Parse(c.mapping)
		if err != nil {
			t.Errorf("%s: %v", c.mapping, err)
			continue
		}
		if got := summary(m, []byte(c.body), c.system, c.properties); !alike(got, c.want) {
			t.Errorf("%s: %s\n got %s\nwant %s", c.mapping, c.body, got, c.want)
		}
	}
}

// quotedIn returns a measurement inside n payloads that are texts, one in another.
func quotedIn(n int) string {
	text := `{"temp":1}`
	for range n - 1 {
		text = `{"payload":` + strconv.Quote(text) + "}"
	}
	return strconv.Quote(text)
}

// nested returns n CloudEvents, one in another.
func nested(n int) string {
	return strings.Repeat(`{"specversion":"1.0","type":"t","source":"s","data":`, n) + `{"x":1}` + strings.Repeat("}", n)
}

// TestProgramsRefused checks the errors for programs that use something they must not, or have a
// mistake.
func TestProgramsRefused(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		"env.PATH": "out of reach", "$ENV": "out of reach", ". | now": "use $enqueued", ". | localtime": "localtime", ". | input": "input", `import "x" as x; .`: "import", `include "x"; .`: "import",
		"{a: ": "line 1", ".a |\n.b | }": "line 2, column 6", "nosuch": "no mapping", "nosuch(1)": "nosuch", ".[2000000] = 1": "at most", "[transpose]": "transpose",
	} {
		if _, err := Parse(program); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", program, err, want)
		}
	}
}

// summary writes what is read from an event, as [TestShapes] explains.
func summary(m *Mapping, body []byte, system, properties string) string {
	zero := time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)
	r := NewReader(m, Options{Future: 24 * time.Hour}, 1)
	r.Read(0, Event{Body: body, Enqueued: zero.Add(2 * time.Second), Detail: func(int) Detail { return Detail{System: []byte(system), Properties: []byte(properties)} }})
	var all []string
	for _, x := range r.Readings {
		all = append(all, row{device: x.ID.Device, sensor: x.ID.Sensor, ts: x.Time.Time().Sub(zero).Seconds(), value: x.Value}.String())
	}
	for range r.Missing {
		all = append(all, "?")
	}
	for _, x := range r.Refused {
		all = append(all, "!"+x.Err.Error())
	}
	return strings.Join(all, " ")
}

// alike compares a summary with the wanted one, in which each reason is a part of the whole reason.
func alike(got, want string) bool {
	parts := strings.Split(want, "!")
	rest, ok := strings.CutPrefix(got, strings.TrimSpace(parts[0]))
	for _, part := range parts[1:] {
		i := strings.Index(rest, strings.TrimSpace(part))
		if i < 0 {
			return false
		}
		rest = rest[i+len(strings.TrimSpace(part)):]
	}
	return ok && (len(parts) > 1) == strings.Contains(got, "!") && (len(parts) > 1 || rest == "") && strings.Count(got, "!") >= len(parts)-1
}

// TestUnpack checks bodies that are compressed or in UTF-16. A body that unpacks to too much is
// refused.
func TestUnpack(t *testing.T) {
	t.Parallel()
	const plainBody, want = `{"device":"d","sensor":"ü","ts":1795762800,"value":1.5}`, "d/ü@0=1.5"
	for i, pack := range packings {
		if got := summary(automatic, pack(plainBody), "", ""); got != want {
			t.Errorf("packing %d: got %s, want %s", i, got, want)
		}
	}
	toZlib := func(s string) []byte {
		return packedBy(s, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	}
	bomb := strings.Repeat(" ", maxUnpacked+1)
	for _, c := range []struct {
		body []byte
		want string
	}{
		{toZlib(bomb), "zlib: it has more than 16 MB, decompressed"},
		{toZlib(plainBody)[:20], "zlib: unexpected EOF"},
		{[]byte{0x1f, 0x8b, 8, 0, 1, 2}, "gzip: unexpected EOF"},
	} {
		if got := summary(automatic, c.body, "", ""); !strings.HasPrefix(got, "!") || !strings.Contains(got, c.want) {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	bigEndian := []byte{0xfe, 0xff}
	for _, r := range plainBody {
		bigEndian = append(bigEndian, byte(r>>8), byte(r))
	}
	if got := summary(automatic, bigEndian, "", ""); got != want {
		t.Errorf("UTF-16, big-endian: got %s, want %s", got, want)
	}
	// Each refused element of a compressed event has the event as it came.
	r := NewReader(automatic, Options{}, 1)
	body := toZlib("[{},{}]")
	r.Read(0, Event{Body: body})
	if len(r.Refused) != 2 || !bytes.Equal(r.Refused[1].Raw, body) || r.Refused[1].Element != -1 {
		t.Errorf("got refused %+v, want two with the whole body", r.Refused)
	}
}

// TestAvro checks a body that is an Avro file, with a record for the values of a device.
func TestAvro(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &b, CompressionName: "deflate", Schema: `{"type":"record","name":"R","fields":[{"name":"device","type":"string"},{"name":"ts","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"temp","type":["null","double"]},{"name":"on","type":"boolean"},{"name":"note","type":"string"}]}`})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)
	for i, temp := range []any{goavro.Union("double", 1.5), nil} {
		if err := w.Append([]any{map[string]any{"device": "d", "ts": at.Add(time.Duration(i) * time.Second), "temp": temp, "on": true, "note": "x"}}); err != nil {
			t.Fatal(err)
		}
	}
	const want = "d/on@0=1 d/temp@0=1.5 d/on@1=1 ?"
	for _, text := range []string{Auto, "wide", "wide | ."} {
		m, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := summary(m, b.Bytes(), "", ""); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	if got := summary(automatic, b.Bytes()[:b.Len()-3], "", ""); !strings.HasPrefix(got, "!") {
		t.Errorf("a truncated Avro file: got %s, want an error", got)
	}
}

// TestCSV checks bodies of CSV.
func TestCSV(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ columns, body, want string }{
		{"device,sensor,ts,value", "d,s,1795762800,1.5\nd,s,1795762801,\n", "d/s=1.5 ?"},
		{"device,sensor,ts,value", "d;s;1795762800;1,5\r\n", "d/s=1.5"},
		{"header", "machine,time,temp,vib\nd,2026-11-27 07:00:00,1,2\n", "d/temp=1 d/vib=2"},
		{"header", "device\tts\t\"a, b\"\nd\t1795762800\t1\n", "d/a, b=1"},
		{"device,sensor,ts,value", "d,s,1795762800\n", "!the line has 3 fields, 4 are wanted"},
		{"device,sensor,ts,value", "d,s,1795762800,1,5\nd,s,1795762800,2\n", "d/s=2 !the line has 5 fields, 4 are wanted"},
		{"device,sensor,ts,value", "d,a;b,1795762800,1\n", "d/a;b=1"},
		{"device,sensor,ts,value", `{"device":"d","sensor":"s","ts":1795762800,"value":1}`, "d/s=1"},
		{"header", "device,device\n1,2\n", "!each needs a name of its own"},
		{"", "d,s,1795762800,1.5\n", "!INGEST_CSV must name its columns"},
	} {
		r := NewReader(automatic, Options{CSV: c.columns}, 1)
		r.Read(0, Event{Body: []byte(c.body)})
		var got []string
		for _, x := range r.Readings {
			got = append(got, strings.Replace(row{device: x.ID.Device, sensor: x.ID.Sensor, value: x.Value}.String(), "@<nil>", "", 1))
		}
		for range r.Missing {
			got = append(got, "?")
		}
		for _, x := range r.Refused {
			got = append(got, "!"+x.Err.Error())
		}
		if !alike(strings.Join(got, " "), c.want) {
			t.Errorf("%s: %q: got %q, want %q", c.columns, c.body, got, c.want)
		}
	}
}
