// Package ocf reads object container files of Avro 1.11: a schema, then blocks
// of records, plain or compressed by deflate, snappy or zstandard.
//
// The files come from outside. What one asks for is bounded before it is
// allocated, and so is what its schema may describe; records are decoded by
// github.com/linkedin/goavro, which by itself bounds neither.
package ocf

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/linkedin/goavro/v2"
)

// Magic begins a file.
const Magic = "Obj\x01"

// Limits of what a file may ask for.
const (
	maxMeta  = 1 << 20  // of the schema and what else stands before the blocks
	maxBlock = 64 << 20 // of a block, decompressed
)

func init() {
	// Of the one package that uses goavro: no list, map or text may be longer
	// than a block.
	goavro.MaxBlockCount, goavro.MaxBlockSize = maxBlock, maxBlock
}

// ErrFormat is what the error of a file wraps that is damaged, cut off, or asks
// for too much.
var ErrFormat = errors.New("no Avro file")

func fault(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// Reader reads a file.
type Reader struct {
	in     *bufio.Reader
	codec  *goavro.Codec
	unpack string
	limit  int // of a block, decompressed
	sync   [16]byte
	zstd   *zstd.Decoder
}

// New reads the head of a file. No block of it may be longer than limit,
// decompressed; 0 is [maxBlock].
func New(in io.Reader, limit int) (*Reader, error) {
	if limit <= 0 || limit > maxBlock {
		limit = maxBlock
	}
	r := &Reader{in: bufio.NewReader(in), limit: limit}
	var magic [4]byte
	if _, err := io.ReadFull(r.in, magic[:]); err != nil || string(magic[:]) != Magic {
		return nil, fault("it does not begin with %q", Magic)
	}
	meta, err := r.meta()
	if err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(r.in, r.sync[:]); err != nil {
		return nil, fault("its head is cut off")
	}
	switch r.unpack = string(meta["avro.codec"]); r.unpack {
	case "", "null", "deflate", "snappy", "zstandard":
	default:
		return nil, fault("its codec %.40q is not known: null, deflate, snappy and zstandard are", r.unpack)
	}
	if err := checkSchema(meta["avro.schema"]); err != nil {
		return nil, err
	}
	if r.codec, err = goavro.NewCodecForStandardJSONFull(string(meta["avro.schema"])); err != nil {
		return nil, fault("schema: %w", err)
	}
	return r, nil
}

// meta reads the map at the head.
func (r *Reader) meta() (map[string][]byte, error) {
	meta, total := map[string][]byte{}, 0
	text := func() ([]byte, error) {
		n, err := binary.ReadVarint(r.in)
		if err != nil || n < 0 || n > int64(maxMeta-total) {
			return nil, fault("its head is damaged or too large")
		}
		total += int(n) + 1
		b := make([]byte, n)
		if _, err := io.ReadFull(r.in, b); err != nil {
			return nil, fault("its head is cut off")
		}
		return b, nil
	}
	for {
		n, err := binary.ReadVarint(r.in)
		if err != nil {
			return nil, fault("its head is cut off")
		}
		if n == 0 {
			return meta, nil
		}
		if n < 0 { // the number of bytes follows
			if _, err := binary.ReadVarint(r.in); err != nil {
				return nil, fault("its head is cut off")
			}
			n = -n
		}
		for ; n > 0; n-- {
			key, err := text()
			if err != nil {
				return nil, err
			}
			if meta[string(key)], err = text(); err != nil {
				return nil, err
			}
		}
	}
}

// Records yields the records, as goavro has them. It ends with the file, or
// with an error that wraps [ErrFormat] or is that of the reader below.
func (r *Reader) Records() iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		if r.zstd != nil {
			defer r.zstd.Close()
		}
		for block := 0; ; block++ {
			n, data, err := r.block()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, fmt.Errorf("block %d: %w", block, err))
				return
			}
			for ; n > 0; n-- {
				record, rest, err := r.codec.NativeFromBinary(data)
				if err != nil || len(rest) >= len(data) {
					yield(nil, fmt.Errorf("block %d: %w", block, fault("a record is damaged: %v", err)))
					return
				}
				data = rest
				if !yield(record, nil) {
					return
				}
			}
		}
	}
}

// JSON returns a record as JSON, in which a value of a union stands as itself.
// The order of an object's members is any.
func (r *Reader) JSON(record any) ([]byte, error) {
	b, err := r.codec.TextualFromNative(nil, record)
	if err != nil {
		return nil, fault("a record is not JSON: %w", err)
	}
	return b, nil
}

