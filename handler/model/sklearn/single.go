package sklearn

import "math"

// rounded returns v, rounded to float32 if single is true.
func rounded(v float64, single bool) float64 {
	if single {
		return float64(float32(v))
	}
	return v
}

// sum32 returns numpy.sum of a contiguous array of float32.
func sum32(v []float64) float64 {
	var room [64]float32
	narrow := room[:0]
	for _, x := range v {
		narrow = append(narrow, float32(x))
	}
	return float64(pairwiseSum(narrow))
}

// mean32 returns numpy.mean of a contiguous array of float32.
func mean32(v []float64) float64 { return rounded(sum32(v)/float64(len(v)), true) }

// fma32 returns x*y + z, rounded once to float32.
func fma32(x, y, z float32) float32 {
	product, add := float64(float64(x)*float64(y)), float64(z) // the product is exact
	sum := product + add
	rest := sum - product
	rest = (product - (sum - rest)) + (add - rest) // what sum lacks
	// Where sum is not exact its last bit becomes 1, so that it never seems to lie in the
	// middle between two float32.
	if bits := math.Float64bits(sum); rest != 0 && bits&1 == 0 {
		if (rest > 0) == (sum > 0) {
			bits++
		} else {
			bits--
		}
		sum = math.Float64frombits(bits)
	}
	return float32(sum)
}

// vectorProduct32 sets dst to the vector x times the matrix whose columns are the rows of
// m, all of float32. It adds as OpenBLAS 0.3 does on processors with AVX-512 up to 32
// columns: in order with fused multiply-add, but of 4 columns every second first
// (kernel/x86_64/sgemv_n_4.c). The last bit may be another with AVX2.
func vectorProduct32(dst, x, m []float64) {
	step := 1
	if len(x) == 4 {
		step = 2
	}
	for k := range dst {
		column := m[k*len(x) : (k+1)*len(x)]
		total := float32(0)
		for from := range step {
			sum := float32(0)
			for i := from; i < len(x); i += step {
				sum = fma32(float32(x[i]), float32(column[i]), sum)
			}
			total += sum
		}
		dst[k] = float64(total)
	}
}

// log returns the natural logarithm, that of numpy for a float32 if single is true.
func log(v float64, single bool) float64 {
	if single {
		return log32(v)
	}
	return math.Log(v)
}

// Coefficients of the polynomials whose quotient is ln(1+x) for x from 1/√2 - 1 to √2 - 1
// (NPY_COEFF_P0_LOGf and the following in numpy/_core/include/numpy/npy_math.h).
var (
	logNumerator   = [...]float32{0, 9.999999999999998702752e-01, 2.112677543073053063722e+00, 1.480000633576506585156e+00, 3.808837741388407920751e-01, 2.589979117907922693523e-02}
	logDenominator = [...]float32{1, 2.612677543073109236779e+00, 2.453006071784736363091e+00, 9.864942958519418960339e-01, 1.546476374983906719538e-01, 5.875095403124574342950e-03}
)

// log32 returns numpy.log of a float32, with the bits that numpy computes on x86-64 with
// FMA since 1.17. It is not libm's logf: every fourth result differs in its last bit.
func log32(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 1) {
		return math.Log(v)
	}
	fraction, exponent := math.Frexp(float64(float32(v)))
	x, e := float32(2*fraction), float32(exponent-1)
	if x > math.Sqrt2 {
		x, e = x/2, e+1
	}
	x--
	last := len(logNumerator) - 1
	numerator, denominator := logNumerator[last], logDenominator[last]
	for i := last - 1; i >= 0; i-- {
		numerator, denominator = fma32(numerator, x, logNumerator[i]), fma32(denominator, x, logDenominator[i])
	}
	return float64(fma32(e, math.Ln2, numerator/denominator))
}
