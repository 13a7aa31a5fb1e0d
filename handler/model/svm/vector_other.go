//go:build !amd64

package svm

const best = Portable

// Fastest returns Portable.
func Fastest(KernelType, int) (many, one Instructions) { return Portable, Portable }

// decisionVector is not called where Portable is the best.
func (m *OneClass) decisionVector(dst, x []float64) { m.decisionPortable(dst, x) }
