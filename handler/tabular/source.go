package tabular

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Suffixes are the endings of the files in a folder that are read. Each may have .gz or .zst
// after it. A file that a pattern names itself may have any ending: its content says what it
// is.
var Suffixes = []string{".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet"}

// find returns the files that the patterns name: see [Open].
func find(patterns []string) ([]string, error) {
	var files []string
	for _, p := range patterns {
		if p == "-" {
			files = append(files, p)
			continue
		}
		named := []string{p}
		if _, err := os.Lstat(p); err != nil && strings.ContainsAny(p, "*?[") {
			var bad error
			if named, bad = filepath.Glob(p); bad != nil {
				return nil, fmt.Errorf("%w: pattern %q: %w", fleet.ErrInvalid, p, bad)
			}
			if len(named) == 0 {
				return nil, fmt.Errorf("%w: no file matches %q", fleet.ErrInvalid, p)
			}
		}
		for _, name := range named {
			below, err := below(name)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%w: no file is named", fleet.ErrInvalid)
	}
	return files, nil
}

// below returns name, or, if it is a folder, the files in it, sorted by name.
func below(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	var files []string
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && slices.Contains(Suffixes, suffix(path)) {
			files = append(files, path)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%w: folder %s has no file that ends in %s", fleet.ErrInvalid, name, strings.Join(Suffixes, ", "))
	}
	return files, err
}

// bare returns a file's name without its folder, and without the ending .gz or .zst.
func bare(path string) string {
	base := filepath.Base(path)
	for _, packed := range []string{".gz", ".zst"} {
		base = strings.TrimSuffix(base, packed)
	}
	return base
}

func suffix(path string) string { return strings.ToLower(filepath.Ext(bare(path))) }

// peekSize is the size in bytes of a file's beginning by which its format is recognised.
const peekSize = 64 << 10

// source is an open file, decompressed and, if it is text, in UTF-8.
type source struct {
	name  string   // for messages
	file  *os.File // nil for stdin
	plain bool     // the Reader gives the file's bytes, neither decompressed nor recoded
	*bufio.Reader
	closers []func()
}

// open opens a file, or stdin if the name is "-". It detects the compression and the encoding.
func (r *Reader) open(name string) (*source, error) {
	s := &source{name: name}
	var raw io.Reader = r.opt.Stdin
	if name == "-" {
		s.name = "stdin"
		if raw == nil {
			raw = os.Stdin
		}
		if s, ok := raw.(io.Seeker); ok {
			_, _ = s.Seek(0, io.SeekStart) // a pipe cannot, and is read once
		}
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		s.file, raw = f, f
		s.closers = append(s.closers, func() { f.Close() })
	}
	s.Reader, s.plain = bufio.NewReaderSize(raw, peekSize), name != "-"
	if err := s.unpack(); err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	s.recode()
	return s, nil
}

func (s *source) close() {
	for _, c := range slices.Backward(s.closers) {
		c()
	}
}

// maxWindow bounds the memory for decompressing a zstd file, in bytes.
const maxWindow = 128 << 20

// unpack decompresses gzip and zstd, which it recognises by the first bytes.
func (s *source) unpack() error {
	head, _ := s.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(s.Reader)
		if err != nil {
			return fmt.Errorf("%w: gzip: %w", fleet.ErrInvalid, err)
		}
		s.Reader, s.plain = bufio.NewReaderSize(z, peekSize), false
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(s.Reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return fmt.Errorf("%w: zstd: %w", fleet.ErrInvalid, err)
		}
		s.closers = append(s.closers, z.Close)
		s.Reader, s.plain = bufio.NewReaderSize(z, peekSize), false
	}
	return nil
}

// recode converts text to UTF-8 without a byte order mark. It recognises UTF-16 by its byte order
// mark or its zeros. Text that is neither UTF-16 nor UTF-8 is read as Windows-1252.
func (s *source) recode() {
	head, _ := s.Peek(peekSize)
	var decoder transform.Transformer
	switch {
	case s.parquet():
		return
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		decoder = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()
	case bytes.HasPrefix(head, []byte("\ufeff")):
		_, _ = s.Discard(3)
		return
	case zeros(head, 1):
		decoder = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	case zeros(head, 0):
		decoder = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder()
	case !validPrefix(head):
		decoder = charmap.Windows1252.NewDecoder()
	default:
		return
	}
	s.Reader, s.plain = bufio.NewReaderSize(transform.NewReader(s.Reader, decoder), peekSize), false
}

// zeros reports whether the first pairs of bytes all have a zero at position odd, 0 or 1, and
// none at the other one. Latin text in UTF-16 has this form.
func zeros(head []byte, odd int) bool {
	n := min(len(head), 16) &^ 1
	for i := 0; i < n; i += 2 {
		if head[i+odd] != 0 || head[i+1-odd] == 0 {
			return false
		}
	}
	return n >= 4
}

// validPrefix reports whether head is the beginning of text in UTF-8. Its last character may be
// incomplete.
func validPrefix(head []byte) bool {
	for cut := range min(utf8.UTFMax, len(head)+1) {
		if utf8.Valid(head[:len(head)-cut]) {
			return true
		}
	}
	return false
}

// parquet reports whether the content is Parquet.
func (s *source) parquet() bool {
	head, _ := s.Peek(4)
	return string(head) == "PAR1"
}

// json reports whether the content begins with a brace or bracket. The header of a CSV file does
// not.
func (s *source) json() bool {
	head, _ := s.Peek(peekSize)
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[')
}
