package forest

import (
	"math"
	"unsafe"
)

// Numbers are compared by keys, integers in the order of the numbers: to compare
// and take the result as a number takes fewer instructions of integers, and NaN has
// its place at either end.

// nan returns the keys of NaN, below and above all others.
func nan[X Float]() (low, high int64) {
	if single[X]() {
		return math.MinInt64 >> 1, math.MaxInt64 >> 1
	}
	return math.MinInt64, math.MaxInt64
}

// key returns that of x, which is not NaN: the bits of the float64, with the sign
// of the number. Zeros of both signs have one key. A key of a float32 is halved, so
// that the difference of two is no more than an int64; its last 28 bits are zero.
func key[X Float](x X) int64 {
	bits := int64(math.Float64bits(float64(x)))
	sign := bits >> 63
	k := (bits&math.MaxInt64 ^ sign) - sign
	if single[X]() {
		k >>= 1
	}
	return k
}

// number returns the number of a key, which is not NaN's.
func number[X Float](k int64) float64 {
	if single[X]() {
		k <<= 1
	}
	if k < 0 {
		return -math.Float64frombits(uint64(-k))
	}
	return math.Float64frombits(uint64(k))
}

// single reports whether X is float32.
func single[X Float]() bool {
	var x X
	return unsafe.Sizeof(x) == 4
}
