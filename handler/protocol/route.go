package protocol

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/fleetscore/fleetscore/handler/spawn"
)

// routeDeadline ends an HTTP request before Azure's load balancer gives up on
// it, which is after 230 s.
const routeDeadline = 200 * time.Second

// Operation is what a route that was mounted by [Route] or [Page] takes and gives.
type Operation struct {
	Method, Path      string // the path as echo has it: /api/runs/:id
	Status            int    // of an answer that is no [Problem]
	Summary           string // for people: what it does in a sentence, then what else there is to say
	Request, Response reflect.Type
	Page              bool // it is answered as a page too
}

// Operations returns what has been mounted, in that order.
func (s *Server) Operations() []Operation { return slices.Clone(s.operations) }

// Route mounts f at a method and an echo path, below /api, of the function
// runs. Req is a struct that the request is bound to:
//
//	ID     string   `path:"id" json:"-"`    // :id in the path
//	States []string `query:"state" json:"-"` // ?state=failed,no_data
//	From   string   `json:"from"`            // member of the JSON body
//
// Parameters are strings, booleans, integers, lists of strings separated by
// commas, or anything with UnmarshalText. A request that doesn't fit is
// answered with 400 and the reason. The reply is Resp as JSON with status, or
// a [Problem] with the status of the error's row in fleet.Failures. A GET
// route serves HEAD too. Route panics if Req can't be bound.
//
// A POST must come as application/json, even without a body: then no form of
// another site can make a browser send it.
func Route[Req, Resp any](s *Server, method, path string, status int, summary string, f func(ctx context.Context, req Req) (Resp, error)) {
	bind := newBinder[Req]()
	s.operations = append(s.operations, Operation{method, path, status, summary, reflect.TypeFor[Req](), reflect.TypeFor[Resp](), false})
	s.route(method, path, func(c echo.Context) error {
		var req Req
		if err := bind.bind(c, &req); err != nil {
			return err
		}
		resp, err := f(c.Request().Context(), req)
		if err != nil {
			return err
		}
		return replyValue(c, status, resp)
	})
}

func replyValue(c echo.Context, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode reply to %s %s: %w", c.Request().Method, c.Path(), err)
	}
	replyJSON(c.Response(), status, body)
	return nil
}

// Handle mounts h like [Route], for what is not JSON. The path may end in an
// asterisk, which stands for any rest.
func (s *Server) Handle(method, path string, h http.Handler) {
	s.route(method, path, func(c echo.Context) error {
		h.ServeHTTP(c.Response(), c.Request())
		return nil
	})
}

// route mounts h with what every forwarded request gets: a deadline, and a
// panic turned into an error.
func (s *Server) route(method, path string, h echo.HandlerFunc) {
	if !s.hasRoutes() {
		s.mounted = append(s.mounted, mounted{"runs", httpTrigger, ""})
	}
	guarded := s.observeHTTP(method, path, func(c echo.Context) error {
		ctx, cancel := context.WithTimeout(c.Request().Context(), routeDeadline)
		defer cancel()
		header := c.Response().Header()
		header.Set("Cache-Control", "no-store")
		header.Set("X-Content-Type-Options", "nosniff")
		return spawn.Catch(func() error {
			c.SetRequest(c.Request().WithContext(ctx))
			return h(c)
		})
	})
	s.echo.Add(method, path, guarded)
	if method == http.MethodGet {
		s.echo.Add(http.MethodHead, path, guarded)
	}
}

func (s *Server) hasRoutes() bool {
	for _, m := range s.mounted {
		if m.function == "runs" {
			return true
		}
	}
	return false
}
