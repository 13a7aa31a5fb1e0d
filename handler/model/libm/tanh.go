package libm

import "math"

// Tanh returns the hyperbolic tangent of x with the bits of glibc 2.36 on x86-64 with FMA
// (s_tanh.c and s_expm1.c in sysdeps/ieee754/dbl-64, with the operations that GCC fuses).
// Later versions of glibc differ by one or two units in the last place.
//
//	Tanh(±0) = ±0, Tanh(±Inf) = ±1, Tanh(NaN) = NaN
func Tanh(x float64) float64 {
	a := math.Abs(x)
	var z float64
	switch {
	case math.IsNaN(x) || a < 0x1p-55:
		return x
	case a >= 22:
		z = 1
	case a >= 1:
		z = 1 - 2/(expm1(2*a)+2)
	default:
		t := expm1(-2 * a)
		z = t / (t + 2) // below 0, as t is: x gives the sign
	}
	return math.Copysign(z, x)
}

// The polynomial of expm1 (s_expm1.c), and ln 2 as the sum of two numbers.
const (
	q1 = -3.33333333333331316428e-02
	q2 = 1.58730158725481460165e-03
	q3 = -7.93650757867487942473e-05
	q4 = 4.00821782732936239552e-06
	q5 = -2.01099218183624371326e-07

	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10

	invLn2 = 1.44269504088896338700
)

// expm1 returns e**x - 1 for x from -2 to 44, but for |x| below 2**-54, computed like s_expm1.c.
func expm1(x float64) float64 {
	x, c, k := reduce(x)
	hfx := 0.5 * x
	hxs := float64(x * hfx)
	h2 := float64(hxs * hxs)
	r1 := math.FMA(h2, math.FMA(hxs, q3, q2), math.FMA(hxs, q1, 1))
	r1 = math.FMA(float64(h2*h2), math.FMA(hxs, q5, q4), r1)
	t := math.FMA(-r1, hfx, 3)
	e := float64((r1 - t) / math.FMA(-x, t, 6) * hxs)
	if k == 0 {
		return x - math.FMA(e, x, -hxs)
	}
	return expand(x, math.FMA(e-c, x, -c)-hxs, k)
}

// reduce splits x: x = k ln 2 + r + c, where c is the rounding error of r. The bounds are
// hexadecimal because glibc compares only the upper 32 bits of x.
func reduce(x float64) (r, c float64, k int) {
	switch high := math.Float64bits(x) >> 32 & 0x7fffffff; {
	case high <= 0x3fd62e42: // 0.5 ln 2
		return x, 0, 0
	case high <= 0x3ff0a2b1 && x > 0: // 1.5 ln 2
		k = 1
	case high <= 0x3ff0a2b1:
		k = -1
	default:
		k = int(float64(invLn2*x) + math.Copysign(0.5, x))
	}
	hi := math.FMA(float64(-k), ln2Hi, x)
	lo := float64(float64(k) * ln2Lo)
	r = hi - lo
	return r, hi - r - lo, k
}

// expand returns 2**k (1 + x - e) - 1. The order of operations depends on k, so that as few
// digits as possible are lost.
func expand(x, e float64, k int) float64 {
	switch {
	case k == -1:
		return float64(0.5*(x-e)) - 0.5
	case k == 1 && x < -0.25:
		return -2 * (e - (x + 0.5))
	case k == 1:
		return 1 + float64(2*(x-e))
	case k <= -2 || k > 56:
		return math.Ldexp(1-(e-x), k) - 1
	case k < 20:
		return math.Ldexp(1-math.Ldexp(1, -k)-(e-x), k)
	default:
		return math.Ldexp(x-(e+math.Ldexp(1, -k))+1, k)
	}
}
