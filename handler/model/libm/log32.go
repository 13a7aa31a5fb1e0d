package libm

import "math"

// log32Table holds 1/c and ln c for the points c at which [Log32] expands ln into a series
// (e_logf_data.c in glibc).
var log32Table = [16][2]float64{
	{0x1.661ec79f8f3bep+0, -0x1.57bf7808caadep-2},
	{0x1.571ed4aaf883dp+0, -0x1.2bef0a7c06ddbp-2},
	{0x1.49539f0f010bp+0, -0x1.01eae7f513a67p-2},
	{0x1.3c995b0b80385p+0, -0x1.b31d8a68224e9p-3},
	{0x1.30d190c8864a5p+0, -0x1.6574f0ac07758p-3},
	{0x1.25e227b0b8eap+0, -0x1.1aa2bc79c81p-3},
	{0x1.1bb4a4a1a343fp+0, -0x1.a4e76ce8c0e5ep-4},
	{0x1.12358f08ae5bap+0, -0x1.1973c5a611cccp-4},
	{0x1.0953f419900a7p+0, -0x1.252f438e10c1ep-5},
	{0x1p+0, 0x0p+0},
	{0x1.e608cfd9a47acp-1, 0x1.aa5aa5df25984p-5},
	{0x1.ca4b31f026aap-1, 0x1.c5e53aa362eb4p-4},
	{0x1.b2036576afce6p-1, 0x1.526e57720db08p-3},
	{0x1.9c2d163a1aa2dp-1, 0x1.bc2860d224770p-3},
	{0x1.886e6037841edp-1, 0x1.1058bc8a07ee1p-2},
	{0x1.767dcf5534862p-1, 0x1.4043057b6ee09p-2},
}

// Log32 returns the natural logarithm of x with the bits of logf in glibc 2.28 and later on
// x86-64 with FMA (sysdeps/ieee754/flt-32/e_logf.c). XGBoost calls it to convert base_score
// to a margin.
func Log32(x float32) float32 {
	const (
		ln2 = 0x1.62e42fefa39efp-1
		a0  = -0x1.00ea348b88334p-2
		a1  = 0x1.5575b0be00b6ap-2
		a2  = -0x1.ffffef20a4123p-2

		smallest = 0x00800000 // bits of the smallest normal number
		infinity = 0x7f800000
		lowest   = 0x3f330000 // bits of the smallest z in x = z 2**k
	)
	bits := math.Float32bits(x)
	switch {
	case x == 1:
		return 0
	case x == 0:
		return float32(math.Inf(-1))
	case x != x || bits == infinity:
		return x
	case x < 0:
		return float32(math.NaN())
	case bits < smallest:
		bits = math.Float32bits(x*0x1p23) - 23<<23
	}
	above := bits - lowest
	entry := &log32Table[above>>(23-4)%16]
	k := float64(int32(above) >> 23)
	z := float64(math.Float32frombits(bits - above&0xff800000))
	r := math.FMA(z, entry[0], -1)
	y0 := math.FMA(k, ln2, entry[1])
	r2 := float64(r * r)
	y := math.FMA(a0, r2, math.FMA(a1, r, a2))
	return float32(math.FMA(y, r2, y0+r))
}
