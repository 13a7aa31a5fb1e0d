package runs

import (
	"context"
	"fmt"

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
		if m.Scope == fleet.Attributes {
			continue
		}
		r.Models++
		if m.Facts != nil && m.Facts.Fault != "" {
			r.Bad = append(r.Bad, BadModel{m.Name, m.Facts.Fault})
		}
	}
	return r, nil
}
