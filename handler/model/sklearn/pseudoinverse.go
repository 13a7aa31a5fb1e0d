package sklearn

import "math"

// pseudoInverse returns the Moore-Penrose inverse of a symmetric matrix of n rows, and
// overwrites the matrix. Like scipy.linalg.pinvh it inverts the eigenvalues, and leaves
// out those near 0.
func pseudoInverse(m []float64, n int) []float64 {
	vectors := jacobi(m, n)
	largest := 0.0
	for i := range n {
		largest = max(largest, math.Abs(m[i*n+i]))
	}
	inverse := make([]float64, n*n)
	for k := range n {
		value := m[k*n+k]
		if math.Abs(value) <= float64(n)*epsilon*largest {
			continue
		}
		for i := range n {
			for j := range n {
				inverse[i*n+j] += vectors[i*n+k] * vectors[j*n+k] / value
			}
		}
	}
	return inverse
}

// jacobi replaces a symmetric matrix by the diagonal matrix of its eigenvalues, with
// Jacobi's rotations. It returns the eigenvectors as columns.
func jacobi(m []float64, n int) []float64 {
	vectors := make([]float64, n*n)
	for i := range n {
		vectors[i*n+i] = 1
	}
	const sweeps = 30 // convergence is quadratic: six to ten are usually enough
	for range sweeps {
		rotated := false
		for p := range n {
			for q := p + 1; q < n; q++ {
				// A smaller element does not change the eigenvalues.
				if math.Abs(m[p*n+q]) <= 1e-18*math.Sqrt(math.Abs(m[p*n+p]*m[q*n+q])) {
					continue
				}
				rotate(m, vectors, n, p, q)
				rotated = true
			}
		}
		if !rotated {
			break
		}
	}
	return vectors
}

// rotate makes the element in row p and column q zero.
func rotate(m, vectors []float64, n, p, q int) {
	theta := (m[q*n+q] - m[p*n+p]) / (2 * m[p*n+q])
	t := math.Copysign(1, theta) / (math.Abs(theta) + math.Hypot(theta, 1))
	c := 1 / math.Hypot(t, 1)
	s := t * c
	for k := range n {
		kp, kq := m[k*n+p], m[k*n+q]
		m[k*n+p], m[k*n+q] = c*kp-s*kq, s*kp+c*kq
	}
	for k := range n {
		pk, qk := m[p*n+k], m[q*n+k]
		m[p*n+k], m[q*n+k] = c*pk-s*qk, s*pk+c*qk
	}
	m[p*n+q], m[q*n+p] = 0, 0
	for k := range n {
		kp, kq := vectors[k*n+p], vectors[k*n+q]
		vectors[k*n+p], vectors[k*n+q] = c*kp-s*kq, s*kp+c*kq
	}
}
