package sklearn

import (
	"math"
)

// pca is sklearn.decomposition.PCA.
type pca struct {
	center     []float64 // mean_
	mean       []float64 // before 1.5: subtracted from rows before the product; or nil
	components []float64 // row-major
	width      int       // of a component
	shift      []float64 // since 1.5: components·mean, subtracted after the product; or nil
	scale      []float64 // with whiten=True: divides the components; or nil
}

func loadPCA(a *attrs) *element {
	components := &dim{what: "components"}
	p := &pca{components: a.matrix("components_", components, &a.in), mean: a.vector("mean_", &a.in)}
	p.width, p.center = a.in.n, p.mean
	count := components.n
	if a.bool("whiten") {
		p.scale = a.deviations(components)
	}
	if a.err == nil && a.version >= 105 {
		p.shift = make([]float64, count)
		if a.isFloat32("mean_") && a.isFloat32("components_") {
			product32(p.shift, p.mean, p.components, p.width)
		} else {
			product(p.shift, p.mean, p.components, p.width)
		}
		p.mean = nil
	}
	return &element{transformer: p, out: count, size: 8 * len(p.components)}
}

// deviations returns the square roots of the components' variances. Since 1.5 they are at
// least epsilon.
func (a *attrs) deviations(count *dim) []float64 {
	scale := a.vector("explained_variance_", count)
	least, single := epsilon, a.isFloat32("explained_variance_")
	if single {
		least = 0x1p-23 // numpy.finfo(numpy.float32).eps
	}
	for i, v := range scale {
		if v < 0 {
			a.fail("explained_variance_ is %v at %d", v, i)
		}
		scale[i] = math.Sqrt(v)
		if single {
			scale[i] = float64(float32(scale[i]))
		}
		if a.version >= 105 {
			scale[i] = max(scale[i], least)
		}
	}
	return scale
}

func (p *pca) transform(dst, src []float64, n int, a *arena) error {
	if p.mean != nil {
		defer a.release(a.used)
		centered := a.take(len(src))
		for i, x := range src {
			centered[i] = x - p.mean[i%p.width]
		}
		src = centered
	}
	product(dst, src, p.components, p.width)
	count := len(dst) / n
	for i := range dst {
		if p.shift != nil {
			dst[i] -= p.shift[i%count]
		}
		if p.scale != nil {
			dst[i] /= p.scale[i%count]
		}
	}
	return nil
}

// scoringRole is that of a detector. Its score is the mean squared difference between a
// row and inverse_transform(transform(row)). High scores are anomalies.
func (p *pca) scoringRole() role { return distant }

func (p *pca) predict(out outcome, x []float64, n int, a *arena) error {
	defer a.release(a.used)
	clear(out.pred)
	if out.score == nil {
		return nil
	}
	count := len(p.components) / p.width
	y := a.take(n * count)
	if err := p.transform(y, x, n, a); err != nil {
		return err
	}
	back := a.take(p.width)
	for i := range n {
		copy(back, p.center)
		for k, v := range y[i*count : (i+1)*count] {
			if p.scale != nil {
				v *= p.scale[k]
			}
			for j, c := range p.components[k*p.width : (k+1)*p.width] {
				back[j] += float64(v * c)
			}
		}
		for j, b := range back {
			d := x[i*p.width+j] - b
			back[j] = d * d
		}
		out.score[i] = pairwiseSum(back) / float64(p.width)
	}
	return nil
}

// product sets dst to the matrix x times the transpose of the matrix m. Both have rows of
// width numbers. Each sum is computed in order with fused multiply-add, as most BLAS
// libraries do.
func product(dst, x, m []float64, width int) {
	k := 0
	for ; len(x) >= width; x = x[width:] {
		for row := m; len(row) >= width; row = row[width:] {
			dst[k] = dot(x[:width], row)
			k++
		}
	}
}

// product32 is like product with float32: every step is rounded. With more than a few
// columns BLAS libraries add in other orders, so the last bits may differ from theirs.
func product32(dst, x, m []float64, width int) {
	for k := range dst {
		sum := float32(0)
		for i, v := range m[k*width : (k+1)*width] {
			sum += float32(float32(x[i]) * float32(v))
		}
		dst[k] = float64(sum)
	}
}

func dot(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum = math.FMA(v, y[i], sum)
	}
	return sum
}
