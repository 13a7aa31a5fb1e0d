package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/model/predict"
	"github.com/fleetscore/fleetscore/handler/model/publish"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// portraits implements runs.Portraits.
type portraits struct {
	models *model.Cache
	blobs  blob.Store
}

// Portrait describes a version of a model.
func (p portraits) Portrait(ctx context.Context, version fleet.Model) (runs.Portrait, error) {
	m, err := p.models.Model(ctx, version)
	if err != nil {
		return runs.Portrait{}, err
	}
	is := runs.Portrait{Kind: m.Kind().String(), Features: m.FeatureNames()}
	if spec := m.Spec(); spec != nil && spec.Limit != nil {
		limit := spec.Limit.Value()
		is.ResidualOf, is.Limit = spec.Residual, &limit
	}
	a, ok := m.Loaded.(*artifact.Model)
	if !ok {
		return is, nil
	}
	about := a.Describe()
	is.Class = about.Estimator.Class
	for _, s := range about.Estimator.Steps {
		is.Steps = append(is.Steps, s.Class)
	}
	is.Center, is.Scale = a.Scaling()
	switch {
	case m.Kind() != predict.Detector || about.NeedsThreshold:
	case about.Threshold != nil:
		is.Threshold = about.Threshold
	case a.Anomalies() == predict.Low:
		is.Threshold = new(float64) // 0: a decision function is negative for anomalies
	}
	return is, nil
}

// Previous reports whether Rollback has a version to exchange a model with; see
// [publish.Previous].
func (p portraits) Previous(ctx context.Context, place fleet.Place) (bool, error) {
	return publish.Previous(ctx, p.blobs, place)
}

// Rollback exchanges a model with the one before, or puts a removed one back; see
// [publish.Rollback].
func (p portraits) Rollback(ctx context.Context, place fleet.Place) error {
	_, err := publish.Rollback(ctx, p.blobs, place)
	return byWhom(err, "rollback", place)
}

// Remove takes a model away; see [publish.Remove].
func (p portraits) Remove(ctx context.Context, place fleet.Place) error {
	_, err := publish.Remove(ctx, p.blobs, place)
	return byWhom(err, "remove", place)
}

// byWhom says who may change a model where the application may not: in Azure it only
// reads models.
func byWhom(err error, command string, place fleet.Place) error {
	if !errors.Is(err, blob.ErrForbidden) {
		return err
	}
	return fmt.Errorf("%w: this application may only read models: whoever publishes them may do it, by fleetscore models %s '%s'; or give its identity the role Storage Blob Data Contributor on the container models",
		fleet.ErrConflict, command, publish.Title(place))
}
