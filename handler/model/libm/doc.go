// Package libm computes the functions of the C library that scikit-learn, XGBoost and
// LightGBM call: exp, tanh and pow(2, x) of float64, exp and log of float32, and logarithms
// of integers. The results are equal to the bit to those of the GNU C library on x86-64
// with fused multiply-add. A few logarithms of integers are the exception; see [LogInt].
//
// Go's math.Exp differs from glibc's in every eighth result, by up to two units in the last
// place, and differs between architectures. The functions here return the same bits on
// every architecture, because each rounding is explicit: math.FMA where glibc fuses, and a
// conversion float64(a*b) where it does not.
package libm

//go:generate go run gentable.go
