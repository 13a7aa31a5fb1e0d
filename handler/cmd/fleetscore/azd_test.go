package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// azdExec is a console in the environment of what azd deployed.
func azdExec(env map[string]string) console {
	return console{getenv: func(name string) string { return env[name] }, out: new(strings.Builder), err: new(strings.Builder)}
}

// TestHubOfAzd checks which hub simulate sends to. Under azd exec that is the deployed one,
// unless another is named.
func TestHubOfAzd(t *testing.T) {
	const local = "Endpoint=sb://localhost:9;UseDevelopmentEmulator=true"
	azd := map[string]string{"EventHubConnection__fullyQualifiedNamespace": "evhns.servicebus.windows.net"}
	for _, c := range []struct {
		env      map[string]string
		explicit bool
		want     string
	}{
		{azd, false, "https://evhns.servicebus.windows.net/readings"},
		{azd, true, "http://localhost:9/readings"},
		{nil, false, "http://localhost:9/readings"},
		{map[string]string{"EventHubConnection": local, "EventHubConnection__fullyQualifiedNamespace": "evhns.servicebus.windows.net"}, false, "http://localhost:9/readings"},
	} {
		cmd, flags, console := &cobra.Command{}, hubFlags{}, azdExec(c.env)
		flags.add(console, cmd)
		args := []string{"--hub", "readings"}
		if c.explicit || c.env["EventHubConnection__fullyQualifiedNamespace"] == "" {
			args = append(args, "--connection", local)
		}
		if err := cmd.ParseFlags(args); err != nil {
			t.Fatal(err)
		}
		h, err := flags.open(console, cmd)
		if err != nil || h.URL != c.want {
			t.Errorf("%v: %v, %v; want %s", c.env, h, err, c.want)
		}
	}
}

// TestAddressesGoFirst checks that a connection given as addresses is replaced neither by a
// default nor by the one of a running serve.
func TestAddressesGoFirst(t *testing.T) {
	c := azdExec(map[string]string{"DataStorage__blobServiceUri": "https://stdata.blob.core.windows.net"})
	if got := c.setting("DataStorage"); got != "" {
		t.Errorf("the connection is %q", got)
	}
	if got := c.setting("EVENTHUB_NAME"); got != "readings" {
		t.Errorf("the hub is %q", got)
	}
}

// TestRunsOfAzd checks that runs asks the deployed app, with a key that it asks Azure for
// once. It sends the key to no other address.
func TestRunsOfAzd(t *testing.T) {
	var keys []string
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("x-functions-key"))
		w.Write([]byte(`{"runs":[]}`))
	}))
	defer app.Close()
	asked := 0
	for _, deployed := range []string{app.URL, "https://elsewhere.example"} {
		api := &client{url: app.URL, deployed: deployed, keyOf: func(context.Context) (string, error) { asked++; return "k", nil }}
		for range 2 {
			if err := api.call(t.Context(), http.MethodGet, "/runs", nil, nil, new(struct{})); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := strings.Join(keys, ","); got != "k,k,," || asked != 1 {
		t.Errorf("keys %q, asked for %d times", got, asked)
	}
}
