package sklearn

// loadPLS loads PLSRegression, PLSCanonical or CCA with one output. It is a linear model
// of rows minus their mean, and before 1.5 divided by their standard deviation.
func loadPLS(a *attrs) *element {
	mean, std, target := "_x_mean", "_x_std", "intercept_"
	switch {
	case a.version < 24:
		mean, std, target = "x_mean_", "x_std_", "y_mean_"
	case a.version < 101:
		target = "_y_mean"
	}
	m := &plsRegressor{projection: projection{mean: a.vector(mean, &a.in)}}
	if a.version < 105 {
		m.scale = a.vector(std, &a.in)
	}
	for i, s := range m.scale {
		if s == 0 {
			a.fail("%s is 0 at %d", std, i)
		}
	}
	coef := "coef_"
	if a.has("_coef_") { // 1.1 and 1.2: in coef_ it is transposed
		coef = "_coef_"
	}
	if shape := a.shape(coef); len(shape) == 2 && shape[0] != 1 && shape[1] != 1 || a.err == nil && a.outputs(target) != 1 {
		a.refuse("several outputs", oneOutput)
	}
	m.rows, m.width = a.vector(coef, &a.in), a.in.n
	m.intercept = a.vector(target, exactly(1, "outputs"))
	return &element{role: regresses, predictor: m, size: 24 * m.width}
}

// outputs returns the number of elements of an array.
func (a *attrs) outputs(name string) int {
	count := 1
	for _, n := range a.shape(name) {
		count *= n
	}
	return count
}

type plsRegressor struct {
	projection
	intercept []float64
}

func (m *plsRegressor) predict(out outcome, x []float64, n int, a *arena) error {
	if out.pred == nil {
		return nil
	}
	if err := m.transform(out.pred, x, n, a); err != nil {
		return err
	}
	for i := range out.pred {
		out.pred[i] += m.intercept[0]
	}
	return nil
}
