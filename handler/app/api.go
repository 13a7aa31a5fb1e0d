package app

import (
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/fleetscore/fleetscore/handler/openapi"
	"github.com/fleetscore/fleetscore/handler/page"
	"github.com/fleetscore/fleetscore/handler/protocol"
	"github.com/fleetscore/fleetscore/handler/runs"
	"github.com/fleetscore/fleetscore/handler/version"
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
	view(m, "/api/", "The state of the fleet over a span of time: a lane for each device or site", api.Lanes)
	view(m, "/api/device", "What a device measured, its anomalies and its jobs", api.Device)
	view(m, "/api/sensor", "A sensor or device model: what it measured, was predicted and came to", api.Subject)
	view(m, "/api/runs", "Runs, the newest window first", api.List)
	view(m, "/api/runs/:id", "A run and how far it has come", api.Show)
	view(m, "/api/runs/:id/jobs", "The jobs of a run", api.Jobs)
	view(m, "/api/runs/:id/job", "A job, with its error log", api.Job)
	view(m, "/api/models", "The registered models", api.ListModels)
	view(m, "/api/model", "A model, and whom it serves", api.ModelDetail)
	view(m, "/api/ingest", "What was ingested, by minute", api.Ingest)
	read(m, "/api/windows", "The windows that the schedule makes of a span, and which lack a run", api.Windows)
	read(m, "/api/devices", "Devices, and when each was heard of last", api.Devices)
	read(m, "/api/sensors", "Sensors and device models", api.Sensors)
	read(m, "/api/anomalies", "Anomalous rows, those of the newest window first", api.ListAnomalies)
	read(m, "/api/anomalies/top", "The sensors and device models with the most anomalies", api.TopAnomalies)
	change(m, "/api/runs", http.StatusAccepted, "Open the run over a past window", api.Request)
	change(m, "/api/runs/:id/rescore", http.StatusAccepted, "Score jobs of a run again", api.Rescore)
	change(m, "/api/runs/:id/cancel", http.StatusAccepted, "Cancel a run", api.Cancel)
	change(m, "/api/models/refresh", http.StatusOK, "Let what is published count at once", api.RefreshModels)
	change(m, "/api/models/rollback", http.StatusOK, "Let the version of a model before count again", api.Rollback)
	change(m, "/api/sensors/enable", http.StatusOK, "Take sensors into runs opened from now on", api.Enable)
	change(m, "/api/sensors/disable", http.StatusOK, "Leave sensors out of runs opened from now on", api.Disable)
	operations := s.Operations()
	document := sync.OnceValues(func() ([]byte, error) { return openapi.Document(version.Version, operations) })
	s.Handle(http.MethodGet, "/api/openapi.json", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := document()
		if err != nil {
			panic(err) // the types of the routes cannot be described; a test makes the document
		}
		openapi.Handler(text).ServeHTTP(w, r)
	}))
	s.Handle(http.MethodGet, "/api/assets/*", http.StripPrefix("/api/assets/", http.FileServerFS(page.Assets())))
}

// view mounts a route that is a page too.
func view[Req, Resp any](m mounting, path, summary string, f func(context.Context, Req) (Resp, error)) {
	protocol.Page(m.server, path, summary, draw, waiting(m, f))
}

func read[Req, Resp any](m mounting, path, summary string, f func(context.Context, Req) (Resp, error)) {
	protocol.Route(m.server, http.MethodGet, path, http.StatusOK, summary, waiting(m, f))
}

func change[Req, Resp any](m mounting, path string, status int, summary string, f func(context.Context, Req) (Resp, error)) {
	protocol.Route(m.server, http.MethodPost, path, status, summary, waiting(m, f))
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
