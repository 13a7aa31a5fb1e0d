package forest

import (
	"math"
	"unsafe"
)

// Numbers are compared by their keys. A key is an unsigned integer, and keys have the
// order of their numbers. Comparing integers takes fewer instructions, and NaN can have a
// key below or above those of all numbers. The key of a float32 is in the upper 32 bits,
// and the lower 32 bits are 0.

// nanLow is the key of NaN in a column where NaN goes left at every node.
const nanLow = 0

// nanHigh returns the key of NaN in a column where NaN goes right at every node.
func nanHigh[X Float]() uint64 {
	if single[X]() {
		return math.MaxUint32 << 32
	}
	return math.MaxUint64
}

// key returns the key of x, which must not be NaN. 0 and -0 have the same key.
func key[X Float](x X) uint64 {
	x += 0 // -0 becomes 0
	if single[X]() {
		bits := math.Float32bits(float32(x))
		return uint64(bits^(uint32(int32(bits)>>31)|1<<31)) << 32
	}
	bits := math.Float64bits(float64(x))
	return bits ^ (uint64(int64(bits)>>63) | 1<<63)
}

// number returns the number that has a key, which must not be that of NaN.
func number[X Float](k uint64) float64 {
	if single[X]() {
		k := uint32(k >> 32)
		return float64(math.Float32frombits(k ^ (^uint32(int32(k)>>31) | 1<<31)))
	}
	return math.Float64frombits(k ^ (^uint64(int64(k)>>63) | 1<<63))
}

// single reports whether X is float32.
func single[X Float]() bool {
	var x X
	return unsafe.Sizeof(x) == 4
}
