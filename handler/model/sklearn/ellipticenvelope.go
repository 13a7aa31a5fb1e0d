package sklearn

import "math"

// ellipticEnvelope is sklearn.covariance.EllipticEnvelope. Its score is the offset minus
// the squared Mahalanobis distance from a robust centre. A score of 0 is normal.
type ellipticEnvelope struct {
	location  []float64
	precision []float64 // row-major
	offset    float64   // offset_; with 0.19 minus threshold_
	version   version
}

// covariance reads the centre, and reads or computes the inverse of the covariance.
func (a *attrs) covariance() *ellipticEnvelope {
	e := &ellipticEnvelope{version: a.version, location: a.vector("location_", &a.in)}
	if a.bool("store_precision") {
		e.precision = a.matrix("precision_", &a.in, &a.in)
	} else {
		e.precision = a.invert("covariance_")
	}
	return e
}

func loadEllipticEnvelope(a *attrs) *element {
	e := a.covariance()
	n := len(e.location)
	switch {
	case a.version >= 20:
		e.offset = a.finite("offset_")
	case !a.has("contamination"):
		a.refuse("contamination None", "fit it with the share of outliers")
	default:
		e.offset = -a.finite("threshold_")
	}
	return &element{role: detects, predictor: e, size: 8 * (n + n*n)}
}

// invert returns the pseudo-inverse of a symmetric matrix.
func (a *attrs) invert(name string) []float64 {
	if a.in.n > maxInverse {
		a.refuse("store_precision=False and so many features", "fit it with store_precision=True")
		return nil
	}
	m := a.matrix(name, &a.in, &a.in)
	if a.err != nil {
		return nil
	}
	return pseudoInverse(m, a.in.n)
}

// distance returns the squared distance of a row.
func (e *ellipticEnvelope) distance(row, delta []float64) float64 {
	n := len(e.location)
	for i, x := range row {
		delta[i] = x - e.location[i]
	}
	sum := 0.0
	for i, d := range delta {
		inner := 0.0
		for j, p := range e.precision[i*n : (i+1)*n] {
			inner += float64(p * delta[j])
		}
		sum += float64(d * inner)
	}
	if e.version < 20 {
		return sum
	}
	root := math.Sqrt(sum) // scipy returns the root, and scikit-learn squares it
	return root * root
}

func (e *ellipticEnvelope) distances(dst, x []float64, a *arena) {
	defer a.release(a.used)
	n := len(e.location)
	delta := a.take(n)
	for i := range dst {
		dst[i] = e.distance(x[i*n:(i+1)*n], delta)
	}
}

func (e *ellipticEnvelope) predict(out outcome, x []float64, n int, a *arena) error {
	pred, score := out.predictionsAndScores(n, a)
	e.distances(score, x, a)
	if e.version < 20 {
		e.detect019(pred, score)
		return nil
	}
	for i, d := range score {
		score[i] = -d - e.offset
		pred[i] = 1
		if score[i] >= 0 {
			pred[i] = 0
		}
	}
	return nil
}

// detect019 scores distances as 0.19 did.
func (e *ellipticEnvelope) detect019(pred, score []float64) {
	threshold := -e.offset
	for i, d := range score {
		pred[i] = 1
		if d <= threshold {
			pred[i] = 0
		}
		score[i] = math.Pow(threshold, 0.33) - math.Pow(d, 0.33)
	}
}

func (e *ellipticEnvelope) scoreSamples(dst, x []float64, a *arena) error {
	if e.version < 20 {
		return errNoScoreSamples
	}
	e.distances(dst, x, a)
	for i, d := range dst {
		dst[i] = -d
	}
	return nil
}
