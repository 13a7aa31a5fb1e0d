package svm

// decisionPortable is Decision without assembly: svm_predict_values in libsvm's svm.cpp, for
// ONE_CLASS. Tests compare the assembly with it.
func (m *OneClass) decisionPortable(dst, x []float64) {
	for i := range dst {
		dst[i] = m.decision(x[i*m.dims : (i+1)*m.dims])
	}
}

// decision returns the decision value of a row. It computes eight kernel values at a time,
// which do not depend on each other, and adds them in order.
func (m *OneClass) decision(row []float64) float64 {
	sum := 0.0
	for j := 0; j < m.count; j += lanes {
		block := m.vectors[j*m.dims : (j+lanes)*m.dims]
		var v [lanes]float64
		if m.kernel.Type == RBF {
			squares(&v, row, block)
		} else {
			products(&v, row, block)
		}
		alpha := m.alpha[j:min(j+lanes, m.count)]
		for l, a := range alpha {
			sum += float64(a * m.kernel.value(v[l]))
		}
	}
	return sum - m.rho
}

// squares sets v to the squared distances between row and the eight vectors of block. The
// squares are added in the order of the features. Each is rounded before it is added,
// because scikit-learn's wheels for x86-64 do not fuse.
func squares(v *[lanes]float64, row, block []float64) {
	var v0, v1, v2, v3, v4, v5, v6, v7 float64
	for i, x := range row {
		s := (*[lanes]float64)(block[i*lanes:])
		v0 += square(x - s[0])
		v1 += square(x - s[1])
		v2 += square(x - s[2])
		v3 += square(x - s[3])
		v4 += square(x - s[4])
		v5 += square(x - s[5])
		v6 += square(x - s[6])
		v7 += square(x - s[7])
	}
	*v = [lanes]float64{v0, v1, v2, v3, v4, v5, v6, v7}
}

func square(t float64) float64 { return float64(t * t) }

// products sets v to the scalar products of row and the eight vectors of block, added in
// the order of Kernel::dot in svm.cpp.
func products(v *[lanes]float64, row, block []float64) {
	var v0, v1, v2, v3, v4, v5, v6, v7 float64
	for i, x := range row {
		s := (*[lanes]float64)(block[i*lanes:])
		v0 += float64(x * s[0])
		v1 += float64(x * s[1])
		v2 += float64(x * s[2])
		v3 += float64(x * s[3])
		v4 += float64(x * s[4])
		v5 += float64(x * s[5])
		v6 += float64(x * s[6])
		v7 += float64(x * s[7])
	}
	*v = [lanes]float64{v0, v1, v2, v3, v4, v5, v6, v7}
}
