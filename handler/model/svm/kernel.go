package svm

import (
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// KernelType is a value of scikit-learn's parameter kernel.
type KernelType string

// The kernels of libsvm that work on vectors.
const (
	RBF     KernelType = "rbf"     // exp(-gamma |x-s|²)
	Linear  KernelType = "linear"  // x·s
	Poly    KernelType = "poly"    // (gamma x·s + coef0)^degree
	Sigmoid KernelType = "sigmoid" // tanh(gamma x·s + coef0)
)

// Kernel is a kernel function with its parameters. Parameters that the Type does not use
// are ignored.
type Kernel struct {
	Type   KernelType
	Gamma  float64 // a number, also for gamma='scale' or 'auto'
	Coef0  float64
	Degree int
}

// check returns an error if libsvm does not accept k (svm_check_parameter in svm.cpp).
func (k Kernel) check() error {
	switch k.Type {
	case Linear:
		return nil
	case RBF, Poly, Sigmoid:
	default:
		return fmt.Errorf("kernel %q is none of rbf, linear, poly, sigmoid", k.Type)
	}
	if !finite(k.Gamma) || k.Gamma < 0 && k.Type != Sigmoid {
		return fmt.Errorf("%s kernel: gamma %v is not a number of 0 or more", k.Type, k.Gamma)
	}
	if k.Type == RBF {
		return nil
	}
	if !finite(k.Coef0) {
		return fmt.Errorf("%s kernel: coef0 %v is not finite", k.Type, k.Coef0)
	}
	if k.Type == Poly && k.Degree < 0 {
		return fmt.Errorf("poly kernel: degree %d is negative", k.Degree)
	}
	return nil
}

// value returns the kernel's value (Kernel::k_function in svm.cpp). V is |x-s|² for RBF and
// x·s for the other kernels.
func (k Kernel) value(v float64) float64 {
	switch k.Type {
	case RBF:
		return libm.Exp(-k.Gamma * v)
	case Poly:
		return powi(float64(k.Gamma*v)+k.Coef0, k.Degree)
	case Sigmoid:
		return libm.Tanh(float64(k.Gamma*v) + k.Coef0)
	default:
		return v
	}
}

// apply replaces each number of v by the kernel's value.
func (k Kernel) apply(v []float64) {
	if k.Type == Linear {
		return
	}
	for i := range v {
		v[i] = k.value(v[i])
	}
}

// powi returns base to the power of times, with the multiplications of powi in svm.cpp.
func powi(base float64, times int) float64 {
	ret := 1.0
	for t := times; t > 0; t /= 2 {
		if t%2 == 1 {
			ret *= base
		}
		base *= base
	}
	return ret
}

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
