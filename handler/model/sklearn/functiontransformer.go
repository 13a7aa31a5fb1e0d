package sklearn

import (
	"math"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// ufunc is one of numpy's functions of one number, as a transformer.
type ufunc func(float64) float64

// ufuncs are the functions that sklearn.preprocessing.FunctionTransformer may
// apply, by their names in numpy.
var ufuncs = map[string]ufunc{
	"absolute": math.Abs, "abs": math.Abs, "fabs": math.Abs, "negative": func(x float64) float64 { return -x },
	"positive": func(x float64) float64 { return x }, "sign": sign,
	"rint": math.RoundToEven, "floor": math.Floor, "ceil": math.Ceil, "trunc": math.Trunc,
	"square": func(x float64) float64 { return x * x }, "reciprocal": func(x float64) float64 { return 1 / x },
	"sqrt": math.Sqrt, "cbrt": math.Cbrt,
	"exp": libm.Exp, "exp2": math.Exp2, "expm1": math.Expm1,
	"log": math.Log, "log2": math.Log2, "log10": math.Log10, "log1p": math.Log1p,
	"sin": math.Sin, "cos": math.Cos, "tan": math.Tan,
	"arcsin": math.Asin, "arccos": math.Acos, "arctan": math.Atan, "asin": math.Asin, "acos": math.Acos, "atan": math.Atan,
	"sinh": math.Sinh, "cosh": math.Cosh, "tanh": libm.Tanh,
	"arcsinh": math.Asinh, "arccosh": math.Acosh, "arctanh": math.Atanh, "asinh": math.Asinh, "acosh": math.Acosh, "atanh": math.Atanh,
	"deg2rad": radians, "radians": radians, "rad2deg": degrees, "degrees": degrees,
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0, or NaN
}

func radians(x float64) float64 { return x * (math.Pi / 180) }
func degrees(x float64) float64 { return x * (180 / math.Pi) }

func loadFunctionTransformer(a *attrs) *element {
	e := &element{in: a.featuresOrAny(), accepts: anyNumber}
	if a.boolOr("validate", false) {
		e.accepts = finite
	}
	if args, _ := a.value("kw_args").(*pickle.Dict); a.has("kw_args") && (args == nil || len(args.Entries) > 0) {
		a.refuse("kw_args", "use a function of numpy that needs none")
	}
	if !a.has("func") && !a.has("inverse_func") {
		return e // the identity
	}
	f := &functions{forward: a.function("func")}
	// Only a target is ever inverted: an inverse that is not known stops nobody
	// else.
	f.inverse, _ = a.knownFunction("inverse_func")
	e.transformer = f
	return e
}

// functions are what a FunctionTransformer applies, and what undoes it, nil
// where that is not known.
type functions struct{ forward, inverse ufunc }

// function returns the function that an attribute is.
func (a *attrs) function(name string) ufunc {
	f, ok := a.knownFunction(name)
	if !ok {
		own := "a function of its own"
		if g, named := function(a.value(name)); named {
			own += " (" + g.String() + ")"
		}
		a.refuse(own, "nothing of a file is run here; use one of numpy's functions of one number by its name, such as numpy.log1p or numpy.sqrt, or let the features file make the column")
	}
	return f
}

// knownFunction returns the function that an attribute is, the identity of
// None, if it is known.
func (a *attrs) knownFunction(name string) (ufunc, bool) {
	v := a.optional(name)
	if v == nil {
		return identity, true
	}
	if o, ok := v.(*pickle.Object); ok && o.Class == partial && a.checks(o) {
		return identity, true
	}
	f, ok := function(v)
	if !ok || f.Module != "numpy" && !strings.HasPrefix(f.Module, "numpy.") {
		return nil, false
	}
	u, ok := ufuncs[f.Name]
	return u, ok
}

// checks reports whether a functools.partial is of check_array, which changes no
// number: what HistGradientBoosting keeps as the transformer of columns that are
// numbers. Files of skops do not say of what it is.
func (a *attrs) checks(o *pickle.Object) bool {
	return len(o.Args) == 1 && o.Args[0] == any(checkArray) || len(o.Args) == 0 && a.histogram
}

func identity(x float64) float64 { return x }

var (
	partial    = pickle.Global{Module: "functools", Name: "partial"}
	checkArray = pickle.Global{Module: "sklearn.utils.validation", Name: "check_array"}
)

// function returns the name of a pickled function: numpy's are given by it, or
// up to 1.19 by a call of _ufunc_reconstruct with module and name.
func function(v any) (pickle.Global, bool) {
	if o, ok := v.(*pickle.Object); ok && numpy.IsFunction(o) && len(o.Args) == 2 {
		module, ok1 := o.Args[0].(string)
		name, ok2 := o.Args[1].(string)
		return pickle.Global{Module: module, Name: name}, ok1 && ok2
	}
	g, ok := v.(pickle.Global)
	return g, ok
}

func (f *functions) transform(dst, src []float64, _ int, _ *arena) error {
	for i, x := range src {
		dst[i] = f.forward(x)
	}
	return nil
}
