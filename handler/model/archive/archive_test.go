package archive_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// zipped returns a zip file of these files, given as name, content, name, content.
// Names may repeat. Contents of more than 50 bytes are deflated.
func zipped(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		method := zip.Store
		if len(files[i+1]) > 50 {
			method = zip.Deflate
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: files[i], Method: method})
		if err == nil {
			_, err = io.WriteString(f, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWrite checks that what Write writes is read, and that the same files always give
// the same bytes.
func TestWrite(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"b/model.pkl": []byte("model"), "a.json": {}, "c": bytes.Repeat([]byte("x"), 10_000)}
	data, err := archive.Write(files)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 { // maps.Clone's order differs each time
		if again, err := archive.Write(maps.Clone(files)); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("the same files gave other bytes (%v)", err)
		}
	}
	a, err := archive.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"a.json", "b/model.pkl", "c"}; !slices.Equal(a.Names(), want) || a.Size() != 10_005 {
		t.Errorf("got %q of %d bytes, want %q of 10005", a.Names(), a.Size(), want)
	}
	for name, want := range files {
		if got, err := a.Read(name); err != nil || !bytes.Equal(got, want) || !a.Has(name) {
			t.Errorf("%s: got %d bytes, want %d (%v)", name, len(got), len(want), err)
		}
	}
	if _, err := a.Read("d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a missing file: %v, want fs.ErrNotExist", err)
	}
}

// TestOpenRefuses checks the error for each kind of zip file that is refused.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	bomb := zipped(t, "a", strings.Repeat("\x00", 3<<20))
	encrypted := zipped(t, "a", "b")
	directory := bytes.LastIndex(encrypted, []byte("PK\x01\x02"))
	encrypted[directory+8] |= 1
	shrunk := zipped(t, "a", strings.Repeat("x", 100)) // its directory will claim 50 bytes
	directory = bytes.LastIndex(shrunk, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(shrunk[directory+24:], 50)
	many := make([]string, 2*(archive.MaxFiles+1))
	for i := range many {
		many[i] = strconv.Itoa(i)
	}
	for name, tc := range map[string]struct {
		data []byte
		want error
		text string
	}{
		"not a zip file":       {[]byte("hello"), zip.ErrFormat, ""},
		"empty":                {nil, zip.ErrFormat, ""},
		"truncated":            {zipped(t, "a", "b")[:60], zip.ErrFormat, ""},
		"a bomb":               {bomb, pickle.ErrLimit, "100 times the zip file's size come out"},
		"too many files":       {zipped(t, many...), pickle.ErrLimit, "a zip file of 50001 files"},
		"as many as allowed":   {zipped(t, many[2:]...), fs.ErrNotExist, `the zip file has no "a"`},
		"a path to the parent": {zipped(t, "../a", ""), nil, `named "../a", which is no path inside it`},
		"an absolute path":     {zipped(t, "/a", ""), nil, `named "/a"`},
		"a Windows path":       {zipped(t, `a\b`, ""), nil, "which is no path inside it"},
		"a name with a zero":   {zipped(t, "a\x00", ""), nil, "which is no path inside it"},
		"a long name":          {zipped(t, strings.Repeat("a", 600), ""), nil, "which is no path inside it"},
		"a repeated name":      {zipped(t, "a", "1", "a", "2"), nil, `two files named "a"`},
		"a password":           {encrypted, archive.ErrEncrypted, "zip the files without one"},
		"a wrong size":         {shrunk, nil, ""},
	} {
		a, err := archive.Open(tc.data)
		if err == nil {
			_, err = a.Read("a")
		}
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: got %v, want %v %s", name, err, tc.want, tc.text)
		}
	}
}

