package libm

import "math"

// Tanh returns the hyperbolic tangent of x, to the bit as glibc up to 2.38
// (sysdeps/ieee754/dbl-64/s_tanh.c; later ones contract it differently or
// round it correctly, within two units in the last place of this).
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
		z = -t / (t + 2)
	}
	return math.Copysign(z, x)
}

// The polynomial of expm1 (s_expm1.c), and ln 2 in two parts.
const (
	q1 = -3.33333333333331316428e-02
	q2 = 1.58730158725481460165e-03
	q3 = -7.93650757867487942473e-05
	q4 = 4.00821782732936239552e-06
	q5 = -2.01099218183624371326e-07

	ln2Hi = 6.93147180369123816490e-01
	ln2Lo = 1.90821492927058770002e-10
)

// expm1 returns e**x - 1 for finite x in [-2, 44] as s_expm1.c does.
func expm1(x float64) float64 {
	x, c, k := reduce(x)
	if k == 0 && math.Abs(x) < 0x1p-54 {
		return x
	}
	hfx := 0.5 * x
	hxs := float64(x * hfx)
	// The same order of summation as glibc: pairs, joined by powers.
	h2 := float64(hxs * hxs)
	h4 := float64(h2 * h2)
	r1 := 1 + float64(hxs*q1) + float64(h2*(q2+float64(hxs*q3)))
	r1 += float64(h4 * (q4 + float64(hxs*q5)))
	t := 3 - float64(r1*hfx)
	e := float64(hxs * ((r1 - t) / (6 - float64(x*t))))
	if k == 0 {
		return x - (float64(x*e) - hxs)
	}
	e = float64(x*(e-c)) - c
	e -= hxs
	return expand(x, e, k)
}

// reduce writes x as k ln 2 + r + c, c the error of r.
func reduce(x float64) (r, c float64, k int) {
	a := math.Abs(x)
	switch {
	case a <= 0.5*math.Ln2: // compared by the high word in glibc
		return x, 0, 0
	case a < 1.5*math.Ln2 && x > 0:
		k = 1
	case a < 1.5*math.Ln2:
		k = -1
	default:
		k = int(float64(x/math.Ln2) + math.Copysign(0.5, x))
	}
	hi := x - float64(float64(k)*ln2Hi)
	lo := float64(float64(k) * ln2Lo)
	r = hi - lo
	return r, (hi - r) - lo, k
}

// expand returns 2**k (1 + x - e) - 1, in the order that loses least for k.
func expand(x, e float64, k int) float64 {
	switch {
	case k == -1:
		return float64(0.5*(x-e)) - 0.5
	case k == 1 && x < -0.25:
		return float64(-2 * (e - (x + 0.5)))
	case k == 1:
		return 1 + float64(2*(x-e))
	case k <= -2 || k > 56:
		return math.Ldexp(1-(e-x), k) - 1
	case k < 20:
		return math.Ldexp((1-math.Ldexp(1, -k))-(e-x), k)
	default:
		return math.Ldexp(x-(e+math.Ldexp(1, -k))+1, k)
	}
}
