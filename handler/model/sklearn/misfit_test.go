package sklearn_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/joblib"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// TestMisfits changes one attribute of an estimator in the goldens, or of one inside it.
// An array loses a row, a column or all elements, or gets a NaN. A number becomes 0,
// negative, huge or NaN. The file must then be refused, or be a model that passes
// consistent.
func TestMisfits(t *testing.T) {
	t.Parallel()
	files := make(map[string][]byte)
	for name, g := range readGoldens(t, allModels) {
		files[name] = g.File
	}
	for name, f := range readEstimators(t, newestEstimators) {
		files["estimators "+name] = f.bytes(t)
	}
	for name, g := range readPyOD(t, newestPyOD) {
		files["pyod "+name] = g.File
	}
	accepted, at := 0, 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		stride := *every
		for change := at % stride; ; change += stride {
			at++
			did, accept, err := misfit(name, files[name], change)
			if did == "" {
				break
			}
			if accept {
				accepted++
			}
			if err != nil {
				t.Errorf("%s: %v", did, err)
			}
		}
	}
	if accepted == 0 {
		t.Error("every change is refused, even that of an attribute that is not read")
	}
}

// TestMisfitsFound makes every change of models with which Load or Predict once crashed. One has
// its rows in one estimator, in the order of a search tree, and their labels in another. One
// has its classes apart from the estimators of them, and no scores.
func TestMisfitsFound(t *testing.T) {
	t.Parallel()
	all := readEstimators(t, newestEstimators)
	for _, name := range []string{"spreading_knn_3", "versus_rest_forest_2"} {
		file := all[name].bytes(t)
		change := 0
		for ; ; change++ {
			did, _, err := misfit(name, file, change)
			if did == "" {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", did, err)
			}
		}
		if change < 50 {
			t.Errorf("%s: only %d changes are made", name, change)
		}
	}
}

var every = flag.Int("misfits.every", 11, "TestMisfits makes only one of so many changes; 1 for all")

// misfit loads a file with one change, given by its number, and checks the model if it is
// accepted. It returns what it changed, or "" if there is no such change.
func misfit(name string, file []byte, change int) (did string, accepted bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	m, err := sklearn.LoadValue(len(file), nil, func(opt pickle.Options) (any, error) {
		data, err := joblib.Decompress(file)
		if err != nil {
			return nil, err
		}
		v, err := pickle.Read(data, opt)
		c := changer{at: change, been: make(map[*pickle.Object]bool)}
		c.value(name, v)
		did = c.did
		return v, err
	})
	if err != nil || m.Features() > 1000 || m.Predicts() != nil {
		return did, err == nil, nil
	}
	return did, true, consistent(m)
}

// changer changes one attribute of the objects in a value: the one at a
// position, counted over all that could be changed.
type changer struct {
	at   int
	did  string                  // what it changed
	been map[*pickle.Object]bool // visited objects; those of Birch contain each other
}

func (c *changer) value(path string, v any) {
	switch v := v.(type) {
	case *pickle.Object:
		if state, ok := v.State.(*pickle.Dict); ok && !c.been[v] {
			c.been[v] = true
			for i := range state.Entries {
				if name, ok := state.Entries[i].Key.(string); ok {
					c.attribute(path+"."+name, &state.Entries[i].Value)
				}
			}
		}
	case *pickle.List:
		for i := range v.Items {
			c.value(fmt.Sprintf("%s[%d]", path, i), v.Items[i])
		}
	case *pickle.Tuple:
		for i := range v.Items {
			c.value(fmt.Sprintf("%s[%d]", path, i), v.Items[i])
		}
	}
}

func (c *changer) attribute(path string, v *any) {
	var others []any
	switch old := (*v).(type) {
	case bool:
	case int64:
		others = []any{int64(0), int64(-1), old + 1, int64(math.MaxInt32), math.NaN()}
	case float64:
		others = []any{0.0, -1.0, math.NaN(), math.Inf(1), 1e300}
	default:
		if array, err := numpy.Parse(old); err == nil {
			if array.Type.Kind != 'O' {
				others = arrays(array)
				break
			}
			for i, v := range array.Objects {
				c.value(fmt.Sprintf("%s[%d]", path, i), v)
			}
		}
		c.value(path, old)
	}
	for i, other := range others {
		if c.at == 0 && c.did == "" {
			*v, c.did = other, fmt.Sprintf("%s, change %d", path, i)
		}
		c.at--
	}
}

// arrays returns wrong forms of an array of numbers: without elements, without the last
// row or column, transposed, with a NaN, a 0 or a large negative number.
func arrays(a numpy.Array) (others []any) {
	if a.Type.Kind == 'V' {
		return records(a)
	}
	data, err := a.Floats(pickle.NewBudget(1 << 20))
	if err != nil || len(data) == 0 {
		return nil
	}
	float := numpy.DType{Kind: 'f', Size: 8}
	add := func(data []float64, shape ...int) {
		raw := make([]byte, 0, 8*len(data))
		for _, v := range data {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		}
		if array, err := numpy.New(float, shape, false, raw); err == nil {
			others = append(others, &array)
		}
	}
	shape := a.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	rows := shape[0]
	width := len(data) / rows
	fewer := slices.Clone(shape)
	fewer[0]--
	add(data[:len(data)-width], fewer...)
	none := slices.Clone(shape)
	none[0] = 0
	add(nil, none...)
	if len(shape) == 2 {
		add(nil, rows, 0)
		add(data[:rows*(width-1)], rows, width-1)
		add(data, width, rows)
	}
	for _, v := range []float64{math.NaN(), 0, -1e9} {
		changed := slices.Clone(data)
		changed[len(changed)/2] = v
		add(changed, shape...)
	}
	return others
}

// records returns wrong forms of an array of records: without the last one, or with one
// whose bytes are all the same.
func records(a numpy.Array) (others []any) {
	n, size := a.Len(), a.Type.Size
	if n == 0 {
		return nil
	}
	fewer := a
	fewer.Shape, fewer.Data = []int{n - 1}, a.Data[:(n-1)*size]
	others = append(others, &fewer)
	for _, fill := range []byte{0, 1, 0xff} {
		changed := a
		changed.Data = slices.Clone(a.Data)
		for i := n / 2 * size; i < (n/2+1)*size; i++ {
			changed.Data[i] = fill
		}
		others = append(others, &changed)
	}
	return others
}

// TestStepOfNoWidth checks that a step with n_features_in_ = 0 is refused with its name.
func TestStepOfNoWidth(t *testing.T) {
	t.Parallel()
	file := readGoldens(t, allModels)["protocol_2"].File
	_, err := sklearn.LoadValue(len(file), nil, func(opt pickle.Options) (any, error) {
		v, err := pickle.Read(file, opt)
		steps, _ := v.(*pickle.Object).Attr("steps")
		scaler := steps.(*pickle.List).Items[0].(*pickle.Tuple).Items[1].(*pickle.Object)
		for i := range scaler.State.(*pickle.Dict).Entries {
			if e := &scaler.State.(*pickle.Dict).Entries[i]; e.Key == any("n_features_in_") {
				e.Value = int64(0)
			}
		}
		return v, err
	})
	const want = "StandardScaler in step 'standardscaler': n_features_in_ is of 0 features: one at least is needed; the file is damaged or made by hand: fit the model and write it again"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if errors.Is(err, sklearn.ErrUnsupported) {
		t.Error("a broken file is called unsupported")
	}
}
