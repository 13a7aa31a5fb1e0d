package sklearn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// ErrUnsupported is wrapped by errors for a well-formed file with something in it that
// this package does not score: a class, a setting or a version.
var ErrUnsupported = errors.New("not supported")

// unsupported is an error that wraps [ErrUnsupported] without repeating its text.
type unsupported struct{ text string }

func (e *unsupported) Error() string        { return e.text }
func (e *unsupported) Is(target error) bool { return target == ErrUnsupported }

// refuse returns an unsupported error: what is refused, in which step, and what to do
// instead.
func refuse(what, step, instead string) error {
	return &unsupported{fmt.Sprintf("%s%s is not supported: %s", what, inStep(step), instead)}
}

// inStep returns " in step '…'", or "" outside of a pipeline.
func inStep(step string) string {
	if step == "" {
		return ""
	}
	return " in step '" + step + "'"
}

// publicName returns the name under which users import a class. Scikit-learn defines
// its classes in private modules. Since 0.22 their names begin with an underscore. Up to
// 0.21 they are the third part of the path, unless it is one of submodules.
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
