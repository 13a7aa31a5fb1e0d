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
	v, _ := s.pair()
	return v
}

// pair returns the sum as two float64 values: the nearest one, and about what is left
// of it, so that their sum is off by less than 2^-104 of it. They do not hang on how
// the sum came about.
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
	// The highest five digits, the first of which bears the sign, and whether there is
	// more.
	words := [3]uint64{uint64(s.digits[top]), digit(top-1)<<32 | digit(top-2), digit(top-3)<<32 | digit(top-4)}
	more := false
	for i := s.low; i < top-4; i++ {
		more = more || s.digits[i] != 0
	}
	negative := s.digits[top] < 0
	if negative {
		carry := uint64(1)
		if more { // what is more is positive: the magnitude lies between two whole numbers
			carry = 0
		}
		words[2], carry = bits.Add64(^words[2], 0, carry)
		words[1], carry = bits.Add64(^words[1], 0, carry)
		words[0], _ = bits.Add64(^words[0], 0, carry)
	}
	if words[0] == 0 { // the digits below have nearly undone the highest, which is −1
		var minus exactSum
		minus.low, minus.high = s.low, s.high
		for i := s.low; i < s.high; i++ {
			minus.digits[i] = -s.digits[i]
		}
		v, rest = minus.pair()
		return -v, -rest
	}
	if words[0] > 1<<32 {
		panic("features: a digit of an exact sum is too large") // carry leaves none
	}
	// The 128 bits from the first on that is set.
	zeros := bits.LeadingZeros64(words[0])
	high, low := words[0]<<zeros|words[1]>>(64-zeros), words[1]<<zeros|words[2]>>(64-zeros)
	more = more || words[2]<<zeros != 0
	exponent := 32*(top-4) - 1075 + 128 - zeros // of high's last bit
	// A result below 2^-1022 has no bits to round: all terms are multiples of 2^-1074.
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
// It is (Σx² − (Σx)²/n) / (n−1), with both sums as pairs, and products and quotients
// as exact as these: what is left after the two have nearly cancelled has lost the
// last 30 of 104 bits at most. Where it would lose more, deviations tells.
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

// deviations returns the sum of the squares of the deviations from the mean.
//
// With c the mean as rounded, the sum of (x−c)² is Σx² − 2cΣx + nc². All three are
// formed exactly before they are added, for they nearly cancel.
func (m *moments) deviations(n float64) float64 {
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
	return max(0, deviations.value()-float64(d*d/n))
}
