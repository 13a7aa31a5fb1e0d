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

// mounting is what all routes of the API need.
type mounting struct {
	server *protocol.Server
	ready  func(context.Context) error // waits until the database has its tables
}

// MountAPI mounts the routes of the function runs on a server. Each request first calls ready,
// which waits until the database has its tables.
func MountAPI(s *protocol.Server, ready func(context.Context) error, api *runs.API) {
	m := mounting{s, ready}
	view(m, "/api/", "Show the state of the fleet over a span of time. Each device or site is a lane, and each part of the span is a cell in it.", api.Lanes)
	view(m, "/api/device", "Show a device over a span of time. The answer has what each sensor measured, the scores and anomalies, and the results of the jobs.", api.Device)
	view(m, "/api/sensor", "Show a sensor or device model over a span of time. The answer has what it measured, what was predicted, and the results of the jobs.", api.Subject)
	view(m, "/api/runs", "List runs. The newest window comes first.", api.List)
	view(m, "/api/runs/:id", "Show a run. It says how far the run has come, and why it was opened.", api.Show)
	view(m, "/api/runs/:id/jobs", "List the jobs of a run. Each says how it was closed, and why.", api.Jobs)
	view(m, "/api/runs/:id/job", "Show a job. It has the attempts that failed and the error log.", api.Job)
	view(m, "/api/models", "List the registered models. A model is registered by the tick after it is published.", api.ListModels)
	view(m, "/api/model", "Show a model. It says whom the model serves, what is in it, and what each version found.", api.ModelDetail)
	view(m, "/api/ingest", "Show what was ingested over a span of time. It says what was stored, what was refused and why, and what waits.", api.Ingest)
	view(m, "/api/deadletter", "List what was refused. Each line says why, which event of the hub it is, and what it holds.", api.ListLetters)
	read(m, "/api/windows", "List the windows of the schedule in a span of time. Each says whether there is a run over it.", api.Windows)
	read(m, "/api/devices", "List devices. Each says when its newest reading was taken.", api.Devices)
	read(m, "/api/sensors", "List sensors and device models. A sensor is registered by its first reading.", api.Sensors)
	read(m, "/api/anomalies", "List anomalous rows. Those of the newest window come first.", api.ListAnomalies)
	read(m, "/api/anomalies/top", "List the sensors and device models with the most anomalies. The worst comes first.", api.TopAnomalies)
	change(m, "/api/runs", http.StatusAccepted, "Open the run over a past window. If there is such a run, it is returned unchanged: rescore it to score it again.", api.Request)
	change(m, "/api/runs/:id/rescore", http.StatusAccepted, "Score jobs of a run again. They use the models that are published now.", api.Rescore)
	change(m, "/api/runs/:id/cancel", http.StatusAccepted, "Cancel a run. Its queued jobs are closed, and those that were scored stay.", api.Cancel)
	change(m, "/api/models/refresh", http.StatusOK, "Register newly published models. They are used at once, and not only from the next tick on.", api.RefreshModels)
	change(m, "/api/models/rollback", http.StatusOK, "Exchange a model with the one that was published before it, or put a removed one back. What it has scored stays until it is scored again.", api.Rollback)
	change(m, "/api/models/remove", http.StatusOK, "Take a model away. What it has scored stays, and a rollback puts it back.", api.Remove)
	change(m, "/api/sensors/enable", http.StatusOK, "Enable sensors and device models. They get jobs in runs that are opened from now on.", api.Enable)
	change(m, "/api/sensors/disable", http.StatusOK, "Disable sensors and device models. They get no jobs in runs that are opened from now on, and their readings are still stored.", api.Disable)
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

// view mounts a route for GET whose answer is JSON or, for a browser, a page.
func view[Req, Resp any](m mounting, path, summary string, f func(context.Context, Req) (Resp, error)) {
	protocol.Page(m.server, path, summary, draw, waiting(m, f))
}

// read mounts a route for GET.
func read[Req, Resp any](m mounting, path, summary string, f func(context.Context, Req) (Resp, error)) {
	protocol.Route(m.server, http.MethodGet, path, http.StatusOK, summary, waiting(m, f))
}

// change mounts a route for POST. Status is that of a success.
func change[Req, Resp any](m mounting, path string, status int, summary string, f func(context.Context, Req) (Resp, error)) {
	protocol.Route(m.server, http.MethodPost, path, status, summary, waiting(m, f))
}

// waiting returns a function that calls ready and then f.
func waiting[Req, Resp any](m mounting, f func(context.Context, Req) (Resp, error)) func(context.Context, Req) (Resp, error) {
	return func(ctx context.Context, req Req) (Resp, error) {
		if err := m.ready(ctx); err != nil {
			var none Resp
			return none, err
		}
		return f(ctx, req)
	}
}

// draw writes the page of an answer, which may be an error.
func draw(w io.Writer, v protocol.View) error {
	if p, ok := v.Data.(protocol.Problem); ok {
		v.Data = page.Problem{Status: p.Status, Text: p.Detail}
	}
	return page.Draw(w, v.URL, v.Key, v.Data)
}
