package sklearn

import "math"

// normalizer is sklearn.preprocessing.Normalizer. It divides each row by its norm.
type normalizer struct {
	norm func(row []float64) float64
	tiny float64 // a norm of 0, or below tiny, counts as 1
}

func loadNormalizer(a *attrs) *element {
	n := &normalizer{}
	switch name := a.text("norm"); {
	case name == "l1":
		n.norm = norm1
	case name == "l2":
		n.norm = norm2
	case name == "max" && a.version < 23:
		n.norm = largest
	case name == "max":
		n.norm = normMax
	default:
		a.fail("norm %.40q is none of l1, l2, max", name)
	}
	if a.version >= 100 {
		n.tiny = 10 * epsilon
	}
	return &element{transformer: n, in: a.featuresOrAny()}
}

const epsilon = 0x1p-52 // numpy.finfo(float).eps

func norm1(row []float64) float64 {
	sum := 0.0
	for _, x := range row {
		sum += math.Abs(x)
	}
	return sum
}

func norm2(row []float64) float64 {
	sum := 0.0
	for _, x := range row {
		sum += float64(x * x)
	}
	return math.Sqrt(sum)
}

func normMax(row []float64) float64 {
	most := 0.0
	for _, x := range row {
		most = max(most, math.Abs(x))
	}
	return most
}

// largest is the norm 'max' before 0.23, which did not take absolute values.
func largest(row []float64) float64 {
	most := math.Inf(-1)
	for _, x := range row {
		most = max(most, x)
	}
	return most
}

func (t *normalizer) transform(dst, src []float64, n int, _ *arena) error {
	width := len(src) / n
	for i := 0; i < len(src); i += width {
		norm := t.norm(src[i : i+width])
		if norm == 0 || math.Abs(norm) < t.tiny {
			norm = 1
		}
		for j, x := range src[i : i+width] {
			dst[i+j] = x / norm
		}
	}
	return nil
}
