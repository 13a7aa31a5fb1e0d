package joblib_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/joblib"
)

// compressors write the formats that Go has a writer for.
var compressors = map[string]func(io.Writer) (io.WriteCloser, error){
	"zlib": func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil },
	"gzip": func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	"lz4":  func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil },
	"xz":   func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
	"lzma": func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) },
}

// compress returns data in a format of compressors.
func compress(t testing.TB, format string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := compressors[format](&b)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(format, err)
	}
	return b.Bytes()
}

// TestDecompress checks that each format is decompressed.
func TestDecompress(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("\x80\x04support vectors"), 1000)
	for format := range compressors {
		if got, err := joblib.Decompress(compress(t, format, want)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %d bytes of %d, %v", format, len(got), len(want), err)
		}
	}
}

// FuzzDecompress checks that no file makes decompressing panic, take a second of CPU time
// or allocate more than a few times what it may unpack to.
func FuzzDecompress(f *testing.F) {
	for format := range compressors {
		f.Add(compress(f, format, []byte("\x80\x04]\x94(K\x01K\x02e.")))
		f.Add(compress(f, format, make([]byte, 1<<20)))
	}
	f.Add([]byte("BZh91AY&SY\x17rE8P\x90\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		unpacked := min(joblib.MaxSize, max(1<<20, joblib.MaxRatio*len(data)))
		measure.Bounded(t, 4*unpacked+16<<20, func() { _, _ = joblib.Decompress(data) })
	})
}
