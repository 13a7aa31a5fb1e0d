// Package artifact reads models from the files in which people keep them. It recognises the
// format by the content and not by the name: a pickle of an estimator, or of a dict with the
// estimator and its scaler, a file of joblib, skops, XGBoost or LightGBM, an MLflow folder,
// or a folder or zip file of several of these. Nothing in a file is run. If a file holds no
// model, the error says what it is and what to do.
package artifact

import (
	"errors"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/joblib"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/sklearn"
	"github.com/fleetscore/fleetscore/handler/model/skops"
)

// Load returns the model in a file. It does not keep data.
//
// The features file spec may be nil. Its steps say which members of a dict or zip file are
// applied. Its threshold says from which score on a row is an anomaly. A features file in a
// zip file replaces spec.
//
// The error wraps [ErrNoModel] if the file holds no model, or one of a kind that is not
// supported.
func Load(data []byte, spec *features.Spec) (*Model, error) {
	if err := sklearn.CheckSize(len(data)); err != nil {
		return nil, err
	}
	plain, unpackErr := unpack(data)
	if isZip(plain) {
		return loadArchive(plain, spec)
	}
	m, err := sklearn.LoadValue(len(plain), steps(spec), func(opt pickle.Options) (any, error) {
		if unpackErr != nil {
			return nil, unpackErr
		}
		v, err := readPickle(plain, opt)
		if err != nil {
			return nil, err
		}
		return v, notModel(v)
	})
	if err == nil {
		return newModel(m, formatOf(plain), spec)
	}
	return nil, explain(plain, unpackErr, err)
}

// unpack decompresses a file. A file that joblib compressed may have been compressed again.
func unpack(data []byte) ([]byte, error) {
	for range 2 {
		plain, err := joblib.Decompress(data)
		if err != nil {
			return data, err
		}
		if len(plain) == len(data) {
			break
		}
		data = plain
	}
	return data, nil
}

// readPickle reads the pickles of a file, and the pickle in an .npy file of Python objects. If
// the value is only bytes that are a pickle, it reads these. A file of a library's save_model
// becomes the value that the library would pickle.
func readPickle(data []byte, opt pickle.Options) (any, error) {
	if b := booster(data); b != nil {
		return b, nil
	}
	if inner := numpy.Pickled(data); inner != nil {
		data = inner
	}
	v, err := pickle.ReadAll(data, opt)
	if inner, ok := v.([]byte); ok && err == nil && looksPickled(inner) {
		return pickle.ReadAll(inner, opt)
	}
	return v, err
}

// explain returns the error for a file that was not read as a model. A text may be a pickle
// of protocol 0, so only a text that is no pickle is recognised as something else.
func explain(plain []byte, unpackErr, err error) error {
	var at *pickle.Error
	if !looksPickled(plain) && (unpackErr != nil || errors.As(err, &at)) {
		if other := refusal(plain); other != nil {
			return other
		}
	}
	switch {
	case errors.Is(err, pickle.ErrTruncated):
		return fmt.Errorf("the file ends too early: %w; %s", err, writeAgain)
	case errors.Is(unpackErr, pickle.ErrLimit):
		return fmt.Errorf("%w; if the file is yours, write it without compression", unpackErr)
	case unpackErr != nil:
		return fmt.Errorf("the file is damaged or ends too early: %w; %s", err, writeAgain)
	case errors.As(err, &at) && !looksPickled(plain) && (at.Offset == 0 || errors.Is(err, pickle.ErrOpcode)):
		return noModel("this is none of the files that are read, and its format is not known (it begins with %q): %s", plain[:min(len(plain), 8)], writeEstimator)
	case at != nil && !errors.Is(err, pickle.ErrLimit) && !errors.Is(err, pickle.ErrOutOfBand):
		return fmt.Errorf("%w; if the file was damaged on its way, %s", err, writeAgain)
	}
	return err
}

func isZip(data []byte) bool {
	return len(data) >= len(archive.Magic) && string(data[:len(archive.Magic)]) == archive.Magic
}

// steps returns the steps that a features file names.
func steps(spec *features.Spec) []string {
	if spec == nil {
		return nil
	}
	return spec.Steps
}

func loadArchive(data []byte, spec *features.Spec) (*Model, error) {
	a, err := archive.Open(data)
	switch {
	case err != nil && isTorch(data):
		return nil, torch()
	case errors.Is(err, archive.ErrEncrypted), errors.Is(err, pickle.ErrLimit):
		return nil, err
	case err != nil:
		return nil, noModel("this is a damaged or truncated zip file (%v): %s", err, writeAgain)
	case a.Has(skops.Schema):
		m, err := sklearn.LoadValue(a.Size(), steps(spec), func(opt pickle.Options) (any, error) {
			return readSkops(a, opt)
		})
		if err != nil {
			return nil, err
		}
		return newModel(m, "skops", spec)
	}
	return loadFiles(a, "zip file", spec)
}

func readSkops(a *archive.Archive, opt pickle.Options) (any, error) {
	v, _, err := skops.Read(a, skops.Options{Allow: opt.Allow, Budget: opt.Budget})
	if err != nil {
		return nil, err
	}
	return v, notModel(v)
}
