package pickle

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

func (r *reader) byte() (byte, error) {
	if r.pos >= len(r.data) {
		return 0, &Truncated{1}
	}
	r.pos++
	return r.data[r.pos-1], nil
}

// uint reads a little-endian number of 1, 2, 4 or 8 bytes.
func (r *reader) uint(size int) (uint64, error) {
	b, err := r.Take(size)
	if err != nil {
		return 0, err
	}
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(binary.LittleEndian.Uint16(b)), nil
	case 4:
		return uint64(binary.LittleEndian.Uint32(b)), nil
	}
	return binary.LittleEndian.Uint64(b), nil
}

// line reads a line and returns it without its end.
func (r *reader) line() ([]byte, error) {
	n := bytes.IndexByte(r.data[r.pos:], '\n')
	if n < 0 {
		return nil, &Truncated{1}
	}
	b, err := r.Take(n + 1)
	return bytes.TrimSuffix(b[:n], []byte("\r")), err
}

// counted reads a length, which has size bytes, and that many bytes.
func (r *reader) counted(size int) ([]byte, error) {
	n, err := r.uint(size)
	if err != nil {
		return nil, err
	}
	if err := r.has(n); err != nil {
		return nil, err
	}
	return r.Take(int(n))
}

// has returns a [*Truncated] unless n more bytes are left.
func (in *Input) has(n uint64) error {
	if left := uint64(len(in.data) - in.pos); n > left {
		return &Truncated{n - left}
	}
	return nil
}

func (r *reader) none() error     { return r.push(nil) }
func (r *reader) newTrue() error  { return r.push(true) }
func (r *reader) newFalse() error { return r.push(false) }

func (r *reader) int1() error { return r.withUint(1, r.pushUint) }
func (r *reader) int2() error { return r.withUint(2, r.pushUint) }
func (r *reader) int4() error {
	return r.withUint(4, func(n uint64) error { return r.pushNew(int64(int32(n)), sizeValue) })
}

func (r *reader) pushUint(n uint64) error { return r.pushNew(int64(n), sizeValue) }

// intText reads an integer of protocol 0, where 01 and 00 are True and False.
func (r *reader) intText() error {
	line, err := r.line()
	if err != nil {
		return err
	}
	switch string(line) {
	case "01":
		return r.push(true)
	case "00":
		return r.push(false)
	}
	return r.pushDecimal(string(line))
}

func (r *reader) longText() error {
	line, err := r.line()
	if err != nil {
		return err
	}
	return r.pushDecimal(strings.TrimSuffix(string(line[:min(len(line), maxLongDigits+1)]), "L"))
}

func (r *reader) pushDecimal(digits string) error {
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return r.pushNew(n, sizeValue)
	}
	if len(digits) > maxLongDigits {
		return fmt.Errorf("%w: an integer of over %d bytes", ErrLimit, MaxLong)
	}
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok {
		return fmt.Errorf("%.40q is no integer", digits)
	}
	return r.pushNew(n, sizeHolder+len(digits))
}

func (r *reader) long1() error { return r.withUint(1, r.long) }
func (r *reader) long4() error { return r.withUint(4, r.long) }

// long reads an integer of n bytes, little-endian, in two's complement.
func (r *reader) long(n uint64) error {
	if n > MaxLong {
		return fmt.Errorf("%w: an integer of %d bytes, at most %d are read", ErrLimit, n, MaxLong)
	}
	b, err := r.Take(int(n))
	if err != nil {
		return err
	}
	negative := n > 0 && b[n-1] >= 0x80
	if n <= 8 {
		var wide [8]byte
		if negative {
			wide = [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		}
		copy(wide[:], b)
		return r.pushNew(int64(binary.LittleEndian.Uint64(wide[:])), sizeValue)
	}
	return r.pushNew(bigLong(b, negative), sizeHolder+2*len(b))
}

func bigLong(b []byte, negative bool) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	n := new(big.Int).SetBytes(b)
	if negative {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func (r *reader) float() error {
	b, err := r.Take(8)
	if err != nil {
		return err
	}
	return r.pushNew(math.Float64frombits(binary.BigEndian.Uint64(b)), sizeValue)
}

func (r *reader) floatText() error {
	line, err := r.line()
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(string(line[:min(len(line), 400)]), 64)
	if err != nil {
		return fmt.Errorf("%.40q is no float64", line)
	}
	return r.pushNew(f, sizeValue)
}

func (r *reader) bytes1() error { return r.bytes(1) }
func (r *reader) bytes4() error { return r.bytes(4) }
func (r *reader) bytes8() error { return r.bytes(8) }

func (r *reader) bytes(size int) error {
	b, err := r.counted(size)
	if err != nil {
		return err
	}
	return r.pushNew(b, 2*sizeValue)
}
