package artifact

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
)

// mlmodel is the file that describes an MLflow model
// (https://mlflow.org/docs/latest/ml/model/#mlmodel-file).
const mlmodel = "MLmodel"

// maxMLmodel is the size of the largest MLmodel file, in bytes. A signature of thousands of
// columns takes some 100 kB.
const maxMLmodel = 512 << 10

// mlflowModel has the members of an MLmodel file that are used.
type mlflowModel struct {
	Flavors   map[string]yaml.Node `yaml:"flavors"`
	Signature *struct {
		Inputs string `yaml:"inputs"` // JSON
	} `yaml:"signature"`
}

// flavor is a flavor of an MLmodel file: one way to load the model.
type flavor struct {
	PickledModel string `yaml:"pickled_model"` // sklearn
	Data         string `yaml:"data"`          // xgboost, lightgbm; python_function
	ModelPath    string `yaml:"model_path"`    // python_function of sklearn
	LoaderModule string `yaml:"loader_module"` // python_function
}

func (f flavor) file() string {
	for _, name := range []string{f.PickledModel, f.ModelPath, f.Data} {
		if name != "" {
			return name
		}
	}
	return ""
}

// loadMLflow returns the model in an MLflow folder.
func loadMLflow(all files, spec *features.Spec) (*Model, error) {
	data, err := all.Read(mlmodel)
	if err != nil {
		return nil, err
	}
	described, err := parseMLmodel(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", mlmodel, err)
	}
	file, err := described.file()
	if err != nil {
		return nil, err
	}
	columns, err := described.columns()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", mlmodel, err)
	}
	if !all.Has(file) {
		return nil, noModel("this is an MLflow model without its file %.60q, which %s names: copy the whole folder", file, mlmodel)
	}
	m, err := sklearn.LoadValue(all.Size(), nil, func(opt pickle.Options) (any, error) {
		data, err := all.Read(file)
		if err != nil {
			return nil, err
		}
		v, err := readValue(data, opt)
		if err != nil || len(columns.Items) == 0 {
			return v, err
		}
		if err := notModel(v); err != nil {
			return nil, err
		}
		return withColumns(v, columns), nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	model, err := newModel(m, "MLflow", spec)
	if err == nil {
		model.parts = []Part{{mlmodel, "MLmodel"}, {file, "model"}}
	}
	return model, err
}

// withColumns adds the names of columns to an estimator, or to a dict, tuple or list with
// one.
func withColumns(v any, columns *pickle.List) any {
	entry := pickle.Entry{Key: "columns of the signature", Value: columns}
	switch v := v.(type) {
	case *pickle.Dict:
		return &pickle.Dict{Entries: append(slices.Clip(v.Entries), entry)}
	case *pickle.Tuple:
		return &pickle.Tuple{Items: append(slices.Clip(v.Items), columns)}
	case *pickle.List:
		return &pickle.List{Items: append(slices.Clip(v.Items), columns)}
	}
	return &pickle.Dict{Entries: []pickle.Entry{{Key: "model", Value: v}, entry}}
}

// parseMLmodel parses an MLmodel file. It refuses YAML aliases, which can make a small text
// large. MLflow does not write any.
func parseMLmodel(data []byte) (*mlflowModel, error) {
	if len(data) > maxMLmodel {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", pickle.ErrLimit, len(data), maxMLmodel)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	if aliased(&root) {
		return nil, errors.New("a YAML alias is not supported: write its value instead")
	}
	m := new(mlflowModel)
	if err := root.Decode(m); err != nil {
		return nil, err
	}
	return m, nil
}

func aliased(n *yaml.Node) bool {
	return n.Kind == yaml.AliasNode || slices.ContainsFunc(n.Content, aliased)
}

// scored are the supported flavors, the preferred ones first.
var scored = []string{"sklearn", "xgboost", "lightgbm"}

// file returns the name of the file that holds the model.
func (m *mlflowModel) file() (string, error) {
	read := func(name string) (f flavor, err error) {
		node, ok := m.Flavors[name]
		if !ok {
			return f, nil
		}
		return f, node.Decode(&f)
	}
	for _, name := range scored {
		f, err := read(name)
		if err != nil {
			return "", fmt.Errorf("%s: flavor %s: %w", mlmodel, name, err)
		}
		if file := f.file(); file != "" {
			return path.Clean(file), nil
		}
	}
	f, err := read("python_function")
	if err != nil {
		return "", fmt.Errorf("%s: flavor python_function: %w", mlmodel, err)
	}
	if library, ok := strings.CutPrefix(f.LoaderModule, "mlflow."); ok && slices.Contains(scored, library) && f.file() != "" {
		return path.Clean(f.file()), nil
	}
	var names []string
	for name := range m.Flavors {
		names = append(names, name)
	}
	slices.Sort(names)
	const instead = "log the fitted estimator with mlflow.sklearn.log_model, mlflow.xgboost.log_model or mlflow.lightgbm.log_model"
	if len(names) == 0 || slices.Equal(names, []string{"python_function"}) {
		return "", noModel("this is an MLflow model of Python code of its own (%s), and nothing of a file is run here: %s", clip(f.LoaderModule, 60), instead)
	}
	return "", noModel("this is an MLflow model of the flavors %s, which are not read: %s", shorten(names), instead)
}

// columns returns the names of the signature's inputs, if all have one.
func (m *mlflowModel) columns() (*pickle.List, error) {
	list := new(pickle.List)
	if m.Signature == nil || m.Signature.Inputs == "" {
		return list, nil
	}
	var inputs []struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal([]byte(m.Signature.Inputs), &inputs); err != nil {
		return nil, fmt.Errorf("the signature's inputs: %w", err)
	}
	for _, in := range inputs {
		if in.Name == "" {
			return new(pickle.List), nil
		}
		list.Items = append(list.Items, in.Name)
	}
	return list, nil
}
