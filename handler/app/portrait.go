package app

import (
	"context"

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

// Rollback exchanges a model with the one before; see [publish.Rollback].
func (p portraits) Rollback(ctx context.Context, place fleet.Place) error {
	_, err := publish.Rollback(ctx, p.blobs, place)
	return err
}

// Remove takes a model away; see [publish.Remove].
func (p portraits) Remove(ctx context.Context, place fleet.Place) error {
	_, err := publish.Remove(ctx, p.blobs, place)
	return err
}
