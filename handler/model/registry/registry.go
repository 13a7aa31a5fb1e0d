package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/model"
	"github.com/fleetscore/fleetscore/handler/spawn"
)

// Every is how often the tick lists the container, at most.
const Every = time.Minute

const (
	// slack lets a tick each minute list each minute, though no two are a minute
	// apart to the millisecond.
	slack = 5 * time.Second
	// assignMost is how many devices are assigned in one refresh. The rest is left
	// to the next, or to who opens a run.
	assignMost = 50_000
)

// Ledger is the registry's tables; see package store.
type Ledger interface {
	Registry(ctx context.Context) (fleet.Registry, error)
	SetListed(ctx context.Context, r fleet.Registry) error
	Models(ctx context.Context) ([]fleet.Model, error)
	Register(ctx context.Context, c fleet.Registration) error
	AssignSubjects(ctx context.Context, limit int) (int, error)
	AreSensors(ctx context.Context, ids []fleet.ID) ([]bool, error)
	SetKind(ctx context.Context, key int64, kind string) error
}

// Models reads a version of a model; see [model.Cache].
type Models interface {
	Model(ctx context.Context, version fleet.Model) (*model.Model, error)
}

// Registry keeps the registry of models. It is safe for concurrent use, also of
// several processes.
type Registry struct {
	Blobs   blob.Store
	Ledger  Ledger
	Models  Models
	Columns int // of a sensor's row: one, or the functions of SCORE_AGGREGATE
	// MaxLookback is how far rows may look back.
	MaxLookback time.Duration
	Now         func() time.Time

	flight spawn.Flight[struct{}]
	// seen says that this process has looked again at the models that were bad: a
	// new version of the program may read them.
	seen atomic.Bool
	// kinds has the keys of the models whose kind this process has stored.
	kinds sync.Map
}

// Refresh lists the container unless that was done within a minute, registers
// what has changed, and assigns models to the sensors that are new. Its errors
// are of storage and SQL; a model that cannot be used is registered with why.
func (r *Registry) Refresh(ctx context.Context, log *slog.Logger) error {
	state, err := r.Ledger.Registry(ctx)
	if err != nil {
		return err
	}
	if fresh(state, r.Now()) && state.Columns == r.Columns && state.Reader == Reader {
		_, err := r.Ledger.AssignSubjects(ctx, assignMost)
		return err
	}
	return r.List(ctx, log)
}

// List is Refresh that lists the container whenever that was done last: what was
// published before it is called counts after it has returned.
func (r *Registry) List(ctx context.Context, log *slog.Logger) error {
	state, err := r.Ledger.Registry(ctx)
	if err != nil {
		return err
	}
	began := r.Now()
	change, err := r.compare(ctx, state)
	if err != nil {
		return err
	}
	whole, err := r.learnAll(ctx, log, &change)
	if err != nil {
		return err
	}
	if err := r.register(ctx, log, change.Registration); err != nil {
		return err
	}
	if !whole {
		log.Warn("models are left to the next tick", "models", len(change.left), "error", fmt.Sprint(change.why))
		return nil
	}
	r.seen.Store(true)
	if now := (fleet.Registry{ListedAt: state.ListedAt, Columns: r.Columns, Reader: Reader}); state == now && fresh(state, began) {
		return nil // the tick lists again when it would have
	}
	return r.Ledger.SetListed(ctx, fleet.Registry{ListedAt: began, Columns: r.Columns, Reader: Reader})
}

// fresh reports whether the container was listed within a minute before now. A
// listing after now was one by another clock.
func fresh(state fleet.Registry, now time.Time) bool {
	age := now.Sub(state.ListedAt)
	return age >= 0 && age < Every-slack
}

// register stores a change and assigns the devices that it concerns.
func (r *Registry) register(ctx context.Context, log *slog.Logger, c fleet.Registration) error {
	if err := r.Ledger.Register(ctx, c); err != nil {
		return err
	}
	if n := len(c.Added) + len(c.Learned) + len(c.Removed); n > 0 {
		log.Info("models registered", "added", len(c.Added), "learned", len(c.Learned), "removed", len(c.Removed))
	}
	for _, models := range [][]fleet.Model{c.Added, c.Learned} {
		for _, m := range models {
			if m.Facts != nil && m.Facts.Fault != "" {
				log.Warn("model cannot be used", "model", m.Name, "error", m.Facts.Fault)
			}
		}
	}
	_, err := r.Ledger.AssignSubjects(ctx, assignMost)
	return err
}

// difference is what the container has and the registry has not, and the other way
// round.
type difference struct {
	fleet.Registration
	learn []learning // of added and known ones
	left  []learning // that could not be read yet
	why   error
}

// learning is a version to be read.
type learning struct {
	model  fleet.Model
	before *fleet.Model // the version that it replaces, if any
	// ofSensors says that it serves sensors, whatever is in it: it is read only to see
	// whether it is a model.
	ofSensors bool
}

