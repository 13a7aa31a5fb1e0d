package joblib_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/fleetscore/fleetscore/handler/model/joblib"
)

// TestChecksums: what comes out of an .xz file is held to its CRC-32 or CRC-64. Of the
// checksums that the format knows, SHA-256 is passed over.
func TestChecksums(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 1000) // is kept as it is
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for name, c := range map[string]struct {
		config xz.WriterConfig
		holds  bool
	}{"CRC-32": {xz.WriterConfig{CheckSum: xz.CRC32}, true}, "CRC-64": {xz.WriterConfig{CheckSum: xz.CRC64}, true}, "SHA-256": {xz.WriterConfig{CheckSum: xz.SHA256}, false}, "none": {xz.WriterConfig{NoCheckSum: true}, false}} {
		for n := range 9 { // with each padding
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
				t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(want), err)
			}
			at := bytes.Index(data, want)
			if at < 0 {
				t.Fatalf("%s: the bytes are not kept as they are", name)
			}
			damaged := bytes.Clone(data)
			damaged[at+500] ^= 1
			if got, err := joblib.Decompress(damaged); c.holds && (err == nil || !strings.Contains(err.Error(), "checksum")) || !c.holds && (err != nil || len(got) != len(want)) {
				t.Errorf("%s: with another byte: %v", name, err)
			}
		}
	}
}

// TestXZHeads: a head is of 12 bytes and has a checksum, and so has that of a block.
func TestXZHeads(t *testing.T) {
	t.Parallel()
	data := compress(t, "xz", []byte("hello"))
	for n := range 12 {
		if _, err := joblib.Decompress(append(bytes.Clone(data[:n]), "YZ"...)); n > 5 && err == nil {
			t.Errorf("a head of %d bytes is read", n)
		}
	}
	for i := 6; i < 24; i++ { // both heads, where the magic is left as it is
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x20
		if got, err := joblib.Decompress(damaged); err == nil {
			t.Errorf("byte %d is another, and %q comes out", i, got)
		}
	}
	if _, err := joblib.Decompress(append(bytes.Clone(data), 0)); err == nil {
		t.Error("a file without its end is read")
	}
}
