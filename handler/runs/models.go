package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fleetscore/fleetscore/handler/blob"
	"github.com/fleetscore/fleetscore/handler/fleet"
)

// RefreshRequest asks that what is published now counts from now on, and not from
// the next tick.
type RefreshRequest struct{}

// Registered is the registry of models.
type Registered struct {
	Models int        `json:"models"`
	Bad    []BadModel `json:"bad,omitempty"`
}

// BadModel is a model that cannot be used. Those where a sensor's model lies are
// not read before they are used, and so are not among them.
type BadModel struct {
	Model string `json:"model"` // in the container models
	Error string `json:"error"`
}

// RefreshModels registers what is published.
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
	After string `query:"after" json:"-"` // only models whose blobs sort after this name
	Limit int    `query:"limit" json:"-"` // 1 to 1000, 100 if zero
}

// ModelList is a page of the registered models, ordered by the names of their blobs.
type ModelList struct {
	Models []Model `json:"models"`
	Next   string  `json:"next,omitempty"` // what After is to be for the next page
}

// Model is a registered model.
type Model struct {
	Name   string      `json:"name"` // in the container models
	Scope  fleet.Scope `json:"scope"`
	Device string      `json:"device,omitempty"` // of scope device
	Title  string      `json:"title,omitempty"`  // of the scopes device and fleet
	Size   int64       `json:"size"`
	ETag   string      `json:"etag"`
	Serves int         `json:"serves"` // sensors and device models
	// Facts are what is known of its content; absent where a sensor's model lies,
	// which is read when it is used.
	Facts *fleet.Facts `json:"facts,omitempty"`
}

func newModel(s fleet.Serving) Model {
	return Model{s.Name, s.Scope, s.Device, s.Title, s.Size, s.ETag, s.Subjects, s.Facts}
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
	Name  string `query:"name" json:"-"`  // of its blob
	After string `query:"after" json:"-"` // only what it serves after this device/name
}

// ModelDetail is a registered model, what it serves and what it came to.
type ModelDetail struct {
	Model
	Portrait *Portrait `json:"portrait,omitempty"`
	Fault    string    `json:"fault,omitempty"` // why it cannot be used
	// Subjects are a page of the sensors and device models that it serves.
	Subjects []fleet.ID `json:"subjects"`
	Next     string     `json:"next,omitempty"` // what After is to be for the next page
	// Versions are those that scored in the runs since Since, that used last first.
	Versions []Version `json:"versions"`
	Since    time.Time `json:"since"`
}

// Version is what the jobs that a version of a model scored came to.
type Version struct {
	SHA256    string    `json:"sha256"`
	First     time.Time `json:"first"` // where the windows of its first and last job begin
	Last      time.Time `json:"last"`
	Jobs      int       `json:"jobs"`
	Rows      int       `json:"rows"`
	Anomalies int       `json:"anomalies"`
}

// Share returns the share of rows that are anomalies, 0 without rows.
func (v Version) Share() float64 { return float64(v.Anomalies) / float64(max(v.Rows, 1)) }

// mostSummed is how many jobs are summed for one model: that of one sensor is
// followed for a year, that of the whole fleet for some runs.
const mostSummed = 200_000

// ModelDetail returns a registered model.
func (a *API) ModelDetail(ctx context.Context, req ModelRequest) (ModelDetail, error) {
	after, err := afterID(req.After)
	if err != nil {
		return ModelDetail{}, err
	}
	m, err := a.Published.ServingModel(ctx, req.Name)
	if err != nil {
		return ModelDetail{}, err
	}
	d := ModelDetail{Model: newModel(m), Versions: []Version{}}
	if m.Facts != nil {
		d.Fault = m.Facts.Fault
	}
	if m.Scope == fleet.Attributes {
		d.Subjects = []fleet.ID{}
		return d, nil
	}
	if d.Subjects, err = a.Published.ServedBy(ctx, m.Key, after, defaultLimit); err != nil {
		return ModelDetail{}, err
	}
	if len(d.Subjects) == defaultLimit {
		d.Next = d.Subjects[defaultLimit-1].String()
	}
	p, err := a.Portraits.Portrait(ctx, m.Model)
	switch {
	case err == nil:
		d.Portrait = &p
	case errors.Is(err, fleet.ErrBadModel):
		d.Fault = err.Error()
	case errors.Is(err, blob.ErrNotFound), errors.Is(err, blob.ErrChanged):
		d.Fault = "another version has been published, which counts from the next tick on"
	default:
		return ModelDetail{}, err
	}
	return d, a.versions(ctx, &d, m)
}

func (a *API) versions(ctx context.Context, d *ModelDetail, m fleet.Serving) error {
	to, err := a.end(ctx, time.Time{})
	if err != nil {
		return err
	}
	d.Since = to.Add(-mostSpan)
	runs, err := a.Overview.RunsWithin(ctx, fleet.Window{From: d.Since, To: to}, min(max(2, mostSummed/max(1, m.Subjects)), maxRuns))
	if err != nil {
		return err
	}
	if len(runs) > 0 {
		d.Since = runs[len(runs)-1].Window.From
	}
	versions, err := a.Published.Versions(ctx, m.Model, d.Since)
	for _, v := range versions {
		d.Versions = append(d.Versions, Version(v))
	}
	return err
}

// RollbackRequest names the blob of a registered model.
type RollbackRequest struct {
	Model string `json:"model"`
}

// Rollback exchanges a model with the one that was published before it. It counts
// from then on; what the other has scored is scored again by [API.Rescore] alone.
func (a *API) Rollback(ctx context.Context, req RollbackRequest) (Registered, error) {
	m, err := a.Published.ServingModel(ctx, req.Model)
	if err != nil {
		return Registered{}, err
	}
	if err := a.Portraits.Rollback(ctx, m.Model); err != nil {
		return Registered{}, fmt.Errorf("roll back %s: %w", req.Model, err)
	}
	return a.RefreshModels(ctx, RefreshRequest{})
}