// compare lists the container.
func (r *Registry) compare(ctx context.Context, state fleet.Registry) (difference, error) {
	var d difference
	models, err := r.Ledger.Models(ctx)
	if err != nil {
		return d, err
	}
	known := make(map[string]*fleet.Model, len(models))
	for i := range models {
		known[models[i].Name] = &models[i]
	}
	var fresh []learning
	for info, err := range r.Blobs.List(ctx, blob.Models, "") {
		if err != nil {
			return d, fmt.Errorf("list models: %w", err)
		}
		name, removed := fleet.CutRemoved(info.Name)
		place, ok := model.PlaceOf(name)
		if !ok {
			continue
		}
		if removed {
			place.Scope = fleet.OfNobody
		}
		before := known[info.Name]
		delete(known, info.Name)
		switch {
		case before == nil || before.ETag != info.ETag || !before.Published.Equal(info.Modified) || before.Scope == fleet.OfNobody && state.Reader != Reader:
			fresh = append(fresh, learning{model: versionOf(info, place), before: before})
		case before.Scope == fleet.OfNobody:
		case before.Facts != nil && (state.Reader != Reader || before.Facts.Fault != "" && !r.seen.Load()):
			d.learn = append(d.learn, learning{model: *before})
		}
	}
	for _, gone := range known {
		d.Removed = append(d.Removed, *gone)
	}
	return d, r.sort(ctx, &d, fresh)
}

// versionOf returns the version of a model that a blob has.
func versionOf(info blob.Info, place fleet.Place) fleet.Model {
	return fleet.Model{Name: info.Name, ETag: info.ETag, Size: info.Size, Published: info.Modified, Place: place}
}

// sort finds out which of the versions that are new are to be read. A file where a
// sensor's model lies is the sensor's, whatever is in it; so is the default. But one
// of a name that other files have too is read to see whether it is a model.
func (r *Registry) sort(ctx context.Context, d *difference, fresh []learning) error {
	fresh = slices.DeleteFunc(fresh, func(l learning) bool { // a removed one is registered as it is
		removed := l.model.Scope == fleet.OfNobody
		if removed {
			d.add(l)
		}
		return removed
	})
	ids := make([]fleet.ID, len(fresh))
	for i, l := range fresh {
		ids[i] = fleet.ID{Device: l.model.Device, Sensor: l.model.Title}
	}
	sensors, err := r.Ledger.AreSensors(ctx, ids)
	if err != nil {
		return err
	}
	for i, l := range fresh {
		l.ofSensors = l.model.Scope != fleet.OfFleet && (l.model.Scope != fleet.OfDevice || sensors[i])
		if !l.ofSensors || model.Shared(l.model.Name) {
			d.learn = append(d.learn, l)
		} else {
			d.add(l)
		}
	}
	return nil
}

// add takes a version in, in place of the one before.
func (d *difference) add(l learning) {
	switch {
	case l.model.Key != 0:
		d.Learned = append(d.Learned, l.model)
	default:
		d.Added = append(d.Added, l.model)
		if l.before != nil {
			d.Removed = append(d.Removed, *l.before)
		}
	}
}

// Renew registers the present version of a model, as the one that is registered is
// gone.
func (r *Registry) Renew(ctx context.Context, log *slog.Logger, gone fleet.Model) error {
	_, err := r.flight.Do(ctx, gone.Name+"\n"+gone.ETag, func() (struct{}, error) { return struct{}{}, r.renew(ctx, log, gone) })
	return err
}

func (r *Registry) renew(ctx context.Context, log *slog.Logger, gone fleet.Model) error {
	d := difference{Registration: fleet.Registration{Removed: []fleet.Model{gone}}}
	info, err := r.Blobs.Stat(ctx, blob.Models, gone.Name)
	switch {
	case errors.Is(err, blob.ErrNotFound):
	case err != nil:
		return err
	case info.ETag == gone.ETag:
		return nil // it is there after all
	default:
		d.Removed = nil
		place, _ := model.PlaceOf(gone.Name)
		if err := r.sort(ctx, &d, []learning{{model: versionOf(info, place), before: &gone}}); err != nil {
			return err
		}
		if whole, err := r.learnAll(ctx, log, &d); err != nil || !whole {
			return errors.Join(err, d.why)
		}
	}
	return r.register(ctx, log, d.Registration)
}

// NoteKind stores the kind of a registered model that the registry has not read, once
// somebody has. It stores it once in each process. What it cannot store, whoever reads the
// model next stores.
func (r *Registry) NoteKind(ctx context.Context, log *slog.Logger, version fleet.Model, kind string) {
	if version.Kind == kind || version.Key == 0 {
		return
	}
	if _, noted := r.kinds.LoadOrStore(version.Key, true); noted {
		return
	}
	if err := r.Ledger.SetKind(ctx, version.Key, kind); err != nil {
		r.kinds.Delete(version.Key)
		log.Warn("the kind of a model is noted later", "model", version.Name, "error", err.Error())
	}
}
