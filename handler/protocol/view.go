package protocol

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// View is the data of a page: the answer of a route, and the address and key for links.
type View struct {
	URL  *url.URL // of the request
	Key  string   // the function key that the caller sent as code in the query, or ""
	Data any      // the route's answer, or a [Problem]
}

// Page mounts f like [Route] with GET. A caller whose Accept header has text/html gets the
// page that draw writes. Any other caller gets the JSON. Errors are drawn in the same way.
func Page[Req, Resp any](s *Server, path, summary string, draw func(w io.Writer, v View) error, f func(ctx context.Context, req Req) (Resp, error)) {
	bind := newBinder[Req]()
	s.operations = append(s.operations, Operation{http.MethodGet, path, http.StatusOK, summary, reflect.TypeFor[Req](), reflect.TypeFor[Resp](), true})
	s.route(http.MethodGet, path, func(c echo.Context) error {
		c.Response().Header().Set("Vary", "Accept")
		var req Req
		var resp Resp
		err := bind.bind(c, &req)
		if err == nil {
			resp, err = f(c.Request().Context(), req)
		}
		switch {
		case !wantsHTML(c.Request()) && err != nil:
			return err
		case !wantsHTML(c.Request()):
			return replyValue(c, http.StatusOK, resp)
		case err != nil:
			status, text := s.explain(err, c.Request())
			return replyPage(c, status, draw, newProblem(status, text))
		}
		return replyPage(c, http.StatusOK, draw, resp)
	})
}

// wantsHTML reports whether a browser asks: it alone names text/html.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// contentPolicy is the Content-Security-Policy. A page loads nothing from other servers,
// and runs no script that is inline.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// replyPage draws a page before it writes any of it. So an error in drawing is answered as
// an error, not as half a page.
func replyPage(c echo.Context, status int, draw func(io.Writer, View) error, data any) error {
	var body bytes.Buffer
	u := c.Request().URL
	if err := draw(&body, View{u, u.Query().Get("code"), data}); err != nil {
		return fmt.Errorf("draw %s: %w", u.Path, err)
	}
	h := c.Response().Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	c.Response().WriteHeader(status)
	_, _ = c.Response().Write(body.Bytes()) // an error means that the caller is gone
	return nil
}