// block reads the next block and returns the number of its records.
func (r *Reader) block() (int64, []byte, error) {
	if _, err := r.in.Peek(1); err == io.EOF {
		return 0, nil, io.EOF
	}
	n, err := binary.ReadVarint(r.in)
	size, err2 := binary.ReadVarint(r.in)
	if err := errors.Join(err, err2); err != nil {
		return 0, nil, fault("it is cut off: %w", err)
	}
	if n < 0 || size < 0 || size > int64(r.limit) {
		return 0, nil, fault("it has %d records in %d bytes, more than %d", n, size, r.limit)
	}
	data, err := io.ReadAll(io.LimitReader(r.in, size))
	if err != nil || int64(len(data)) != size {
		return 0, nil, fault("it is cut off: %v", err)
	}
	var sync [16]byte
	if _, err := io.ReadFull(r.in, sync[:]); err != nil || sync != r.sync {
		return 0, nil, fault("its end is not where it should be")
	}
	if data, err = r.decompress(data); err != nil {
		return 0, nil, err
	}
	return n, data, nil
}

func (r *Reader) decompress(data []byte) ([]byte, error) {
	switch r.unpack {
	case "deflate":
		plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), int64(r.limit)+1))
		if err != nil {
			return nil, fault("deflate: %w", err)
		}
		if len(plain) > r.limit {
			return nil, fault("it is longer than %d bytes, decompressed", r.limit)
		}
		return plain, nil
	case "snappy":
		if len(data) < 4 {
			return nil, fault("snappy: it is cut off")
		}
		data, sum := data[:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
		if n, err := s2.DecodedLen(data); err != nil || n > r.limit {
			return nil, fault("snappy: it has %d bytes, decompressed, %v", n, err)
		}
		plain, err := s2.Decode(nil, data)
		if err != nil || crc32.ChecksumIEEE(plain) != sum {
			return nil, fault("snappy: it is damaged: %v", err)
		}
		return plain, nil
	case "zstandard":
		if r.zstd == nil {
			var err error
			if r.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(uint64(r.limit))); err != nil {
				return nil, err
			}
		}
		plain, err := r.zstd.DecodeAll(data, nil)
		if err != nil {
			return nil, fault("zstandard: %w", err)
		}
		return plain, nil
	}
	return data, nil
}

// checkSchema refuses schemas by which a few bytes would be a great deal of
// data: types that contain themselves, and lists of what takes no byte.
func checkSchema(text []byte) error {
	var schema any
	if err := json.Unmarshal(text, &schema); err != nil {
		return fault("its schema is no JSON: %w", err)
	}
	c := checker{named: map[string]bool{}, open: map[string]bool{}}
	_, err := c.empty(schema, 0)
	return err
}

// checker knows, of each named type, whether its values may take no byte.
type checker struct {
	named map[string]bool
	open  map[string]bool // those being defined
}

const maxNesting = 64

// empty reports whether a value of this schema takes no byte.
func (c checker) empty(schema any, depth int) (bool, error) {
	if depth > maxNesting {
		return false, fault("its schema is nested deeper than %d", maxNesting)
	}
	switch s := schema.(type) {
	case string:
		if open := c.open[s] || c.open[lastPart(s)]; open {
			return false, fault("its schema has the type %.80q that contains itself", s)
		}
		return s == "null" || c.named[s] || c.named[lastPart(s)], nil
	case []any:
		for _, branch := range s {
			if _, err := c.empty(branch, depth+1); err != nil {
				return false, err
			}
		}
		return false, nil
	case map[string]any:
		return c.object(s, depth)
	}
	return false, nil
}

func (c checker) object(s map[string]any, depth int) (bool, error) {
	name, _ := s["name"].(string)
	switch kind, _ := s["type"].(string); kind {
	case "record", "error":
		empty := true
		c.open[lastPart(name)] = true
		fields, _ := s["fields"].([]any)
		for _, f := range fields {
			field, _ := f.(map[string]any)
			e, err := c.empty(field["type"], depth+1)
			if err != nil {
				return false, err
			}
			empty = empty && e
		}
		delete(c.open, lastPart(name))
		c.named[lastPart(name)] = empty
		return empty, nil
	case "array", "map":
		items := s["items"]
		if kind == "map" {
			items = s["values"]
		}
		empty, err := c.empty(items, depth+1)
		if err == nil && empty && kind == "array" {
			err = fault("its schema has a list of values that take no byte")
		}
		return false, err
	case "fixed":
		size, _ := s["size"].(float64)
		c.named[lastPart(name)] = size == 0
		return size == 0, nil
	case "enum":
		return false, nil
	case "":
		return c.empty(s["type"], depth+1) // {"type": {…}}
	default:
		return c.empty(kind, depth+1)
	}
}

// lastPart returns a name without its namespace.
func lastPart(name string) string {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			return name[i+1:]
		}
	}
	return name
}
