// Package artifact makes models of the files that people keep them in, whatever
// those are: it tells them apart by their content, not their names. Files of
// pickle and joblib go to package sklearn as they are, those of skops through
// package skops. Of a file that holds no model, the error says what it is and
// what to do.
package artifact

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/joblib"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/model/skops"
)

// Load returns the model in a file. It does not keep data. The error wraps
// [ErrNoModel] where the file is of a kind that holds no model that is read.
func Load(data []byte) (*sklearn.Model, error) {
	if len(data) > sklearn.MaxFile {
		return nil, fmt.Errorf("load model: %w: %d MiB, at most %d are read", pickle.ErrLimit, len(data)>>20, sklearn.MaxFile>>20)
	}
	if len(data) >= len(archive.Magic) && string(data[:len(archive.Magic)]) == archive.Magic {
		return loadArchive(data)
	}
	m, err := sklearn.Load(data)
	if err == nil {
		return m, nil
	}
	// A text may be a pickle too, of protocol 0: what cannot be read as one is
	// looked at as something else.
	plain, unpackErr := joblib.Decompress(data)
	if unpackErr != nil {
		plain = data
	}
	if notPickle := new(pickle.Error); !looksPickled(plain) && (unpackErr != nil || errors.As(err, &notPickle)) {
		if other := refusal(plain); other != nil {
			return nil, other
		}
	}
	if errors.Is(err, pickle.ErrTruncated) {
		return nil, fmt.Errorf("the file ends too early: %w; %s", err, writeAgain)
	}
	return nil, err
}

func loadArchive(data []byte) (*sklearn.Model, error) {
	a, err := archive.Open(data)
	switch {
	case err != nil && strings.Contains(string(data[:min(len(data), 256)]), "/data.pkl"):
		return nil, torch()
	case errors.Is(err, archive.ErrEncrypted), errors.Is(err, pickle.ErrLimit):
		return nil, err
	case err != nil:
		return nil, noModel("this is a damaged or truncated zip file (%v): %s", err, writeAgain)
	case a.Has(skops.Schema):
		return sklearn.LoadValue(a.Size(), func(allow func(pickle.Global) bool, budget *pickle.Budget) (any, error) {
			v, _, err := skops.Read(a, skops.Options{Allow: allow, Budget: budget})
			return v, err
		})
	}
	return nil, archiveRefusal(a.Names())
}

func torch() error { return noModel("this is a PyTorch model: %s", noNetworks) }

// archiveRefusal says what a zip file of these names is.
func archiveRefusal(names []string) error {
	ends := func(suffix string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, suffix) })
	}
	switch {
	case ends("/data.pkl"):
		return torch()
	case ends("model.weights.h5"):
		return noModel("this is a Keras model: %s", noNetworks)
	case ends("saved_model.pb"):
		return noModel("this is a TensorFlow model in a zip file: %s", noNetworks)
	case len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".npy") }):
		return noModel("this is a file of numpy arrays (.npz), not an estimator: %s", writeEstimator)
	case slices.Contains(names, "[Content_Types].xml"):
		return noModel("this is an Office document, not a model: %s", writeEstimator)
	}
	return noModel("this zip file has no %s, so it is none of skops: take the model out of it, or %s", skops.Schema, writeEstimator)
}
