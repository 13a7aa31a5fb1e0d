package xgboost

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// binaryReader reads UBJSON (draft 12) in the form that XGBoost writes: lengths have 64
// bits. Numbers are big-endian.
type binaryReader struct {
	data  []byte
	at    int
	depth int
}

func (r *binaryReader) fail(want string) error {
	if r.at >= len(r.data) {
		return errTruncated
	}
	return fmt.Errorf("%w: %q at byte %d where %s is wanted", errMalformed, r.data[r.at], r.at, want)
}

// next returns the next byte without reading it; 0 at the end.
func (r *binaryReader) next() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

func (r *binaryReader) expect(c byte, want string) error {
	if r.next() != c {
		return r.fail(want)
	}
	r.at++
	return nil
}

func (r *binaryReader) take(n int) ([]byte, error) {
	if n > len(r.data)-r.at {
		return nil, errTruncated
	}
	r.at += n
	return r.data[r.at-n : r.at], nil
}

// length reads the number of the elements that follow. Each takes at least size bytes, so a
// larger number than fits in the data is an error.
func (r *binaryReader) length(size int) (int, error) {
	if err := r.expect('L', "a length of 64 bits"); err != nil {
		return 0, err
	}
	raw, err := r.take(8)
	if err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint64(raw)
	if n > uint64((len(r.data)-r.at)/size) {
		return 0, errTruncated
	}
	return int(n), nil
}

func (r *binaryReader) nest() error {
	if r.depth++; r.depth > maxNesting {
		return fmt.Errorf("%w: over %d arrays and objects inside one another", errMalformed, maxNesting)
	}
	return nil
}

func (r *binaryReader) object(each func(key string) error) error {
	if err := r.expect('{', "an object"); err != nil {
		return err
	}
	if err := r.nest(); err != nil {
		return err
	}
	for r.next() != '}' {
		key, err := r.content()
		if err != nil {
			return err
		}
		if err := each(string(key)); err != nil {
			return err
		}
	}
	r.at++
	r.depth--
	return nil
}

// content reads a string without its marker.
func (r *binaryReader) content() ([]byte, error) {
	n, err := r.length(1)
	if err != nil {
		return nil, err
	}
	return r.take(n)
}

func (r *binaryReader) text() (string, error) {
	if err := r.expect('S', "a string"); err != nil {
		return "", err
	}
	raw, err := r.content()
	return string(raw), err
}

// sizes are the numbers of bytes of a number, by its type marker.
var sizes = [256]int{'i': 1, 'U': 1, 'C': 1, 'I': 2, 'l': 4, 'd': 4, 'L': 8, 'D': 8}

// typed reads the beginning of an array. If all elements have one type, it returns the type
// and the bytes of all elements. Otherwise it returns the number of elements, or -1 if the
// array ends with a bracket.
func (r *binaryReader) typed() (kind byte, raw []byte, n int, err error) {
	if err := r.expect('[', "an array"); err != nil {
		return 0, nil, 0, err
	}
	switch r.next() {
	case '$':
		r.at++
		kind = r.next()
		if sizes[kind] == 0 {
			return 0, nil, 0, r.fail("a type of numbers")
		}
		r.at++
		if err := r.expect('#', "a number sign"); err != nil {
			return 0, nil, 0, err
		}
		n, err := r.length(sizes[kind])
		if err != nil {
			return 0, nil, 0, err
		}
		raw, err := r.take(n * sizes[kind])
		return kind, raw, n, err
	case '#':
		r.at++
		n, err := r.length(1)
		return 0, nil, n, err
	}
	return 0, nil, -1, nil
}

// elements calls each for the elements of an array. N is as typed returns it.
func (r *binaryReader) elements(n int, each func() error) error {
	if err := r.nest(); err != nil {
		return err
	}
	for i := 0; i != n && (n >= 0 || r.next() != ']'); i++ {
		if err := each(); err != nil {
			return err
		}
	}
	if n < 0 {
		r.at++
	}
	r.depth--
	return nil
}

