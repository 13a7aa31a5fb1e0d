package app

import (
	"context"
	"io"
	"net/http"

	"github.com/fleetscore/fleetscore/handler/page"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/runs"
)

// mounting is what all routes of the API have in common.
type mounting struct {
	server *protocol.Server
	ready  func(context.Context) error // returns once the tables are there
}

// MountAPI puts the API, which is the function runs, on a server. Each request waits
// for ready first.
func MountAPI(s *protocol.Server, ready func(context.Context) error, api *runs.API) {
	m := mounting{s, ready}
	view(m, "/api/", api.Lanes)
	view(m, "/api/device", api.Device)
	view(m, "/api/sensor", api.Subject)
	view(m, "/api/runs", api.List)
	view(m, "/api/runs/:id", api.Show)
	view(m, "/api/runs/:id/jobs", api.Jobs)
	view(m, "/api/runs/:id/job", api.Job)
	view(m, "/api/models", api.ListModels)
	view(m, "/api/model", api.ModelDetail)
	view(m, "/api/ingest", api.Ingest)
	read(m, "/api/windows", api.Windows)
	read(m, "/api/devices", api.Devices)
	read(m, "/api/sensors", api.Sensors)
	read(m, "/api/anomalies", api.ListAnomalies)
	read(m, "/api/anomalies/top", api.TopAnomalies)
	change(m, "/api/runs", http.StatusAccepted, api.Request)
	change(m, "/api/runs/:id/rescore", http.StatusAccepted, api.Rescore)
	change(m, "/api/runs/:id/cancel", http.StatusAccepted, api.Cancel)
	change(m, "/api/models/refresh", http.StatusOK, api.RefreshModels)
	change(m, "/api/models/rollback", http.StatusOK, api.Rollback)
	change(m, "/api/sensors/enable", http.StatusOK, api.Enable)
	change(m, "/api/sensors/disable", http.StatusOK, api.Disable)
	s.Handle(http.MethodGet, "/api/assets/*", http.StripPrefix("/api/assets/", http.FileServerFS(page.Assets())))
}

// view mounts a route that is a page too.
func view[Req, Resp any](m mounting, path string, f func(context.Context, Req) (Resp, error)) {
	protocol.Page(m.server, path, draw, waiting(m, f))
}

func read[Req, Resp any](m mounting, path string, f func(context.Context, Req) (Resp, error)) {
	protocol.Route(m.server, http.MethodGet, path, http.StatusOK, waiting(m, f))
}

func change[Req, Resp any](m mounting, path string, status int, f func(context.Context, Req) (Resp, error)) {
	protocol.Route(m.server, http.MethodPost, path, status, waiting(m, f))
}

// waiting returns f, begun once the tables are there.
func waiting[Req, Resp any](m mounting, f func(context.Context, Req) (Resp, error)) func(context.Context, Req) (Resp, error) {
	return func(ctx context.Context, req Req) (Resp, error) {
		if err := m.ready(ctx); err != nil {
			var none Resp
			return none, err
		}
		return f(ctx, req)
	}
}

func draw(w io.Writer, v protocol.View) error {
	if p, ok := v.Data.(protocol.Problem); ok {
		v.Data = page.Problem{Status: p.Status, Text: p.Detail}
	}
	return page.Draw(w, v.URL, v.Key, v.Data)
}
