package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/features"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/model/artifact"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Reader is the version of [Facts]. It is raised when that learns something else of
// a file than before: then every model is learned anew.
const Reader = 1

const (
	parallel = 8
	// learnFor bounds the reading of new models in one refresh. The rest is left to
	// the next.
	learnFor = 20 * time.Second
)

// learnAll reads what is to be learned and adds it to the change. It reports false
// if some could not be read yet: their old versions stay.
func (r *Registry) learnAll(ctx context.Context, log *slog.Logger, d *difference) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, learnFor)
	defer cancel()
	var mu sync.Mutex
	var g spawn.Group
	g.SetLimit(parallel)
	for _, l := range d.learn {
		g.Start(func() error {
			err := spawn.Catch(func() error {
				return r.learn(ctx, &l)
			})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, blob.ErrChanged), errors.Is(err, blob.ErrNotFound):
				// It was replaced since it was listed: the next listing sees what by.
				d.left, d.why = append(d.left, l), err
			case err != nil:
				log.Warn("model not read yet", "model", l.model.Name, "error", err.Error())
				d.left, d.why = append(d.left, l), err
			default:
				d.add(l)
			}
			return nil
		})
	}
	err := g.Wait()
	return len(d.left) == 0, err
}

// learn reads a version, and sets its kind, whom it is for, and its facts. One that
// cannot be used has a fault, and what was known of the version before: whom it served.
func (r *Registry) learn(ctx context.Context, l *learning) error {
	m, err := r.Models.Model(ctx, l.model)
	switch {
	case err != nil && !errors.Is(err, fleet.ErrBadModel):
		return err
	case model.Shared(l.model.Name) && errors.Is(err, artifact.ErrNoModel):
		l.model.Place, l.model.Facts = fleet.Place{Scope: fleet.OfNobody}, nil
		return nil
	}
	if err == nil {
		l.model.Kind = m.Kind().String()
	}
	switch {
	case l.ofSensors:
		l.model.Facts = nil
	case err == nil:
		l.model.Facts = Facts(m, m.Name(), r.MaxLookback)
	default:
		facts := &fleet.Facts{}
		if l.before != nil && l.before.Facts != nil {
			*facts = *l.before.Facts
		} else if l.model.Facts != nil {
			*facts = *l.model.Facts
		}
		facts.Fault = err.Error()
		l.model.Facts = facts
	}
	return nil
}

// Facts returns what the registry has to know of a model's content.
func Facts(m model.Loaded, name string, maxLookback time.Duration) *fleet.Facts {
	spec := m.Spec()
	facts := &fleet.Facts{Features: m.Features(), Names: m.FeatureNames(), Plain: spec == nil || !spec.MakesRows()}
	if spec == nil {
		spec = &features.Spec{}
	}
	facts.Devices = spec.Devices
	if facts.Plain && (facts.Features == 1 || len(facts.Names) == 0) {
		return facts // a sensor's, or nobody knows of which sensors
	}
	attributes := map[string]string{} // any: which sensors and how far back does not hang on them
	for _, name := range spec.Attributes() {
		attributes[name] = "0"
	}
	plan, err := spec.Plan(features.Model{Names: facts.Names, Count: facts.Features}, features.Device{Attributes: attributes}, maxLookback)
	if err != nil {
		facts.Fault = fmt.Sprintf("%s: %v", name, err)
		return facts
	}
	facts.Sensors, facts.LookbackMS = plan.Sensors(), plan.Lookback().Milliseconds()
	return facts
}
