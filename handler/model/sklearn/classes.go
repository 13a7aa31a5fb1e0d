package sklearn

import (
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// class is how an estimator of scikit-learn is loaded.
type class struct {
	name     string
	modules  []string // in which the versions have it
	detector bool
	load     func(*attrs) *element
}

var classes map[pickle.Global]class

var classList []class

func init() {
	preprocessing := []string{"sklearn.preprocessing.data", "sklearn.preprocessing._data"}
	classList = []class{
		{"OneClassSVM", []string{"sklearn.svm.classes", "sklearn.svm._classes"}, true, loadOneClassSVM},
		{"StandardScaler", preprocessing, false, loadStandardScaler},
		{"Pipeline", []string{"sklearn.pipeline"}, false, loadPipeline},
	}
	classes = make(map[pickle.Global]class)
	for _, c := range classList {
		for _, m := range c.modules {
			classes[pickle.Global{Module: m, Name: c.name}] = c
		}
	}
}

func detectorNames() string    { return classNames(true) }
func transformerNames() string { return classNames(false) }

func classNames(detector bool) string {
	var names []string
	for _, c := range classList {
		if c.detector == detector && c.name != "Pipeline" {
			names = append(names, c.name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
