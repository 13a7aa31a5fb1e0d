package libm

import "math"

// Table is the table of [Exp]. For k from 0 to 127, let h be 2^(k/128) rounded to float64,
// and t its relative error: 2^(k/128) = h(1+t). Entry k has the bits of t, and the bits of
// h minus k<<45. If n mod 128 is k, adding n<<45 to the second gives the bits of 2^(n/128).
type Table [128][2]uint64

// ExpTable returns the table of [Exp], for assembly that computes the same with vectors.
// It must not be changed.
func ExpTable() *Table { return &expTable }

// The constants of the ARM optimized routines' exp for 128 table entries and
// a polynomial of degree 5 (e_exp_data.c in glibc).
const (
	InvLn2N  = 0x1.71547652b82fep0 * 128 // 128/ln 2
	NegLn2Hi = -0x1.62e42fefa0000p-8     // -ln 2/128, its upper bits
	NegLn2Lo = -0x1.cf79abc9e3b39p-47    // and the rest
	Shift    = 0x1.8p52                  // adding it rounds to an integer, in the low bits
	C2       = 0x1.ffffffffffdbdp-2      // exp(r) = 1 + r + C2 r² + … for |r| < ln 2/256
	C3       = 0x1.555555555543cp-3
	C4       = 0x1.55555cf172b91p-5
	C5       = 0x1.1111167a4d017p-7
)

// Exp returns e**x with the bits of glibc 2.28 and later on x86-64 with FMA
// (sysdeps/ieee754/dbl-64/e_exp.c, with the operations that GCC fuses). The error is below
// 0.511 units in the last place:
//
//	Exp(+Inf) = +Inf, Exp(-Inf) = 0, Exp(NaN) = NaN
//	Exp(x) = +Inf for x > 709.78, 0 for x < -745.14, subnormal in between
func Exp(x float64) float64 {
	special := false
	// |x| is below 2**-54, is 512 or more, or is not finite.
	if e := math.Float64bits(x) >> 52 & 0x7ff; e-0x3c9 >= 0x408-0x3c9 {
		switch {
		case e < 0x3c9, e == 0x7ff && !math.IsInf(x, -1):
			return 1 + x
		case e >= 0x409 && x < 0: // -1024 and below
			return 0
		case e >= 0x409:
			return math.Inf(1)
		}
		special = true
	}
	return expSum(x, 0, special)
}

// expSum returns e**(x+tail), where tail is much smaller than x. Special says that the
// result may be subnormal or infinite.
func expSum(x, tail float64, special bool) float64 {
	// x = n ln2/128 + r, exp(x) = 2**(n/128) exp(r)
	kd := math.FMA(InvLn2N, x, Shift)
	n := math.Float64bits(kd)
	kd -= Shift
	r := math.FMA(kd, NegLn2Lo, math.FMA(kd, NegLn2Hi, x)) + tail
	entry := &expTable[n%128]
	bits := entry[1] + n<<(52-7)
	r2 := float64(r * r)
	tmp := math.FMA(r2, math.FMA(r, C3, C2), math.Float64frombits(entry[0])+r)
	tmp = math.FMA(float64(r2*r2), math.FMA(r, C5, C4), tmp)
	if special {
		return expSpecial(tmp, bits, n)
	}
	scale := math.Float64frombits(bits)
	return math.FMA(scale, tmp, scale)
}

// Exp2 returns 2**x. For |x| from 2**-40 to 512 it has the bits of pow(2, x) in glibc 2.28
// and later on x86-64 with FMA (sysdeps/ieee754/dbl-64/e_pow.c). For other x it is
// [math.Exp2].
func Exp2(x float64) float64 {
	// ln 2 as hi + lo, as the function log_inline of e_pow.c computes it.
	const (
		ln2Hi = 0x1.62e42fefa3800p-1
		ln2Lo = 0x1.ef35793c76730p-45
		hi    = float64(ln2Hi + ln2Lo)
		lo    = ln2Hi - hi + ln2Lo
	)
	if a := math.Abs(x); !(a >= 0x1p-40 && a < 512) {
		return math.Exp2(x)
	}
	product := float64(x * hi)
	return expSum(product, math.FMA(x, lo, math.FMA(x, hi, -product)), false)
}

// expSpecial returns scale + scale*tmp, where scale = 2**(n/128) has the given bits but may
// be subnormal or infinite (specialcase in e_exp.c).
func expSpecial(tmp float64, bits, n uint64) float64 {
	if n&0x80000000 == 0 {
		scale := math.Float64frombits(bits - 1009<<52)
		return 0x1p1009 * math.FMA(scale, tmp, scale)
	}
	// The product is used twice below, so GCC does not fuse it.
	scale := math.Float64frombits(bits + 1022<<52)
	product := float64(scale * tmp)
	y := scale + product
	if y < 1 {
		// The result is subnormal: round it once, to its own precision.
		lo := scale - y + product
		hi := 1 + y
		lo = 1 - hi + y + lo
		y = hi + lo - 1
	}
	return 0x1p-1022 * y
}
