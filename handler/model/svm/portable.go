package svm

// decisionPortable is Decision in plain Go, on which the vector forms are
// tested: svm_predict_values of libsvm's svm.cpp for ONE_CLASS.
func (m *OneClass) decisionPortable(dst, x []float64) {
	for i := range dst {
		dst[i] = m.decision(x[i*m.dims : (i+1)*m.dims])
	}
}

// decision computes eight kernel values at a time, which keeps the
// processor's pipelines full, and adds them in order.
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

// squares adds to v the squared distances of row from the eight vectors of
// block, summed over the features in order. Squares are rounded before they
// are added, as in scikit-learn's wheels for x86-64, which do not fuse.
func squares(v *[lanes]float64, row, block []float64) {
	for i, x := range row {
		s := (*[lanes]float64)(block[i*lanes:])
		for l := range v {
			t := x - s[l]
			v[l] += float64(t * t)
		}
	}
}

// products adds to v the scalar products of row and the eight vectors of
// block, in the order of Kernel::dot.
func products(v *[lanes]float64, row, block []float64) {
	for i, x := range row {
		s := (*[lanes]float64)(block[i*lanes:])
		for l := range v {
			v[l] += float64(x * s[l])
		}
	}
}
