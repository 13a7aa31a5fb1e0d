package sklearn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// ErrUnsupported is wrapped by the errors for what a file holds that this
// package does not score: the class of an estimator, a setting, a version.
var ErrUnsupported = errors.New("not supported")

// unsupported is an error whose text says "… is not supported: …".
type unsupported struct{ text string }

func (e *unsupported) Error() string        { return e.text }
func (e *unsupported) Is(target error) bool { return target == ErrUnsupported }

// refuse returns an error for something in a step, with what to do instead.
func refuse(what, step, instead string) error {
	return &unsupported{fmt.Sprintf("%s%s is not supported: %s", what, inStep(step), instead)}
}

// inStep says where in a pipeline, if it is in one.
func inStep(step string) string {
	if step == "" {
		return ""
	}
	return " in step '" + step + "'"
}

// publicName is the name under which users import a class. Scikit-learn's
// classes are defined in private modules, which begin with an underscore or, up
// to 0.21, are all that are three deep but those of submodules.
func publicName(g pickle.Global) string {
	parts := strings.Split(g.Module, ".")
	if parts[0] != "sklearn" {
		return g.String()
	}
	parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, "_") })
	if len(parts) == 3 && !slices.Contains(submodules, parts[2]) {
		parts = parts[:2]
	}
	return strings.Join(append(parts, g.Name), ".")
}

var submodules = []string{"text", "image", "kernels"}
