package forest

import (
	"math"
	"unsafe"
)

// A number is compared by its key: an unsigned integer, in the order of the numbers.
// Integers are compared in fewer instructions, and NaN has a place below or above all
// numbers, as a node wants it. A key of a float32 is in the upper 32 bits; the lower
// ones are 0.

// nanLow is the key of NaN where it goes left at all thresholds.
const nanLow = 0

// nanHigh returns the key of NaN where it goes right at all thresholds.
func nanHigh[X Float]() uint64 {
	if single[X]() {
		return math.MaxUint32 << 32
	}
	return math.MaxUint64
}

// key returns that of x, which is not NaN. Zeros of both signs have one key.
func key[X Float](x X) uint64 {
	x += 0 // -0 becomes 0
	if single[X]() {
		bits := math.Float32bits(float32(x))
		return uint64(bits^(uint32(int32(bits)>>31)|1<<31)) << 32
	}
	bits := math.Float64bits(float64(x))
	return bits ^ (uint64(int64(bits)>>63) | 1<<63)
}

// number returns the number of a key, which is not NaN's.
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
