package libm

import "math"

// LogInt returns the natural logarithm of n, which must be from 1 to 2**52. It is rounded
// to nearest, unless the true value is within 2**-14 units in the last place of the middle
// between two numbers.
//
// The results are those of log in glibc 2.28 and later on x86-64 with FMA, except for 4 of
// the n up to 200,000, of which 9170 is the first. There glibc, whose error is up to 0.519
// units, does not round to nearest. [math.Log] differs for 1,997 n, and between processors.
func LogInt(n int) float64 {
	// n = 2**k m, log(m) = 2 atanh(s) where s = (m-1)/(m+1), |s| < 0.172.
	m, k := math.Frexp(float64(n))
	if m < math.Sqrt2/2 {
		m *= 2
		k--
	}
	// s and s³/3 are each the sum of two numbers. The rest of the series is below 2**-15.
	over, under := m-1, m+1
	underLo := m - (under - 1)
	s := over / under
	sLo := math.FMA(-s, underLo, math.FMA(-s, under, over)) / under
	s2 := float64(s * s)
	s2Lo := math.FMA(s, s, -s2) + float64(2*s*sLo)
	s3 := float64(s * s2)
	s3Lo := math.FMA(s, s2, -s3) + float64(s*s2Lo) + float64(sLo*s2)
	third := s3 / 3
	thirdLo := (math.FMA(-3, third, s3) + s3Lo) / 3
	rest := 1. / 27
	for i := 25; i >= 5; i -= 2 {
		rest = math.FMA(rest, s2, 1/float64(i))
	}
	rest *= float64(s3 * s2)

	sum, lost := twoSum(float64(float64(k)*logLn2Hi), 2*s)
	sum, lost2 := twoSum(sum, 2*third)
	return sum + (lost + lost2 + float64(2*(rest+(sLo+thirdLo))) + float64(float64(k)*logLn2Lo))
}

// ln 2 as the sum of two numbers. The first has 42 bits, so its multiples by k are exact.
const (
	logLn2Hi = 0x1.62e42fefa3800p-1
	logLn2Lo = 0x1.ef35793c76730p-45
)

// twoSum returns a + b, rounded, and the rounding error.
func twoSum(a, b float64) (sum, lost float64) {
	sum = a + b
	rounded := sum - a
	return sum, (a - (sum - rounded)) + (b - rounded)
}
