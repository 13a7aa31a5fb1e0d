package sklearn

import "math"

// kernelRidge is KernelRidge: a weighted sum of the kernel's values with the fitted rows.
type kernelRidge struct {
	*kernelRows
	dual []float64
}

func loadKernelRidge(a *attrs) *element {
	rows := &dim{what: "rows"}
	m := &kernelRidge{kernelRows: a.kernelRows("X_fit_", rows)}
	if shape := a.shape("dual_coef_"); len(shape) == 2 && shape[1] > 1 {
		a.refuse("several outputs", oneOutput)
	}
	m.dual = a.vector("dual_coef_", rows)
	return &element{role: regresses, predictor: m, size: 8 * (len(m.components) + 2*len(m.dual))}
}

func (m *kernelRidge) predict(out outcome, x []float64, n int, a *arena) error {
	if out.pred == nil {
		return nil
	}
	defer a.release(a.used)
	values := a.take(n * len(m.dual))
	m.values(values, x, n, a)
	product(out.pred, values, m.dual, len(m.dual))
	return nil
}

// kernelPCA is KernelPCA. It centres the kernel's values with the fitted rows and
// projects them.
type kernelPCA struct {
	*kernelRows
	center kernelCenterer
	rows   []float64 // a row for each component
}

func loadKernelPCA(a *attrs) *element {
	rows, components := &dim{what: "rows"}, &dim{what: "components"}
	t := &kernelPCA{kernelRows: a.kernelRows("X_fit_", rows)}
	vectors, values := "eigenvectors_", "eigenvalues_"
	if a.version < 100 {
		vectors, values = "alphas_", "lambdas_"
	}
	scaled := a.matrix(vectors, rows, components)
	variances := a.vector(values, components)
	centerer := a.inside("_centerer")
	if a.err != nil {
		return nil
	}
	inner := &attrs{loader: a.loader, object: centerer, class: centerer.Class.Name, step: a.step, version: a.version}
	t.center = kernelCenterer{inner.vector("K_fit_rows_", rows), inner.finite("K_fit_all_")}
	if a.err = inner.err; a.err != nil {
		return nil
	}
	t.rows = transposed(scaled, rows.n)
	for k, v := range variances {
		if v < 0 {
			a.fail("%s is %v at %d", values, v, k)
			return nil
		}
		for i := k * rows.n; i < (k+1)*rows.n; i++ {
			if v == 0 {
				t.rows[i] = 0
			} else {
				t.rows[i] /= math.Sqrt(v)
			}
		}
	}
	return &element{transformer: t, out: components.n, size: 8 * (len(t.components) + len(t.rows))}
}

func (t *kernelPCA) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	count := len(t.squares)
	raw, centered := a.take(n*count), a.take(n*count)
	t.values(raw, src, n, a)
	if err := t.center.transform(centered, raw, n, a); err != nil {
		return err
	}
	product(dst, centered, t.rows, count)
	return nil
}
