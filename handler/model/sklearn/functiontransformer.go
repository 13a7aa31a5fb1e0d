package sklearn

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/libm"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// ufunc is a function of numpy that takes one number and returns one.
type ufunc func(float64) float64

// ufuncs are the functions that sklearn.preprocessing.FunctionTransformer may
// apply, by their names in numpy.
var ufuncs = map[string]ufunc{
	"absolute": math.Abs, "abs": math.Abs, "fabs": math.Abs, "negative": func(x float64) float64 { return -x },
	"positive": func(x float64) float64 { return x }, "sign": sign,
	"rint": math.RoundToEven, "round": math.RoundToEven, "around": math.RoundToEven, "floor": math.Floor, "ceil": math.Ceil, "trunc": math.Trunc,
	"square": func(x float64) float64 { return x * x }, "reciprocal": func(x float64) float64 { return 1 / x },
	"sqrt": math.Sqrt, "cbrt": math.Cbrt,
	"exp": libm.Exp, "exp2": math.Exp2, "expm1": math.Expm1,
	"log": math.Log, "log2": math.Log2, "log10": math.Log10, "log1p": math.Log1p,
	"sin": math.Sin, "cos": math.Cos, "tan": math.Tan,
	"arcsin": math.Asin, "arccos": math.Acos, "arctan": math.Atan, "asin": math.Asin, "acos": math.Acos, "atan": math.Atan,
	"sinh": math.Sinh, "cosh": math.Cosh, "tanh": libm.Tanh,
	"arcsinh": math.Asinh, "arccosh": math.Acosh, "arctanh": math.Atanh, "asinh": math.Asinh, "acosh": math.Acosh, "atanh": math.Atanh,
	"nan_to_num": (&nanToNum{0, math.MaxFloat64, -math.MaxFloat64}).of,
	"deg2rad":    radians, "radians": radians, "rad2deg": degrees, "degrees": degrees,
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
	if !a.has("func") && !a.has("inverse_func") {
		return e // the identity
	}
	f := &functions{forward: a.functionWith("func", "kw_args")}
	// Only TransformedTargetRegressor inverts. So an inverse that is not supported is
	// no error here.
	f.inverse, _ = a.knownFunction("inverse_func")
	e.transformer = f
	return e
}

// functions is a FunctionTransformer. The inverse is nil if it is not supported.
type functions struct{ forward, inverse ufunc }

// function returns the function in an attribute. It keeps an error if it is not
// supported.
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

// functionWith returns the function in one attribute, called with the keyword arguments
// in another.
func (a *attrs) functionWith(name, arguments string) ufunc {
	args, _ := a.optional(arguments).(*pickle.Dict)
	if args == nil || len(args.Entries) == 0 {
		if a.has(arguments) && args == nil {
			a.fail("%s is no dict", arguments)
		}
		return a.function(name)
	}
	g, _ := function(a.value(name))
	with, known := withArguments[g.Name]
	if !known || !ofNumpy(g) {
		a.refuse(arguments, "use a function of numpy that needs none, or numpy.clip, numpy.round or numpy.nan_to_num")
		return nil
	}
	given := make(map[string]float64)
	for _, e := range args.Entries {
		key, _ := e.Key.(string)
		f, ok := a.number(e.Value)
		switch {
		case e.Value == nil || key == "copy":
		case !ok:
			a.refuse(fmt.Sprintf("the argument %.40q of numpy.%s that is no number", key, g.Name), "give it a number, the same for all columns")
		default:
			given[key] = f
		}
	}
	f := with(given)
	if a.err == nil && len(given) > 0 {
		a.refuse(fmt.Sprintf("the argument %.40q of numpy.%s", slices.Sorted(maps.Keys(given))[0], g.Name), "leave it out")
	}
	return f
}

// withArguments are the functions of numpy that are supported with arguments. Each
// deletes the arguments that it knows from given.
var withArguments = map[string]func(given map[string]float64) ufunc{
	"clip": func(given map[string]float64) ufunc {
		least, most := math.Inf(-1), math.Inf(1)
		takeArgument(given, &least, "a_min", "min")
		takeArgument(given, &most, "a_max", "max")
		return func(x float64) float64 {
			if x != x {
				return x
			}
			return min(max(x, least), most)
		}
	},
	"round": rounding, "around": rounding, "round_": rounding,
	"nan_to_num": func(given map[string]float64) ufunc {
		r := &nanToNum{0, math.MaxFloat64, -math.MaxFloat64}
		takeArgument(given, &r.nan, "nan")
		takeArgument(given, &r.positive, "posinf")
		takeArgument(given, &r.negative, "neginf")
		return r.of
	},
}

// takeArgument moves an argument, which may have several names, from given to to.
func takeArgument(given map[string]float64, to *float64, names ...string) {
	for _, name := range names {
		if f, ok := given[name]; ok {
			*to = f
			delete(given, name)
		}
	}
}

// rounding is numpy.round: it multiplies, rounds half to even, and divides.
func rounding(given map[string]float64) ufunc {
	decimals := 0.0
	takeArgument(given, &decimals, "decimals")
	factor := math.Pow(10, math.Abs(decimals))
	switch {
	case decimals == 0:
		return math.RoundToEven
	case decimals > 0:
		return func(x float64) float64 { return math.RoundToEven(x*factor) / factor }
	}
	return func(x float64) float64 { return math.RoundToEven(x/factor) * factor }
}

// nanToNum is numpy.nan_to_num: the numbers that replace NaN, infinity and minus
// infinity.
type nanToNum struct{ nan, positive, negative float64 }

func (r *nanToNum) of(x float64) float64 {
	switch {
	case x != x:
		return r.nan
	case math.IsInf(x, 1):
		return r.positive
	case math.IsInf(x, -1):
		return r.negative
	}
	return x
}

func ofNumpy(g pickle.Global) bool {
	return g.Module == "numpy" || strings.HasPrefix(g.Module, "numpy.")
}

// knownFunction returns the function in an attribute, and false if it is not supported.
// None is the identity.
func (a *attrs) knownFunction(name string) (ufunc, bool) {
	v := a.optional(name)
	if v == nil {
		return identity, true
	}
	if o, ok := v.(*pickle.Object); ok && o.Class == partial && a.isCheckArray(o) {
		return identity, true
	}
	f, ok := function(v)
	if !ok || !ofNumpy(f) {
		return nil, false
	}
	u, ok := ufuncs[f.Name]
	return u, ok
}

// isCheckArray reports whether a functools.partial calls check_array, which changes no
// number. HistGradientBoosting keeps it as the transformer of its numeric columns. Files
// of skops leave out the function of a partial, so inside HistGradientBoosting it is
// taken to be check_array.
func (a *attrs) isCheckArray(o *pickle.Object) bool {
	return len(o.Args) == 1 && o.Args[0] == any(checkArray) || len(o.Args) == 0 && a.histogram
}

func identity(x float64) float64 { return x }

var (
	partial    = pickle.Global{Module: "functools", Name: "partial"}
	checkArray = pickle.Global{Module: "sklearn.utils.validation", Name: "check_array"}
)

// function returns the name of a pickled function. Up to version 1.19 numpy pickled its
// functions as a call of _ufunc_reconstruct with module and name.
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
