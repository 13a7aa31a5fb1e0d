package features

import (
	"math"
	"math/bits"
)

// exactSum is a sum of float64 values without rounding: a fixed-point number that covers the
// whole range of float64. Adding a value and subtracting it again restores the sum exactly.
//
// It is the small superaccumulator of Radford M. Neal, "Fast exact summation using small and
// large superaccumulators" (2015), https://arxiv.org/abs/1505.05571. Digit i counts units of
// 2^(32i−1075). A digit of 64 bits can hold 2^11 terms of 53 bits before carry must be called.
type exactSum struct {
	digits [digits]int64
	low    int // all digits below are 0
	high   int // all digits from here on are 0
	terms  int // since the last carry
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

// addProduct adds a × b. Bits of the product below the smallest float64 are lost. The same a
// and b always lose the same bits.
func (s *exactSum) addProduct(a, b float64) {
	high := a * b
	s.add(high)
	s.add(math.FMA(a, b, -high))
}

// carry moves what exceeds 32 bits to the next digit, so that all digits but the highest are
// in [0, 2^32). The highest digit has the sign.
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
	v, _ := s.pair()
	return v
}

// pair returns the sum as two float64 values: the nearest float64, and the rest, rounded. The
// relative error of both together is below 2^-104. They depend only on the value of the sum,
// and not on the terms that were added.
func (s *exactSum) pair() (v, rest float64) {
	s.carry()
	if s.high == 0 {
		return 0, 0
	}
	top := s.high - 1
	digit := func(i int) uint64 {
		if i < s.low || i < 0 {
			return 0
		}
		return uint64(s.digits[i])
	}
	// words are the five highest digits, of which the first has the sign. More says that a
	// lower digit is not 0.
	words := [3]uint64{uint64(s.digits[top]), digit(top-1)<<32 | digit(top-2), digit(top-3)<<32 | digit(top-4)}
	more := false
	for i := s.low; i < top-4; i++ {
		more = more || s.digits[i] != 0
	}
	negative := s.digits[top] < 0
	if negative {
		carry := uint64(1)
		if more { // the lower digits are positive, so the magnitude is not a whole number
			carry = 0
		}
		words[2], carry = bits.Add64(^words[2], 0, carry)
		words[1], carry = bits.Add64(^words[1], 0, carry)
		words[0], _ = bits.Add64(^words[0], 0, carry)
	}
	if words[0] == 0 { // the highest digit is −1, and the lower ones nearly cancel it
		var minus exactSum
		minus.low, minus.high = s.low, s.high
		for i := s.low; i < s.high; i++ {
			minus.digits[i] = -s.digits[i]
		}
		v, rest = minus.pair()
		return -v, -rest
	}
	if words[0] > 1<<32 {
		panic("features: a digit of an exact sum is too large") // carry prevents it
	}
	// high and low are the 128 bits that begin with the first bit that is set.
	zeros := bits.LeadingZeros64(words[0])
	high, low := words[0]<<zeros|words[1]>>(64-zeros), words[1]<<zeros|words[2]>>(64-zeros)
	more = more || words[2]<<zeros != 0
	exponent := 32*(top-4) - 1075 + 128 - zeros // of high's last bit
	// A result below 2^-1022 needs no rounding: all terms are multiples of 2^-1074.
	mantissa, left := high>>11, int64(high&(1<<11-1))
	const half = 1 << 10
	if left > half || left == half && (low != 0 || more || mantissa&1 == 1) {
		mantissa++
		left -= 2 * half
	}
	v, rest = math.Ldexp(float64(mantissa), exponent+11), math.Ldexp(float64(left)*0x1p64+float64(low), exponent-64)
	if negative {
		return -v, -rest
	}
	return v, rest
}

// moments are the sums that a mean and a variance need. Values can be added and removed.
type moments struct {
	n       int
	sum     exactSum
	squares exactSum
	large   int // values above maxSquare, which are not in squares
}

// maxSquare is a number whose square is still a finite float64.
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

// variance returns the sample variance (ddof=1), or NaN for fewer than two values.
//
// It computes (Σx² − (Σx)²/n) / (n−1) with pairs of float64, which have 104 bits. The
// subtraction may lose up to 30 of these bits. If it would lose more, the slower method
// deviations computes the sum.
func (m *moments) variance() float64 {
	if m.n < 2 {
		return math.NaN()
	}
	if m.large > 0 {
		return math.Inf(1)
	}
	n := float64(m.n)
	sum, sumRest := m.sum.pair()
	squares, squaresRest := m.squares.pair()
	product := sum * sum
	productRest := math.FMA(sum, sum, -product) + float64(2*sum*sumRest)
	share := product / n
	shareRest := (math.FMA(-share, n, product) + productRest) / n
	if d := squares - share + (squaresRest - shareRest); d > squares*0x1p-30 && squares > 1e-250 {
		return d / (n - 1)
	}
	return m.deviations(n) / (n - 1)
}

// deviations returns the sum of squared deviations from the mean.
//
// With c the rounded mean, the sum of (x−c)² is Σx² − 2cΣx + nc². The three terms nearly
// cancel, so all of them are computed exactly before they are added.
func (m *moments) deviations(n float64) float64 {
	c := m.mean()
	if math.Abs(c) < 1e-140 { // products with c would lose bits below the smallest float64
		c = 0
	}
	deviations, rest := m.squares, m.sum
	for range 3 { // Σx as a sum of three float64, each much smaller than the one before
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
	off := m.sum // Σ(x−c): corrects for the rounding of c
	off.addProduct(-c, n)
	d := off.value()
	return max(0, deviations.value()-float64(d*d/n))
}
