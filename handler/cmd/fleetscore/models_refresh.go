package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/fleetscore/fleetscore/handler/runs"
)

// refresh is the flag --refresh: whether the app is asked to register the models at once,
// and not at its next tick.
type refresh struct {
	client
	asked bool
}

// refreshFlag adds --refresh, and the flags that name the app.
func (c console) refreshFlag(cmd *cobra.Command) *refresh {
	r := &refresh{}
	r.flags(cmd, c)
	cmd.Flags().BoolVar(&r.asked, "refresh", false, "make the app at --url use the models at once, not from its next tick on")
	return r
}

// counts returns the end of a message: when the app notices what has changed.
// The error names models that the app cannot use.
func (r *refresh) counts(ctx context.Context) (string, error) {
	const later = "; the app notices at its next tick, within a minute (with --refresh at once)"
	if !r.asked {
		return later, nil
	}
	var registered runs.Registered
	if err := r.call(ctx, http.MethodPost, "/models/refresh", nil, runs.RefreshRequest{}, &registered); err != nil {
		return "; the app notices at its next tick", fmt.Errorf("the app could not be asked to look at once: %w", err)
	}
	text := fmt.Sprintf("; the app has noticed, and has %d models in all", registered.Models)
	if n := len(registered.Bad); n > 0 {
		return text, fmt.Errorf("%d models cannot be used; the first is %s: %s", n, registered.Bad[0].Model, registered.Bad[0].Error)
	}
	return text, nil
}
