package numpy

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// order returns the byte order of t.
func (t DType) order() binary.ByteOrder {
	if t.Big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// bits returns the bits of the number of type t at the beginning of b.
func (t DType) bits(b []byte) uint64 {
	switch t.Size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(t.order().Uint16(b))
	case 4:
		return uint64(t.order().Uint32(b))
	}
	return t.order().Uint64(b)
}

// float returns the number at the beginning of b. It reports false if t is no type of numbers.
func (t DType) float(b []byte) (f float64, ok bool) {
	switch t.Kind {
	case 'f':
		return t.decimal(b), true
	case 'i':
		return float64(t.signed(b)), true
	case 'u', 'b':
		return float64(t.bits(b)), true
	}
	return 0, false
}

func (t DType) decimal(b []byte) float64 {
	switch t.Size {
	case 2:
		return half(uint16(t.bits(b)))
	case 4:
		return float64(math.Float32frombits(uint32(t.bits(b))))
	}
	return math.Float64frombits(t.bits(b))
}

func (t DType) signed(b []byte) int64 {
	shift := 64 - 8*t.Size
	return int64(t.bits(b)<<shift) >> shift
}

// half returns the value of an IEEE 754 binary16.
func half(bits uint16) float64 {
	sign := 1 - 2*float64(bits>>15)
	fraction := float64(bits & 0x3ff)
	switch exponent := int(bits >> 10 & 0x1f); exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 0x1f:
		if fraction != 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	default:
		return sign * math.Ldexp(1024+fraction, exponent-25)
	}
}

// text returns the string in b without the zeros at its end. T is of kind 'U' (UTF-32) or 'S'.
func (t DType) text(b []byte) string {
	if t.Kind == 'S' {
		return strings.TrimRight(string(b), "\x00")
	}
	runes := make([]byte, 0, len(b)/4)
	for ; len(b) >= 4; b = b[4:] {
		runes = utf8.AppendRune(runes, rune(t.order().Uint32(b)))
	}
	return strings.TrimRight(string(runes), "\x00")
}

// Scalar returns the Go value of a pickled numpy scalar: bool, int64, float64 or string. Any
// other value is returned unchanged.
func Scalar(v any) (any, error) {
	o, ok := v.(*pickle.Object)
	if !ok || function(o.Class) != "scalar" {
		return v, nil
	}
	if len(o.Args) != 2 {
		return nil, fmt.Errorf("a numpy scalar without a value")
	}
	a, err := build(o.Args[0], &pickle.Tuple{}, false, o.Args[1])
	if err != nil {
		return nil, err
	}
	return a.at(0), nil
}

// at returns element i of the data: bool, int64, float64 or string, or nil for a record.
func (a *Array) at(i int) any {
	b := a.Data[i*a.Type.Size:]
	switch a.Type.Kind {
	case 'b':
		return b[0] != 0
	case 'i':
		return a.Type.signed(b)
	case 'u':
		return int64(a.Type.bits(b))
	case 'f':
		return a.Type.decimal(b)
	case 'U', 'S':
		return a.Type.text(b[:a.Type.Size])
	}
	return nil
}

// IsScalar reports whether an object is a pickled numpy scalar.
func IsScalar(o *pickle.Object) bool { return function(o.Class) == "scalar" }
