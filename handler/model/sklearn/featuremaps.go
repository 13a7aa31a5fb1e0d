package sklearn

import "math"

// additiveChi2 is sklearn.kernel_approximation.AdditiveChi2Sampler: the Fourier transform
// of the additive chi-squared kernel, sampled at regular intervals. Its output has all
// columns of the first sample, then all of the next, and so on.
type additiveChi2 struct {
	width    int
	interval float64
	factors  []float64 // per sample after the first: cosh(π·j·interval)
	label    string
}

// chi2Intervals are the intervals for 1 to 3 samples where the user names none.
var chi2Intervals = []float64{0.8, 0.5, 0.4}

func loadAdditiveChi2(a *attrs) *element {
	steps := a.count("sample_steps")
	t := &additiveChi2{width: a.in.n, label: a.class + inStep(a.step)}
	if a.err == nil && steps > maxFeatures {
		a.fail("sample_steps is %d: at most %d are supported", steps, maxFeatures)
	}
	if a.err != nil {
		return nil
	}
	t.interval = a.chi2Interval(steps)
	if a.err == nil && t.interval < 0 {
		a.fail("the sampling interval is %v: it has to be 0 or more", t.interval)
	}
	if err := a.budget.Take(8 * steps); err != nil {
		a.fail("sample_steps is %d: %w", steps, err)
		return nil
	}
	for j := 1; j < steps; j++ {
		t.factors = append(t.factors, math.Cosh(math.Pi*float64(j)*t.interval))
	}
	return &element{transformer: t, out: t.width * (2*steps - 1), size: 8 * len(t.factors)}
}

// chi2Interval returns the sampling interval. Up to 1.2 fit kept it in sample_interval_, and
// in 1.3 and 1.4 in _sample_interval. Later versions keep the parameter alone.
func (a *attrs) chi2Interval(steps int) float64 {
	for _, name := range []string{"sample_interval_", "_sample_interval", "sample_interval"} {
		if a.has(name) {
			return a.finite(name)
		}
	}
	if steps > len(chi2Intervals) {
		a.fail("sample_interval is missing: %d sample_steps need one", steps)
		return 0
	}
	return chi2Intervals[steps-1]
}

func (t *additiveChi2) transform(dst, src []float64, n int, _ *arena) error {
	out := len(dst) / n
	clear(dst)
	for i, x := range src {
		if x < 0 {
			return &inputError{row: i / t.width, column: i % t.width, value: x, label: t.label}
		}
		if x == 0 {
			continue
		}
		to := dst[i/t.width*out+i%t.width:]
		to[0] = math.Sqrt(x * t.interval)
		log, twice := t.interval*math.Log(x), 2*x*t.interval
		for j, f := range t.factors {
			factor := math.Sqrt(twice / f)
			sin, cos := math.Sincos(float64(j+1) * log)
			to[(2*j+1)*t.width], to[(2*j+2)*t.width] = factor*cos, factor*sin
		}
	}
	return nil
}

// skewedChi2 is sklearn.kernel_approximation.SkewedChi2Sampler: cosines of random
// projections of logarithms.
type skewedChi2 struct {
	rbfSampler
	skewedness float64
	label      string
}

func loadSkewedChi2(a *attrs) *element {
	t := &skewedChi2{skewedness: a.finite("skewedness"), label: a.class + inStep(a.step)}
	t.rbfSampler = a.cosines()
	t.scale = math.Sqrt2 / math.Sqrt(float64(len(t.intercept)))
	return &element{transformer: t, out: len(t.intercept), size: t.size()}
}

func (t *skewedChi2) transform(dst, src []float64, n int, a *arena) error {
	defer a.release(a.used)
	logs := a.take(len(src))
	for i, x := range src {
		if x <= -t.skewedness {
			return &inputError{row: i / t.width, column: i % t.width, value: x, label: t.label}
		}
		logs[i] = math.Log(x + t.skewedness)
	}
	return t.rbfSampler.transform(dst, logs, n, a)
}

// boltzmann is sklearn.neural_network.BernoulliRBM: the probabilities that its hidden units
// are on.
type boltzmann struct{ linear }

func loadBoltzmann(a *attrs) *element {
	components := &dim{what: "components"}
	weights := a.matrix("components_", components, &a.in)
	offset := a.vector("intercept_hidden_", components)
	t := &boltzmann{linear{weights, offset, a.in.n}}
	return &element{transformer: t, out: components.n, size: t.size()}
}

func (t *boltzmann) transform(dst, src []float64, _ int, _ *arena) error {
	t.into(dst, src)
	for i, v := range dst {
		dst[i] = expit(v)
	}
	return nil
}
