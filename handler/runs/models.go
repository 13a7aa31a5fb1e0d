package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// RefreshRequest asks to use newly published models from now on, and not only from the next
// tick on.
type RefreshRequest struct{}

// Registered is the registry of models.
type Registered struct {
	Models int        `json:"models"`        // how many models are registered
	Bad    []BadModel `json:"bad,omitempty"` // the models that cannot be used
}

// BadModel is a model that cannot be used. A model of one sensor is read only when it is used,
// so it is not among them.
type BadModel struct {
	Model string `json:"model"` // the name of its blob in the container models
	Error string `json:"error"` // why it cannot be used
}

// RefreshModels registers newly published models.
func (a *API) RefreshModels(ctx context.Context, _ RefreshRequest) (Registered, error) {
	if err := a.Models.List(ctx, a.Log); err != nil {
		return Registered{}, fmt.Errorf("register models: %w", err)
	}
	models, err := a.Ledger.Models(ctx)
	if err != nil {
		return Registered{}, err
	}
	var r Registered
	for _, m := range models {
		if m.Scope == fleet.Attributes || m.Scope == fleet.OfNobody {
			continue
		}
		r.Models++
		if m.Facts != nil && m.Facts.Fault != "" {
			r.Bad = append(r.Bad, BadModel{m.Name, m.Facts.Fault})
		}
	}
	return r, nil
}

// ModelsRequest asks for the registered models.
type ModelsRequest struct {
	After string `query:"after" json:"-"`                                          // the member "next" of the page before: only models whose blobs sort after this name
	Limit int    `query:"limit" json:"-" minimum:"1" maximum:"1000" default:"100"` // how many models a page has at most: 1 to 1000
}

// ModelList is a page of the registered models, in the order of the names of their blobs.
type ModelList struct {
	Models []Model `json:"models"` // the models of this page
	// The parameter "after" of the next page. It is left out on the last page.
	Next string `json:"next,omitempty"`
}

// Model is a registered model.
type Model struct {
	Name   string      `json:"name"`             // the name of its blob in the container models
	Scope  fleet.Scope `json:"scope"`            // whom it serves
	Device string      `json:"device,omitempty"` // the device that it serves, where its scope is device
	Title  string      `json:"title,omitempty"`  // the name of its sensor or device model, where its scope is device or fleet
	Size   int64       `json:"size"`             // the size of its blob in bytes
	ETag   string      `json:"etag"`             // the ETag of its blob
	Serves int         `json:"serves"`           // how many sensors and device models it serves
	// Kind is detector, classifier or regressor. It is left out until the file has been
	// read, by its first job at the latest.
	Kind string `json:"kind,omitempty"`
	// Since is when this version was published, rolled back to, or removed.
	Since   time.Time `json:"since,omitzero"`
	Removed bool      `json:"removed,omitempty"` // whether it was removed: it serves nobody, and a rollback puts it back
	// Facts are what is known of its content. They are left out for a model in the place
	// of one sensor, which is read only when it is used.
	Facts *fleet.Facts `json:"facts,omitempty"`
}

func newModel(s fleet.Serving) Model {
	place := placeOf(s.Model)
	name, removed := fleet.CutRemoved(s.Name)
	return Model{Name: name, Scope: place.Scope, Device: place.Device, Title: place.Title, Size: s.Size, ETag: s.ETag, Serves: s.Subjects,
		Kind: s.Kind, Since: s.Published, Removed: removed, Facts: s.Facts}
}

// placeOf returns the place of a model, or the one that it was removed from.
func placeOf(m fleet.Model) fleet.Place {
	name, removed := fleet.CutRemoved(m.Name)
	switch p := m.Place; {
	case !removed:
		return p
	case p.Device != "":
		return fleet.Place{Scope: fleet.OfDevice, Device: p.Device, Title: p.Title}
	case p.Title != "":
		return fleet.Place{Scope: fleet.OfFleet, Title: p.Title}
	case fleet.SharedModel(name):
		return fleet.Place{Scope: fleet.OfSensors}
	}
	return fleet.Place{Scope: fleet.Attributes}
}

// registered returns the model whose blob has a name, or had it before the model was
// removed.
func (a *API) registered(ctx context.Context, name string) (fleet.Serving, error) {
	m, err := a.Published.ServingModel(ctx, name)
	if errors.Is(err, fleet.ErrNotFound) {
		m, err = a.Published.ServingModel(ctx, fleet.RemovedName(name))
	}
	if errors.Is(err, fleet.ErrNotFound) {
		err = fmt.Errorf("%w: no model with the name %.200q is registered", fleet.ErrNotFound, name)
	}
	return m, err
}

// ListModels returns a page of the registered models.
func (a *API) ListModels(ctx context.Context, req ModelsRequest) (ModelList, error) {
	limit, err := pageLimit(req.Limit)
	if err != nil {
		return ModelList{}, err
	}
	page, err := a.Published.ServingModels(ctx, req.After, limit)
	if err != nil {
		return ModelList{}, err
	}
	list := ModelList{Models: make([]Model, len(page))}
	for i, m := range page {
		list.Models[i] = newModel(m)
	}
	if len(page) == limit {
		list.Next = page[limit-1].Name
	}
	return list, nil
}

// ModelRequest asks for a registered model.
type ModelRequest struct {
	Name  string `query:"name" json:"-" required:"true" example:"default.pkl"` // the name of its blob in the container models
	After string `query:"after" json:"-"`                                      // the member "next" of the page before: only what it serves after this device/name
}

