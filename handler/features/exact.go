package features

import (
	"math"
	"math/bits"
)

// exactSum is a sum of float64 values without rounding: a fixed-point number that
// is as wide as the range of float64. What was added can be subtracted again
// without a trace.
//
// It is the small superaccumulator of Radford M. Neal, "Fast exact summation
// using small and large superaccumulators" (2015), https://arxiv.org/abs/1505.05571.
// Digit i counts units of 2^(32i−1075). A digit takes the sum of 2^11 halves of
// values before its carry must be passed on.
type exactSum struct {
	digits [digits]int64
	low    int // no digit below it is other than 0
	high   int // no digit from it on is other than 0
	terms  int // since the carries were passed on
}

const (
	digits   = 70 // 64 for the exponents, the rest for carries
	maxTerms = 1 << 10
)

// add adds a finite value.
func (s *exactSum) add(v float64) {
	b := math.Float64bits(v)
	exponent := int(b >> 52 & 0x7ff)
	mantissa := b & (1<<52 - 1)
	if exponent == 0 {
		if mantissa == 0 {
			return
		}
		exponent = 1
	} else {
		mantissa |= 1 << 52
	}
	// v is mantissa × 2^(exponent−1075).
	i, shift := exponent>>5, uint(exponent&31)
	low, high := int64(mantissa<<shift&(1<<32-1)), int64(mantissa>>(32-shift))
	if b>>63 != 0 {
		low, high = -low, -high
	}
	s.digits[i] += low
	s.digits[i+1] += high
	if s.high == 0 {
		s.low, s.high = i, i+2
	} else {
		s.low, s.high = min(s.low, i), max(s.high, i+2)
	}
	if s.terms++; s.terms == maxTerms {
		s.carry()
	}
}

// addProduct adds a × b. Where the product's last bits lie below the smallest
// float64, they are cut, alike for the same a and b.
func (s *exactSum) addProduct(a, b float64) {
	high := a * b
	s.add(high)
	s.add(math.FMA(a, b, -high))
}

// carry passes the carries on, so that each digit but the highest lies in
// [0, 2^32). The highest bears the sign.
func (s *exactSum) carry() {
	s.terms = 0
	if s.high == 0 {
		return
	}
	i := s.low
	for ; i < s.high-1 || s.digits[i]>>32 != 0 && s.digits[i]>>32 != -1; i++ {
		c := s.digits[i] >> 32 // rounds downwards
		s.digits[i] -= c << 32
		s.digits[i+1] += c
	}
	s.high = i + 1
	for s.high > s.low && s.digits[s.high-1] == 0 {
		s.high--
	}
	for s.low < s.high && s.digits[s.low] == 0 {
		s.low++
	}
	if s.low == s.high {
		s.low, s.high = 0, 0
	}
}

// value returns the sum, rounded once, to the nearest float64 and to even.
func (s *exactSum) value() float64 {
	s.carry()
	if s.high == 0 {
		return 0
	}
	top := s.high - 1
	if s.digits[top] < 0 {
		var minus exactSum
		minus.low, minus.high = s.low, s.high
		for i := s.low; i < s.high; i++ {
			minus.digits[i] = -s.digits[i]
		}
		return -minus.value()
	}
	// The 128 bits from the highest digit down, and whether there are more.
	digit := func(i int) uint64 {
		if i < s.low || i < 0 {
			return 0
		}
		return uint64(s.digits[i])
	}
	high, low := digit(top)<<32|digit(top-1), digit(top-2)<<32|digit(top-3)
	if digit(top) >= 1<<32 {
		panic("features: a digit of an exact sum is too large") // carry leaves none
	}
	more := false
	for i := s.low; i < top-3; i++ {
		more = more || s.digits[i] != 0
	}
	exponent := 32*(top-3) - 1075
	zeros := bits.LeadingZeros64(high)
	high, low = high<<zeros|low>>(64-zeros), low<<zeros
	if more {
		low |= 1
	}
	exponent += 64 - zeros // of high's last bit
	// A result below 2^-1022 has no bits to round: all terms are multiples of 2^-1074.
	mantissa, rest := high>>11, high&(1<<11-1)
	half := uint64(1 << 10)
	if rest > half || rest == half && (low != 0 || mantissa&1 == 1) {
		mantissa++
	}
	return math.Ldexp(float64(mantissa), exponent+11)
}

// moments are the sums that a mean and a variance need, of values that come and
// go.
type moments struct {
	n       int
	sum     exactSum
	squares exactSum
	large   int // values whose square is beyond float64
}

// maxSquare is a value whose square float64 still holds.
const maxSquare = 1e154

func (m *moments) add(v float64, squares bool) {
	m.n++
	m.sum.add(v)
	if !squares {
		return
	}
	if math.Abs(v) > maxSquare {
		m.large++
		return
	}
	m.squares.addProduct(v, v)
}

func (m *moments) remove(v float64, squares bool) {
	m.n--
	m.sum.add(-v)
	if !squares {
		return
	}
	if math.Abs(v) > maxSquare {
		m.large--
		return
	}
	m.squares.addProduct(-v, v)
}

func (m *moments) mean() float64 { return m.sum.value() / float64(m.n) }

// variance returns the sample variance, ddof 1: NaN for fewer than two values.
//
// With c the mean as rounded, the sum of (x−c)² is Σx² − 2cΣx + nc². All three are
// formed exactly before they are added, for they nearly cancel.
func (m *moments) variance() float64 {
	if m.n < 2 {
		return math.NaN()
	}
	if m.large > 0 {
		return math.Inf(1)
	}
	n := float64(m.n)
	c := m.mean()
	if math.Abs(c) < 1e-140 { // its products have bits below the smallest float64
		c = 0
	}
	deviations, rest := m.squares, m.sum
	for range 3 { // Σx as a sum of float64 values, the last far below the first
		part := rest.value()
		if part == 0 {
			break
		}
		deviations.addProduct(-2*c, part)
		rest.add(-part)
	}
	square := c * c
	deviations.addProduct(square, n)
	deviations.addProduct(math.FMA(c, c, -square), n)
	off := m.sum // Σ(x−c): what c lacks of the mean
	off.addProduct(-c, n)
	d := off.value()
	return max(0, deviations.value()-float64(d*d/n)) / (n - 1)
}
