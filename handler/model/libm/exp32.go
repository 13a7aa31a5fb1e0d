package libm

import "math"

// Exp32 returns e**x with the bits of expf in glibc 2.28 and later on x86-64 with FMA
// (sysdeps/ieee754/flt-32/e_expf.c, with the operations that GCC fuses). XGBoost calls it
// for its logistic function and softmax. It is +Inf for x above 88.722 and 0 for x below
// -103.97.
func Exp32(x float32) float32 {
	// The constants of the ARM optimized routines' expf for 32 table entries and a
	// polynomial of degree 3 (e_exp2f_data.c in glibc).
	const (
		invLn2N = 0x1.71547652b82fep0 * 32
		c0      = 0x1.c6af84b912394p-5 / 32 / 32 / 32
		c1      = 0x1.ebfce50fac4f3p-3 / 32 / 32
		c2      = 0x1.62e42ff0c52d6p-1 / 32
	)
	switch {
	case x != x:
		return x
	case x > 0x1.62e42ep6:
		return float32(math.Inf(1))
	case x < -0x1.9fe368p6:
		return 0
	}
	xd := float64(x)
	// x = n ln2/32 + r ln2/32, exp(x) = 2**(n/32) 2**(r/32)
	kd := math.FMA(invLn2N, xd, Shift)
	n := math.Float64bits(kd)
	kd -= Shift
	r := math.FMA(invLn2N, xd, -kd)
	scale := math.Float64frombits(expTable[n%32*4][1] + n<<(52-5))
	y := math.FMA(math.FMA(c0, r, c1), float64(r*r), math.FMA(c2, r, 1))
	return float32(float64(y * scale))
}