func (r *binaryReader) array(each func() error) error {
	kind, raw, n, err := r.typed()
	switch {
	case err != nil:
		return err
	case kind != 0 && len(raw) > 0:
		return fmt.Errorf("%w: numbers before byte %d where other elements are wanted", errMalformed, r.at)
	case kind != 0:
		return nil
	}
	return r.elements(n, each)
}

// number decodes a number of a type.
func number(kind byte, raw []byte) float64 {
	switch kind {
	case 'd':
		return float64(math.Float32frombits(binary.BigEndian.Uint32(raw)))
	case 'D':
		return math.Float64frombits(binary.BigEndian.Uint64(raw))
	}
	return float64(integer(kind, raw))
}

func integer(kind byte, raw []byte) int64 {
	switch kind {
	case 'i', 'C':
		return int64(int8(raw[0]))
	case 'U':
		return int64(raw[0])
	case 'I':
		return int64(int16(binary.BigEndian.Uint16(raw)))
	case 'l':
		return int64(int32(binary.BigEndian.Uint32(raw)))
	}
	return int64(binary.BigEndian.Uint64(raw))
}

// one reads a type marker and a number. True and false become U with 1 and 0.
func (r *binaryReader) one() (kind byte, raw []byte, err error) {
	kind = r.next()
	switch {
	case kind == 'T' || kind == 'F':
		r.at++
		if kind == 'T' {
			return 'U', []byte{1}, nil
		}
		return 'U', []byte{0}, nil
	case sizes[kind] == 0:
		return 0, nil, r.fail("a number")
	}
	r.at++
	raw, err = r.take(sizes[kind])
	return kind, raw, err
}

// numbers reads an array of numbers, and calls each for every number. Before that it calls
// room with their count, or with 0 if the count is not known.
func (r *binaryReader) numbers(room func(n int), each func(kind byte, raw []byte) error) error {
	kind, raw, n, err := r.typed()
	if err != nil {
		return err
	}
	room(max(n, 0))
	if kind == 0 {
		return r.elements(n, func() error {
			kind, raw, err := r.one()
			if err != nil {
				return err
			}
			return each(kind, raw)
		})
	}
	size := sizes[kind]
	for ; len(raw) > 0; raw = raw[size:] {
		if err := each(kind, raw); err != nil {
			return err
		}
	}
	return nil
}

func (r *binaryReader) floats(dst []float32) ([]float32, error) {
	err := r.numbers(func(n int) { dst = slices.Grow(dst, n) }, func(kind byte, raw []byte) error {
		dst = append(dst, float32(number(kind, raw)))
		return nil
	})
	return dst, err
}

func (r *binaryReader) ints(dst []int32) ([]int32, error) {
	err := r.numbers(func(n int) { dst = slices.Grow(dst, n) }, func(kind byte, raw []byte) error {
		if kind == 'd' || kind == 'D' {
			return fmt.Errorf("%w: fractions before byte %d where integers are wanted", errMalformed, r.at)
		}
		n := integer(kind, raw)
		if n < -1<<31 || n > 1<<32-1 {
			return fmt.Errorf("%w: %d is no integer of 32 bits", errMalformed, n)
		}
		dst = append(dst, int32(n))
		return nil
	})
	return dst, err
}

func (r *binaryReader) skip() error {
	switch kind := r.next(); kind {
	case '{':
		return r.object(func(string) error { return r.skip() })
	case '[':
		kind, _, n, err := r.typed()
		if err != nil || kind != 0 {
			return err
		}
		return r.elements(n, r.skip)
	case 'S':
		r.at++
		_, err := r.content()
		return err
	case 'Z', 'N':
		r.at++
		return nil
	}
	_, _, err := r.one()
	return err
}

func (r *binaryReader) end() error {
	if r.at < len(r.data) {
		return r.fail("the end")
	}
	return nil
}
