package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/runs"
)

// refresh asks the app to list the models at once, not only with the next tick.
type refresh struct {
	client
	asked bool
}

// refreshFlag adds --refresh, and which app it asks.
func (c console) refreshFlag(cmd *cobra.Command) *refresh {
	r := &refresh{}
	r.flags(cmd, c)
	cmd.Flags().BoolVar(&r.asked, "refresh", false, "have the app at --url look at once, and not at its next tick")
	return r
}

// counts returns the end of a sentence: from when on the published models are used. Its
// error names models that the app cannot use.
func (r *refresh) counts(ctx context.Context) (string, error) {
	const later = ": counts from the next tick on, within a minute; --refresh: at once"
	if !r.asked {
		return later, nil
	}
	var registered runs.Registered
	if err := r.call(ctx, http.MethodPost, "/models/refresh", nil, runs.RefreshRequest{}, &registered); err != nil {
		return ": counts from the next tick on", fmt.Errorf("the app was not asked to look at once: %w", err)
	}
	text := fmt.Sprintf(": counts from now on, with %d models in all", registered.Models)
	if n := len(registered.Bad); n > 0 {
		return text, fmt.Errorf("%d models cannot be used, the first of them %s: %s", n, registered.Bad[0].Model, registered.Bad[0].Error)
	}
	return text, nil
}
