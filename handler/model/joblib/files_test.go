package joblib_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ulikunitz/xz/lzma"

	"github.com/fleetscore/fleetscore/handler/goldenfile"
	"github.com/fleetscore/fleetscore/handler/model/joblib"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// files returns the files that files.py in testdata wrote, by version of joblib,
// compression and protocol.
func files(t *testing.T) map[string][]byte {
	t.Helper()
	type written struct {
		Joblib string
		Files  map[string][]byte
	}
	all := make(map[string][]byte)
	for _, g := range goldenfile.ReadAll[written](t, "testdata/files-*.json.gz", 2) {
		for kind, data := range g.Files {
			all[g.Joblib+" "+kind] = data
		}
	}
	return all
}

// known reports whether a name may occur in the files.
func known(g pickle.Global) bool { return joblib.Known(g) || numpy.Known(g) }

// read returns the dict in a file as text, a line for each array.
func read(data []byte) (string, error) {
	data, err := joblib.Decompress(data)
	if err != nil {
		return "", err
	}
	v, err := pickle.Read(data, pickle.Options{Allow: known, Built: joblib.Built})
	if err != nil {
		return "", err
	}
	d, ok := v.(*pickle.Dict)
	if !ok {
		return "", errors.New(pickle.Kind(v))
	}
	var b strings.Builder
	for _, e := range d.Entries {
		if s, ok := e.Value.(string); ok {
			fmt.Fprintf(&b, "%v: %s\n", e.Key, s)
			continue
		}
		a, err := numpy.Parse(e.Value)
		if err != nil {
			return "", err
		}
		items, err := a.Items(pickle.NewBudget(0))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%v: %v %v %v\n", e.Key, a.Type, a.Shape, items)
	}
	return b.String(), nil
}

// want is the dict that all files have, as read returns it.
const want = `rows: f8 [2 3] [0 1 2 3 4 5]
fortran: f4 [2 3] [0 1 2 3 4 5]
integers: i2 [2] [-1 2]
words: U3 [2] [a bcd]
objects: O8 [2 2] [a <nil> 1 2.5]
none: f8 [0 3] []
one: f8 [] [7.5]
end: the end
`

// TestFiles checks that the arrays in joblib's files are read, with or without padding
// between them, whatever the compression.
func TestFiles(t *testing.T) {
	t.Parallel()
	for name, data := range files(t) {
		if got, err := read(data); err != nil || got != want {
			t.Errorf("%s: got %v\n%s\nwant\n%s", name, err, got, want)
		}
	}
}

// TestTruncated checks that a truncated file is refused.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for name, data := range files(t) {
		for n := 0; n < len(data); n += 1 + n/10 {
			if got, err := read(data[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes were read as %s, want an error", name, n, len(data), got)
			}
		}
	}
}

// TestDamaged changes single bytes of files with a checksum. Each file must be refused, or
// read as before.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for name, data := range files(t) {
		if name != "1.6.0 gzip_4" && name != "1.6.0 xz_4" {
			continue
		}
		refused := 0
		for i := range data {
			damaged := bytes.Clone(data)
			damaged[i] ^= 0x10
			switch got, err := read(damaged); {
			case err != nil:
				refused++
			case got != want:
				t.Errorf("%s with byte %d of %d changed: got %s", name, i, len(data), got)
			}
		}
		if refused < len(data)/2 {
			t.Errorf("%s: %d of %d damaged files were refused, want at least half", name, refused, len(data))
		}
	}
}

// TestLimits checks that any file may unpack to 16 MiB, and a larger one to a hundred
// times its size.
func TestLimits(t *testing.T) {
	t.Parallel()
	within := compress(t, "zlib", make([]byte, 16<<20))
	if got, err := joblib.Decompress(within); err != nil || len(got) != 16<<20 {
		t.Errorf("16 MiB: got %d bytes, %v", len(got), err)
	}
	_, err := joblib.Decompress(compress(t, "zlib", make([]byte, 16<<20+1)))
	if !errors.Is(err, pickle.ErrLimit) || !strings.Contains(err.Error(), "decompress (zlib): ") || !strings.Contains(err.Error(), "over 256 MiB or 100 times the file's size come out") {
		t.Errorf("a byte more than 16 MiB: got %v, want pickle.ErrLimit", err)
	}
	large := make([]byte, 17<<20)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200_000 {
		large[i] = byte(random.Uint32())
	}
	if got, err := joblib.Decompress(compress(t, "zlib", large)); err != nil || !bytes.Equal(got, large) {
		t.Errorf("17 MiB from a large file: got %d bytes, %v", len(got), err)
	}
	if _, err := joblib.Decompress([]byte("ZF0x12")); err == nil || !strings.Contains(err.Error(), "before 0.9.3): not supported: load it in Python and dump it again") {
		t.Errorf("a file of joblib before 0.9.3: got %v", err)
	}
	for _, plain := range []string{"", "\x80\x04N.", "Z", "B", "\xfd7zX"} {
		if got, err := joblib.Decompress([]byte(plain)); err != nil || string(got) != plain {
			t.Errorf("%q, which is not compressed: got %q, %v", plain, got, err)
		}
	}
}

// TestDictionaries checks that a file which claims a dictionary of 4 GiB is read. The
// memory is limited by what the file may unpack to.
func TestDictionaries(t *testing.T) {
	t.Parallel()
	data := compress(t, "lzma", []byte("hello"))
	copy(data[1:5], "\x00\xff\xff\xff")
	if got, err := joblib.Decompress(data); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v; want hello", got, err)
	}
	for n := range lzma.HeaderLen {
		if _, err := joblib.Decompress(append([]byte("\x5d\x00"), make([]byte, n)...)[:max(n, 2)]); err == nil {
			t.Errorf("a header of %d bytes was read, want an error", n)
		}
	}
}

// TestKnown checks that the class of arrays is known in joblib, and in the copy of joblib
// in scikit-learn.
func TestKnown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"joblib.numpy_pickle NumpyArrayWrapper": true, "sklearn.externals.joblib.numpy_pickle NumpyArrayWrapper": true,
		"joblib.numpy_pickle NDArrayWrapper": false, "joblib NumpyArrayWrapper": false, "joblib.numpy_pickle load": false,
	} {
		module, class, _ := strings.Cut(name, " ")
		if got := joblib.Known(pickle.Global{Module: module, Name: class}); got != want {
			t.Errorf("Known(%s) = %v, want %v", name, got, want)
		}
	}
}
