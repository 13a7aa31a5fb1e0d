// Package archive reads zip files from untrusted sources. It checks their limits before it
// unpacks anything.
package archive

import (
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Limits of an archive: at most MaxFiles files, which together have at most MaxSize bytes.
// If they have more than smallSize bytes, they may have at most MaxRatio times the size of
// the archive.
const (
	MaxFiles  = 50_000
	MaxSize   = 256 << 20
	MaxRatio  = 100
	smallSize = 1 << 20
	maxName   = 512
)

// Magic is the beginning of a zip file.
const Magic = "PK\x03\x04"

// ErrEncrypted is wrapped by the error for a zip file that needs a password.
var ErrEncrypted = errors.New("the zip file is protected by a password")

// Archive is a zip file. Its methods may be called concurrently.
type Archive struct {
	files map[string]*zip.File
	names []string
	size  int
}

// Open reads and checks the list of files at the end of a zip file. The error wraps
// [pickle.ErrLimit] if a limit is exceeded, and [zip.ErrFormat] if data is no zip file or is
// truncated.
func Open(data []byte) (*Archive, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // the names are checked below
		return nil, err
	}
	if len(r.File) > MaxFiles {
		return nil, fmt.Errorf("%w: a zip file of %d files, at most %d are read", pickle.ErrLimit, len(r.File), MaxFiles)
	}
	a := &Archive{files: make(map[string]*zip.File, len(r.File))}
	limit := uint64(min(MaxSize, max(smallSize, MaxRatio*len(data))))
	var size uint64
	for _, f := range r.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if err := a.check(f); err != nil {
			return nil, err
		}
		if size += min(f.UncompressedSize64, MaxSize+1); size > limit {
			return nil, fmt.Errorf("%w: over %d MiB or %d times the zip file's size come out", pickle.ErrLimit, MaxSize>>20, MaxRatio)
		}
		a.files[f.Name] = f
		a.names = append(a.names, f.Name)
	}
	slices.Sort(a.names)
	a.size = int(size)
	return a, nil
}

func (a *Archive) check(f *zip.File) error {
	if !fs.ValidPath(f.Name) || strings.ContainsAny(f.Name, "\\\x00") || len(f.Name) > maxName {
		return fmt.Errorf("the zip file has a file named %.60q, which is no path inside it", f.Name)
	}
	if a.files[f.Name] != nil {
		return fmt.Errorf("the zip file has two files named %.60q", f.Name)
	}
	if f.Flags&1 != 0 {
		return fmt.Errorf("%w: zip the files without one", ErrEncrypted)
	}
	return nil
}

// Names returns the files' names, sorted.
func (a *Archive) Names() []string { return a.names }

// Has reports whether there is a file of that name.
func (a *Archive) Has(name string) bool { return a.files[name] != nil }

// Size returns the sum of the files' sizes, unpacked, in bytes.
func (a *Archive) Size() int { return a.size }

// bzip2Method is Python's zipfile.ZIP_BZIP2.
const bzip2Method = 12

// Read returns the content of a file. The error wraps [fs.ErrNotExist] if there is no such
// file.
func (a *Archive) Read(name string) ([]byte, error) {
	f := a.files[name]
	if f == nil {
		return nil, fmt.Errorf("the zip file has no %.60q: %w", name, fs.ErrNotExist)
	}
	content, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%.60q in the zip file: %w", name, err)
	}
	return content, nil
}

func read(f *zip.File) ([]byte, error) {
	var r io.Reader
	if f.Method == bzip2Method {
		raw, err := f.OpenRaw()
		if err != nil {
			return nil, err
		}
		r = bzip2.NewReader(raw)
	} else {
		rc, err := f.Open()
		if errors.Is(err, zip.ErrAlgorithm) {
			return nil, fmt.Errorf("compressed by method %d, which is not supported: use deflate or none", f.Method)
		}
		if err != nil {
			return nil, err
		}
		defer rc.Close()
		r = rc
	}
	size := int(f.UncompressedSize64)
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, int64(size)+1))
	if err == nil && n != int64(size) {
		err = fmt.Errorf("it should have %d bytes unpacked, but has %d", size, n)
	}
	return b.Bytes(), err
}

// Write returns a zip file of the files. The same files always give the same bytes: names
// are sorted, there are no dates, and nothing is compressed, since the output of a
// compressor differs between its versions.
func Write(files map[string][]byte) ([]byte, error) {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
