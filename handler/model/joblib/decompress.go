package joblib

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"github.com/pierrec/lz4/v4"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Limits of decompressed data: at most MaxSize bytes. If it has more than smallSize bytes, it
// may have at most MaxRatio times the size of the file.
const (
	MaxSize   = 256 << 20
	MaxRatio  = 100
	smallSize = 16 << 20
)

// formats are the compressions of joblib, recognised by the first bytes of a file. Limit is
// the largest size of the decompressed data.
var formats = []struct {
	name, magic string
	open        func(data []byte, limit int) (io.Reader, error)
}{
	{"zlib", "\x78", openZlib},
	{"gzip", "\x1f\x8b", openGzip},
	{"bz2", "BZ", openBzip2},
	{"lzma", "\x5d\x00", openLZMA},
	{"xz", "\xfd7zXZ", openXZ},
	{"lz4", "\x04\x22\x4d\x18", openLZ4},
	{"compression of joblib before 0.9.3", "ZF", openOld},
}

// Decompress returns the decompressed data, or data itself if it is not compressed. The
// error wraps [pickle.ErrLimit] if a limit is exceeded.
func Decompress(data []byte) ([]byte, error) {
	for _, f := range formats {
		if !bytes.HasPrefix(data, []byte(f.magic)) {
			continue
		}
		limit := min(MaxSize, max(smallSize, MaxRatio*len(data)))
		r, err := f.open(data, limit)
		if err == nil {
			data, err = readAll(r, limit)
		}
		if err != nil {
			return nil, fmt.Errorf("decompress (%s): %w", f.name, err)
		}
		return data, nil
	}
	return data, nil
}

// readAll reads all bytes, and returns an error if there are more than limit.
func readAll(r io.Reader, limit int) ([]byte, error) {
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1))
	if err == nil && n > int64(limit) {
		err = fmt.Errorf("%w: over %d MiB or %d times the file's size come out", pickle.ErrLimit, MaxSize>>20, MaxRatio)
	}
	return b.Bytes(), err
}

func openZlib(data []byte, _ int) (io.Reader, error) { return zlib.NewReader(bytes.NewReader(data)) }
func openGzip(data []byte, _ int) (io.Reader, error) { return gzip.NewReader(bytes.NewReader(data)) }
func openBzip2(data []byte, _ int) (io.Reader, error) {
	return bzip2.NewReader(bytes.NewReader(data)), nil
}
func openLZ4(data []byte, _ int) (io.Reader, error) { return lz4.NewReader(bytes.NewReader(data)), nil }

func openOld([]byte, int) (io.Reader, error) {
	return nil, errors.New("not supported: load it in Python and dump it again")
}
