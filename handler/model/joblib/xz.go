package joblib

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

var errXZ = errors.New("damaged, or with a filter other than LZMA2")

// xzReader reads the blocks of one .xz stream (The .xz File Format, version 1.2.1). It ignores
// the index after the blocks.
type xzReader struct {
	in    *bytes.Reader
	limit int       // the largest size of the dictionary
	check byte      // the type of the blocks' checksums
	block io.Reader // nil between blocks
	sum   hash.Hash // of the block so far; nil if its type is not supported
}

// openXZ reads the header of the stream: the magic bytes, two bytes of flags, and their
// CRC-32. The second byte of flags is the type of checksum.
func openXZ(data []byte, limit int) (io.Reader, error) {
	const headerLen, end = 12, "YZ"
	if len(data) < headerLen || !bytes.HasSuffix(data, []byte(end)) {
		return nil, io.ErrUnexpectedEOF
	}
	if crc32.ChecksumIEEE(data[6:8]) != binary.LittleEndian.Uint32(data[8:]) || data[6] != 0 || data[7] > 15 {
		return nil, errXZ
	}
	return &xzReader{in: bytes.NewReader(data[headerLen:]), limit: limit, check: data[7]}, nil
}

// Read implements io.Reader.
func (x *xzReader) Read(p []byte) (int, error) {
	if x.block == nil {
		if err := x.open(); err != nil {
			return 0, err
		}
	}
	n, err := x.block.Read(p)
	if x.sum != nil {
		x.sum.Write(p[:n])
	}
	if errors.Is(err, io.EOF) {
		err = x.close()
	}
	return n, err
}

// open reads the header of a block: its length in words minus one, flags, the optional sizes
// of the block, the filter's id, the length of the filter's properties, the properties (the
// size of the dictionary), padding, and a CRC-32. A length of 0 is the beginning of the
// index, where the blocks end.
func (x *xzReader) open() error {
	length, err := x.in.ReadByte()
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	if length == 0 {
		return io.EOF
	}
	header := make([]byte, 4*(int(length)+1))
	header[0] = length
	if _, err := io.ReadFull(x.in, header[1:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	end := len(header) - 4
	if crc32.ChecksumIEEE(header[:end]) != binary.LittleEndian.Uint32(header[end:]) {
		return errXZ
	}
	capacity, err := dictionary(header[1], header[2:end])
	if err != nil {
		return err
	}
	x.block, err = lzma.Reader2Config{DictCap: int(max(lzma.MinDictCap, min(capacity, int64(x.limit))))}.NewReader2(x.in)
	x.sum = newSum(x.check)
	return err
}

// dictionary returns the size of the dictionary from the rest of a block's header. Bits 6 and
// 7 of the flags say that sizes of the block come first.
func dictionary(flags byte, rest []byte) (int64, error) {
	for _, bit := range []byte{0x40, 0x80} {
		if flags&bit != 0 {
			_, n := binary.Uvarint(rest)
			rest = rest[max(n, 0):]
		}
	}
	const lzma2 = 0x21
	if flags&0x3f != 0 || len(rest) < 3 || rest[0] != lzma2 || rest[1] != 1 {
		return 0, errXZ
	}
	return lzma.DecodeDictCap(rest[2])
}

// newSum returns the hash of a type of checksum, CRC-32 or CRC-64, or nil for other types.
func newSum(check byte) hash.Hash {
	switch check {
	case 1:
		return crc32.NewIEEE()
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA))
	}
	return nil
}

// close reads the padding of a block, up to a multiple of four bytes, and its checksum.
func (x *xzReader) close() error {
	x.block = nil
	padding := x.in.Len() % 4 // all other parts of the stream are multiples of four bytes
	sizes := [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}
	tail := make([]byte, padding+sizes[x.check])
	if _, err := io.ReadFull(x.in, tail); err != nil {
		return io.ErrUnexpectedEOF
	}
	if x.sum == nil {
		return nil
	}
	want := tail[padding:]
	for i, b := range x.sum.Sum(nil) { // Go's is big-endian
		if b != want[len(want)-1-i] {
			return fmt.Errorf("%w: its checksum is wrong", errXZ)
		}
	}
	return nil
}