// TestEdges checks that a file just within each limit is read, and one just beyond
// it is refused.
func TestEdges(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("a", 512)
	for _, c := range []struct {
		name string
		data []byte
		size int
		ok   bool
	}{
		{"empty archive", zipped(t), 0, true},
		{"empty file", zipped(t, name, ""), 0, true},
		{"longest name", zipped(t, name, "b"), 1, true},
		{"a name that is too long", zipped(t, name+"a", "b"), 0, false},
		{"1 MiB", zipped(t, name, strings.Repeat("\x00", 1<<20-1), "b", "c"), 1 << 20, true},
		{"a byte more", zipped(t, name, strings.Repeat("\x00", 1<<20), "b", "c"), 0, false},
	} {
		a, err := archive.Open(c.data)
		switch {
		case !c.ok && err == nil:
			t.Errorf("%s was read, want an error", c.name)
		case c.ok && (err != nil || a.Size() != c.size):
			t.Errorf("%s: %d bytes, %v; want %d bytes", c.name, a.Size(), err, c.size)
		case c.ok && a.Has(name):
			if content, err := a.Read(name); err != nil || len(content) != c.size-len(a.Names())+1 {
				t.Errorf("%s: read %d bytes of %d, %v", c.name, len(content), c.size, err)
			}
		}
	}
}

// TestRatio checks that a large zip file may unpack to a hundred times its size, and
// no more.
func TestRatio(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 40_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for zeros, ok := range map[int]bool{3_900_000: true, 4_600_000: false} {
		data := zipped(t, "noise", string(noise), "zeros", strings.Repeat("\x00", zeros))
		if _, err := archive.Open(data); (err == nil) != ok || err != nil && !errors.Is(err, pickle.ErrLimit) {
			t.Errorf("a zip file of %d bytes that unpacks to %d: %v, want success %v", len(data), zeros+len(noise), err, ok)
		}
	}
}

// TestMethods checks that bzip2 is read, and that the error names any other method.
func TestMethods(t *testing.T) {
	t.Parallel()
	compressed, err := hex.DecodeString("425a68393141592653591931653d00000081000244a000219a68334d07338bb9229c28480c98b29e80")
	if err != nil {
		t.Fatal(err)
	}
	written := func(method uint16, content []byte, size uint64) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		f, err := w.CreateRaw(&zip.FileHeader{Name: "a", Method: method, CompressedSize64: uint64(len(content)), UncompressedSize64: size})
		if err == nil {
			_, err = f.Write(content)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, c := range []struct {
		method  uint16
		content []byte
		size    uint64
		want    string
	}{
		{12, compressed, 5, ""},
		{12, compressed, 4, "\"a\" in the zip file: it should have 4 bytes unpacked, but has 5"},
		{12, compressed, 6, "should have 6 bytes unpacked, but has 5"},
		{12, compressed[:10], 5, "unexpected EOF"},
		{93, compressed, 5, "compressed by method 93, which is not supported: use deflate or none"},
	} {
		a, err := archive.Open(written(c.method, c.content, c.size))
		if err != nil {
			t.Fatal(err)
		}
		content, err := a.Read("a")
		if c.want == "" && (err != nil || string(content) != "hello") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("method %d, %d bytes: got %q, %v; want %q", c.method, c.size, content, err, c.want)
		}
	}
}

// TestFolders checks that a folder's entry is not taken for a file.
func TestFolders(t *testing.T) {
	a, err := archive.Open(zipped(t, "d/", "", "d/a", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"d/a"}; !slices.Equal(a.Names(), want) {
		t.Errorf("got %q, want %q", a.Names(), want)
	}
}

// FuzzOpen checks that no file makes opening and reading panic, take a second of CPU
// time or allocate more than the limits allow. The files must not unpack to more than
// Size says.
func FuzzOpen(f *testing.F) {
	f.Add(zipped(f, "a", "hello", "b/c", strings.Repeat("x", 1000)))
	f.Add(zipped(f, "a", strings.Repeat("\x00", 3<<20)))
	stored, err := archive.Write(map[string][]byte{"a": []byte("b")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(stored)
	f.Fuzz(func(t *testing.T, data []byte) {
		measure.Bounded(t, max(4<<20, 3*archive.MaxRatio*len(data))+16<<20, func() {
			a, err := archive.Open(data)
			if err != nil {
				return
			}
			size := 0
			for _, name := range a.Names() {
				content, err := a.Read(name)
				if err == nil {
					size += len(content)
				}
			}
			if size > a.Size() {
				t.Errorf("unpacked %d bytes, but Size said %d", size, a.Size())
			}
		})
	})
}