// ModelDetail is a registered model, with what it serves and what it scored.
type ModelDetail struct {
	Model
	Portrait *Portrait  `json:"portrait,omitempty"` // what is in its file
	Fault    string     `json:"fault,omitempty"`    // why it cannot be used
	Previous bool       `json:"previous,omitempty"` // whether there is a version before it to roll back to
	Subjects []fleet.ID `json:"subjects"`           // a page of the sensors and device models that it serves
	// The parameter "after" of the next page. It is left out on the last page.
	Next string `json:"next,omitempty"`
	// Versions are those that scored in the runs of the span, the one that was used last
	// first. Of a model that may serve several devices, only runs that have ended count.
	Versions []Version `json:"versions"`
	// SummedFrom is where that span begins. It is left out for devices.csv.
	SummedFrom time.Time `json:"summed_from,omitzero"`
}

// Version sums the jobs that a version of a model scored.
type Version struct {
	SHA256    string    `json:"sha256"`    // the SHA-256 of the version, in lower-case hex
	First     time.Time `json:"first"`     // where the window of its first job begins
	Last      time.Time `json:"last"`      // where the window of its last job begins
	Jobs      int       `json:"jobs"`      // how many jobs it scored
	Rows      int       `json:"rows"`      // how many rows it predicted
	Anomalies int       `json:"anomalies"` // how many of the rows are anomalies
}

// Share returns the share of rows that are anomalies, 0 without rows.
func (v Version) Share() float64 { return float64(v.Anomalies) / float64(max(v.Rows, 1)) }

// ModelDetail returns a registered model, or one that was removed. The error wraps
// [fleet.ErrNotFound] if there is none.
func (a *API) ModelDetail(ctx context.Context, req ModelRequest) (ModelDetail, error) {
	after, err := afterID(req.After)
	if err != nil {
		return ModelDetail{}, err
	}
	m, err := a.registered(ctx, req.Name)
	if err != nil {
		return ModelDetail{}, err
	}
	d := ModelDetail{Model: newModel(m), Subjects: []fleet.ID{}, Versions: []Version{}}
	if !d.Removed {
		if d.Previous, err = a.Portraits.Previous(ctx, m.Place); err != nil {
			return ModelDetail{}, err
		}
	}
	if d.Scope == fleet.Attributes {
		return d, nil
	}
	if d.Removed {
		return d, a.versions(ctx, &d)
	}
	if m.Facts != nil {
		d.Fault = m.Facts.Fault
	}
	subjects, err := a.Published.ServedBy(ctx, m.Key, after, defaultLimit)
	if err != nil {
		return ModelDetail{}, err
	}
	d.Subjects = append(d.Subjects, subjects...)
	if len(d.Subjects) == defaultLimit {
		d.Next = d.Subjects[defaultLimit-1].String()
	}
	p, err := a.Portraits.Portrait(ctx, m.Model)
	switch {
	case err == nil:
		d.Portrait, d.Kind = &p, p.Kind
	case errors.Is(err, fleet.ErrBadModel):
		d.Fault = err.Error()
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrChanged):
		d.Fault = "it was replaced or removed, which counts from the next tick on"
	default:
		return ModelDetail{}, err
	}
	return d, a.versions(ctx, &d)
}

// versions sets the versions of a model, and since when they are summed: a year, or the newest
// runs if the model is of one device.
func (a *API) versions(ctx context.Context, d *ModelDetail) error {
	to, err := a.end(ctx, time.Time{})
	if err != nil {
		return err
	}
	d.SummedFrom = to.Add(-mostSpan)
	if !fleet.SharedModel(d.Name) {
		runs, err := a.Overview.RunsWithin(ctx, fleet.Window{From: d.SummedFrom, To: to}, maxRuns)
		if err != nil {
			return err
		}
		if len(runs) > 0 {
			d.SummedFrom = runs[len(runs)-1].Window.From
		}
	}
	versions, err := a.Published.Versions(ctx, fleet.Model{Name: d.Name, Place: fleet.Place{Scope: d.Scope, Device: d.Device, Title: d.Title}}, d.SummedFrom)
	for _, v := range versions {
		d.Versions = append(d.Versions, Version(v))
	}
	return err
}

// RollbackRequest names the blob of a registered model.
type RollbackRequest struct {
	Model string `json:"model" example:"default.pkl"` // the name of its blob in the container models
}

// Rollback exchanges a model with the one that was published before it, or puts a removed one
// back. It is used from then on. Rollback does not score anything again: see [API.Rescore].
func (a *API) Rollback(ctx context.Context, req RollbackRequest) (Registered, error) {
	return a.changeModel(ctx, req.Model, a.Portraits.Rollback)
}

// RemoveRequest names the blob of a registered model.
type RemoveRequest struct {
	Model string `json:"model" example:"default.pkl"` // the name of its blob in the container models
}

// Remove takes a model away. What it served is scored by another model that fits, or not
// at all. [API.Rollback] puts it back.
func (a *API) Remove(ctx context.Context, req RemoveRequest) (Registered, error) {
	return a.changeModel(ctx, req.Model, a.Portraits.Remove)
}

// changeModel changes the registered model whose blob has the name, and registers what has become
// of it.
func (a *API) changeModel(ctx context.Context, name string, change func(context.Context, fleet.Place) error) (Registered, error) {
	m, err := a.registered(ctx, name)
	if err != nil {
		return Registered{}, err
	}
	if err := change(ctx, placeOf(m.Model)); err != nil {
		return Registered{}, err
	}
	return a.RefreshModels(ctx, RefreshRequest{})
}
