package sklearn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unsafe"

	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/predict"
)

// Description says what a model is. People read it, and it is written as JSON.
type Description struct {
	Version      string   `json:"scikit_learn"` // the version that wrote the file
	Features     int      `json:"features"`
	FeatureNames []string `json:"feature_names,omitempty"` // the columns of the DataFrame it was fitted on
	Detector     bool     `json:"detector"`
	Estimator    Step     `json:"estimator"`
}

// Step describes an estimator.
type Step struct {
	Name       string `json:"name,omitempty"` // in the Pipeline or ColumnTransformer around it
	Class      string `json:"class"`          // with the module from which users import it
	Parameters Params `json:"parameters,omitempty"`
	Fitted     Params `json:"fitted,omitempty"` // what the fit found, support_vectors for instance
	Steps      []Step `json:"steps,omitempty"`  // the estimators inside
}

// Param is a named value: nil, bool, int, int64, float64 or string.
type Param struct {
	Name  string
	Value any
}

// Params are parameters in the order of the file. As JSON they are an object.
type Params []Param

// MarshalJSON implements json.Marshaler.
func (p Params) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, param := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		value := param.Value
		if f, ok := value.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			value = fmt.Sprint(f)
		}
		name, err1 := json.Marshal(param.Name)
		text, err2 := json.Marshal(value)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("parameter %s: %v", param.Name, err2)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(text)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Describe returns the model's description.
func (m *Model) Describe() Description { return m.description }

// describe returns the description of the estimator once it is loaded.
func (a *attrs) describe() Step {
	s := Step{Class: publicNames[a.object.Class], Fitted: a.fitted, Steps: a.steps}
	state, _ := a.object.State.(*pickle.Dict)
	if state == nil {
		return s
	}
	var space [32]Param
	found := Params(space[:0])
	for _, e := range state.Entries {
		name, ok := e.Key.(string)
		if !ok || strings.HasPrefix(name, "_") || strings.HasSuffix(name, "_") {
			continue
		}
		if value, ok := parameter(e.Value); ok {
			found = append(found, Param{name, value})
		}
	}
	if len(found) > 0 {
		s.Parameters = slices.Clone(found)
	}
	return s
}

// parameter returns a parameter's value, if it is one that a [Param] can have.
func parameter(v any) (any, bool) {
	v, err := numpy.Scalar(v)
	if err != nil {
		return nil, false
	}
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v, true
	case pickle.Global:
		return v.String(), true
	}
	return nil, false
}

// elementSize is about how many bytes an estimator takes without its numbers: the
// struct and its description.
const elementSize = int(unsafe.Sizeof(element{})) + 1024

func newModel(root *element, version string, names []string, step Step) *Model {
	return &Model{
		root: root,
		size: root.size + elementSize,
		description: Description{
			Version: version, Features: root.in, FeatureNames: names, Detector: root.predictor != nil && root.kind == predict.Detector, Estimator: step,
		},
	}
}
