package protocol_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/fleetscore/fleetscore/handler/fleet"
	"github.com/fleetscore/fleetscore/handler/protocol"
)

func ExampleRoute() {
	type request struct {
		Name  string `path:"name" json:"-"`
		Limit int    `query:"limit" json:"-"`
	}
	type answer struct {
		Name  string `json:"name"`
		Limit int    `json:"limit"`
	}
	server := protocol.New(protocol.Options{Stdout: io.Discard})
	protocol.Route(server, http.MethodGet, "/api/runs/:name", http.StatusOK, "does something", func(_ context.Context, r request) (answer, error) {
		if r.Name == "none" {
			return answer{}, fmt.Errorf("run %q: %w", r.Name, fleet.ErrNotFound)
		}
		return answer(r), nil
	})
	for _, address := range []string{"/api/runs/first?limit=5", "/api/runs/none", "/api/runs/first?limit=many"} {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 {"name":"first","limit":5}
	// 404 {"type":"about:blank","title":"Not Found","status":404,"detail":"run \"none\": not found"}
	// 400 {"type":"about:blank","title":"Bad Request","status":400,"detail":"invalid: query parameter limit: \"many\" is not a whole number in range"}
}
