package joblib_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/fleetscore/fleetscore/handler/model/joblib"
)

// TestChecksums checks that an .xz file with a wrong CRC-32 or CRC-64 is refused. SHA-256,
// the third checksum of the format, is not compared.
func TestChecksums(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1000) // xz stores it uncompressed
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for name, c := range map[string]struct {
		config  xz.WriterConfig
		checked bool
	}{"CRC-32": {xz.WriterConfig{CheckSum: xz.CRC32}, true}, "CRC-64": {xz.WriterConfig{CheckSum: xz.CRC64}, true}, "SHA-256": {xz.WriterConfig{CheckSum: xz.SHA256}, false}, "none": {xz.WriterConfig{NoCheckSum: true}, false}} {
		for n := range 9 { // each length of padding
			want := noise[:len(noise)-n]
			var b bytes.Buffer
			w, err := c.config.NewWriter(&b)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(want); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			data := b.Bytes()
			if got, err := joblib.Decompress(data); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: got %d bytes of %d, %v", name, len(got), len(want), err)
			}
			at := bytes.Index(data, want)
			if at < 0 {
				t.Fatalf("%s: the bytes are not stored uncompressed", name)
			}
			damaged := bytes.Clone(data)
			damaged[at+500] ^= 1
			if got, err := joblib.Decompress(damaged); c.checked && (err == nil || !strings.Contains(err.Error(), "checksum")) || !c.checked && (err != nil || len(got) != len(want)) {
				t.Errorf("%s: a file with a changed byte: got %v, want an error %v", name, err, c.checked)
			}
		}
	}
}

// TestXZHeaders checks that a truncated or changed header of a file or block is refused.
func TestXZHeaders(t *testing.T) {
	t.Parallel()
	data := compress(t, "xz", []byte("hello"))
	for n := range 12 {
		if _, err := joblib.Decompress(append(bytes.Clone(data[:n]), "YZ"...)); n > 5 && err == nil {
			t.Errorf("a header of %d bytes was read, want an error", n)
		}
	}
	for i := 6; i < 24; i++ { // both headers, without the signature
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x20
		if got, err := joblib.Decompress(damaged); err == nil {
			t.Errorf("byte %d changed: got %q, want an error", i, got)
		}
	}
	if _, err := joblib.Decompress(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a file with a byte after its end was read, want an error")
	}
}
