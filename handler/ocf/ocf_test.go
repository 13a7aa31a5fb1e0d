package ocf

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/linkedin/goavro/v2"
)

const schema = `{"type":"record","name":"R","fields":[{"name":"device","type":"string"},{"name":"v","type":["null","double","long"]},{"name":"more","type":{"type":"map","values":"int"}}]}`

// write returns a file of records, written by the library.
func write(t testing.TB, codec string, records ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := goavro.NewOCFWriter(goavro.OCFConfig{W: &b, Schema: schema, CompressionName: codec})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Append([]any{r}); err != nil { // each call writes a block
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// record returns a record of the schema.
func record(device string, v any) any {
	return map[string]any{"device": device, "v": v, "more": map[string]any{"a": 1}}
}

// read returns the records as JSON.
func read(data []byte, limit int) (all []string, err error) {
	r, err := New(bytes.NewReader(data), limit)
	if err != nil {
		return nil, err
	}
	for record, err := range r.Records() {
		if err != nil {
			return all, err
		}
		text, err := r.JSON(record)
		if err != nil {
			return all, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

// TestRead checks that files of each compression are read, and truncated ones are not taken for whole.
func TestRead(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"null", "deflate", "snappy"} {
		data := write(t, codec, record("a", nil), record("ü", goavro.Union("double", 1.5)), record("c", goavro.Union("long", 7)))
		got, err := read(data, 0)
		if err != nil || len(got) != 3 || !strings.Contains(got[0], `"v":null`) || !strings.Contains(got[1], `"v":1.5`) || !strings.Contains(got[2], `"v":7`) {
			t.Errorf("%s: got %q, %v; want three records", codec, got, err)
		}
		// A file that is truncated within a block gives an error.
		for n := range data {
			part, err := read(data[:n], 0)
			if err == nil && len(part) == 3 || err != nil && !errors.Is(err, ErrFormat) {
				t.Errorf("%s: the first %d bytes: got %d records, %v", codec, n, len(part), err)
			}
		}
	}
}

// file returns a file of one block, built byte by byte.
func file(schema, codec string, count int64, block []byte) []byte {
	b := []byte(Magic)
	text := func(s string) { b = append(binary.AppendVarint(b, int64(len(s))), s...) }
	b = binary.AppendVarint(b, 2)
	text("avro.schema")
	text(schema)
	text("avro.codec")
	text(codec)
	b = append(b, 0)
	sync := bytes.Repeat([]byte{7}, 16)
	b = append(b, sync...)
	b = binary.AppendVarint(binary.AppendVarint(b, count), int64(len(block)))
	return append(append(b, block...), sync...)
}

// TestHostile checks that a small file which would take much memory, or is nested deeply, is refused.
func TestHostile(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z, _ := flate.NewWriter(&bomb, 9)
	_, _ = z.Write(make([]byte, 2<<20))
	z.Close()
	varint := func(n int64) []byte { return binary.AppendVarint(nil, n) }
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"a bomb":               {file(`"bytes"`, "deflate", 1, bomb.Bytes()), "longer than"},
		"a list without end":   {file(`{"type":"array","items":"null"}`, "null", 1, append(varint(1<<40), 0)), "take no byte"},
		"empty records":        {file(`{"type":"record","name":"E","fields":[]}`, "null", 1<<40, nil), "damaged"},
		"a list of empty ones": {file(`{"type":"array","items":{"type":"record","name":"E","fields":[{"name":"n","type":"null"}]}}`, "null", 1, varint(1<<40)), "take no byte"},
		"its own member":       {file(`{"type":"record","name":"R","fields":[{"name":"next","type":["null","R"]}]}`, "null", 1, bytes.Repeat([]byte{2}, 1<<16)), "contains itself"},
		"a namespace":          {file(`{"type":"record","name":"a.b.R","fields":[{"name":"next","type":["null","a.b.R"]}]}`, "null", 1, bytes.Repeat([]byte{2}, 1<<16)), "contains itself"},
		"a long text":          {file(`"string"`, "null", 1, varint(1<<40)), "damaged"},
		"a large block":        {append(file(`"int"`, "null", 1, nil)[:40], varint(1<<50)...), ""},
		"deep":                 {file(strings.Repeat(`{"type":"array","items":`, 100)+`"int"`+strings.Repeat("}", 100), "null", 1, nil), "nested deeper"},
		"another codec":        {file(`"int"`, "lzma", 1, varint(1)), "is not known"},
		"no schema":            {file(`{`, "null", 1, varint(1)), "no JSON"},
		"a large head":         {append([]byte(Magic), binary.AppendVarint(varint(1), 1<<40)...), "too large"},
		"nothing":              {nil, "does not begin"},
	} {
		got, err := read(c.data, 1<<20)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %d records, %v; want %q", name, len(got), err, c.want)
		}
	}
}

// FuzzRead checks that any file gives records, or an error that wraps ErrFormat.
func FuzzRead(f *testing.F) {
	f.Add(write(f, "null", record("a", nil)))
	f.Add(write(f, "deflate", record("a", goavro.Union("double", 1.5))))
	f.Add(write(f, "snappy", record("a", goavro.Union("long", 2))))
	f.Add(file(`{"type":"array","items":["null","string"]}`, "null", 1, []byte{2, 0, 0}))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := read(data, 1<<20)
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("got %v, want ErrFormat", err)
		}
		if again, _ := read(data, 1<<20); len(again) != len(got) {
			t.Errorf("got %q, and then %q", got, again)
		}
	})
}
