// Package libm computes exp, tanh and pow(2, x), and of float32 exp and log, to
// the last bit as the GNU C library does on x86-64 processors with fused
// multiply-add, and logarithms of integers, all but a few, too: the functions
// under every number that scikit-learn's support vector machines and isolation
// forests, and XGBoost's and LightGBM's trees give there.
//
// Go's math.Exp differs from them by up to two units in the last place, in
// every eighth result, and from one architecture to the next. These here give
// the same bits everywhere: each rounding is spelled out, by math.FMA where
// glibc fuses and by a conversion float64(a*b) where it does not.
package libm

//go:generate go run gentable.go
