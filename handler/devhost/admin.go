package devhost

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// admin serves the part of /admin that people and scripts use against a local
// host: running a function, listing them, and the host's status.
func (f *front) admin(w http.ResponseWriter, r *http.Request, path string) {
	if path == "/admin/host/ping" {
		w.Header().Set("Cache-Control", "no-store,no-cache")
		empty(w, http.StatusOK)
		return
	}
	if _, ok := f.keys.allow(r, "admin"); !ok {
		w.Header().Set("WWW-Authenticate", "Bearer")
		empty(w, http.StatusUnauthorized)
		return
	}
	name, isFunction := strings.CutPrefix(path, "/admin/functions/")
	name, ofStatus := strings.CutSuffix(name, "/status")
	fn := f.host.function(unescape(name))
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case path == "/admin/host/status" && get:
		writeJSON(w, f.host.status())
	case path == "/admin/functions" && get:
		list := make([]functionInfo, 0, len(f.host.functions))
		for _, fn := range f.host.functions {
			list = append(list, f.describe(fn, r.Host))
		}
		writeJSON(w, list)
	case !isFunction || fn == nil:
		empty(w, http.StatusNotFound)
	case get && ofStatus:
		writeJSON(w, struct{}{})
	case get:
		writeJSON(w, f.describe(fn, r.Host))
	case r.Method == http.MethodPost && !ofStatus:
		f.run(w, r, fn)
	default:
		empty(w, http.StatusMethodNotAllowed)
	}
}

// run starts fn with the input of the body, a JSON object with a string, and
// doesn't wait for it.
func (f *front) run(w http.ResponseWriter, r *http.Request, fn *function) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody))
	var in struct{ Input *string }
	if err != nil || len(body) == 0 || json.Unmarshal(body, &in) != nil {
		empty(w, http.StatusBadRequest)
		return
	}
	category := "Function." + fn.name
	switch {
	case in.Input == nil:
		f.host.log.log(slog.LevelError, category, fmt.Sprintf("Executed 'Functions.%s' (Failed): the request to /admin/functions/%[1]s has no input; send {\"input\":\"\"}", fn.name))
	case fn.trigger.Type == "httpTrigger":
		f.host.log.log(slog.LevelError, category, fmt.Sprintf("Executed 'Functions.%s' (Failed): call an HTTP function by its route, not by /admin", fn.name))
	default:
		c := f.host.adminCall(fn, *in.Input)
		f.host.running.Go(func() { _ = f.host.invoker.execute(f.host.listening, c) })
	}
	empty(w, http.StatusAccepted)
}

// adminCall is what a function gets that /admin runs: no message to delete, no
// checkpoint, and the raw input once more under the trigger's name.
func (h *Host) adminCall(fn *function, input string) *call {
	c := &call{fn: fn, reason: "This function was programmatically called via the host APIs."}
	now := time.Now()
	switch fn.trigger.Type {
	case "timerTrigger":
		t := h.timers[fn.name]
		c.data = t.adminData(h.listening)
	case "queueTrigger":
		const never = "9999-12-31T23:59:59+00:00"
		c.data = queueData([]byte(input), fn.trigger.DataType)
		c.meta.set("DequeueCount", once("0"))
		c.meta.set("ExpirationTime", once(never))
		c.meta.set("InsertionTime", wholeSeconds(now))
		c.meta.set("NextVisibleTime", once(never))
		liftText(&c.lifted, []byte(input))
	case "eventHubTrigger":
		e := event{enqueued: now.UTC(), body: []byte(input)}
		c.data = eventData([]event{e}, fn.trigger.DataType)
		c.meta.set("Offset", once("-1"))
		c.meta.set("SequenceNumber", once("0"))
		c.meta.set("EnqueuedTimeUtc", once("0001-01-01T00:00:00"))
		c.meta.set("Properties", []byte("{}"))
		c.meta.set("SystemProperties", []byte("{}"))
	}
	c.meta.set(fn.trigger.Name, twice(input))
	return c
}

// functionInfo is what /admin/functions tells of a function.
type functionInfo struct {
	Name           string          `json:"name"`
	ScriptRoot     string          `json:"script_root_path_href"`
	Script         *string         `json:"script_href"`
	ConfigHref     string          `json:"config_href"`
	TestDataHref   string          `json:"test_data_href"`
	Href           string          `json:"href"`
	InvokeTemplate *string         `json:"invoke_url_template"`
	Language       *string         `json:"language"`
	Config         json.RawMessage `json:"config"`
	Files          *string         `json:"files"`
	TestData       string          `json:"test_data"`
	IsDisabled     bool            `json:"isDisabled"`
	IsDirect       bool            `json:"isDirect"`
	IsProxy        bool            `json:"isProxy"`
}

func (f *front) describe(fn *function, host string) functionInfo {
	base, name := "http://"+host, url.PathEscape(fn.name)
	root := base + "/admin/vfs" + f.host.root + "/" + name + "/"
	info := functionInfo{
		Name: fn.name, ScriptRoot: root, ConfigHref: root + "function.json",
		TestDataHref: base + "/admin/vfs/tmp/FunctionsData/" + name + ".dat",
		Href:         base + "/admin/functions/" + name, Config: fn.config, IsDisabled: fn.disabled,
	}
	for _, r := range f.routes {
		if r.fn == fn {
			template := base + "/" + r.template
			info.InvokeTemplate = &template
		}
	}
	return info
}

// hostStatus is what /admin/host/status tells.
type hostStatus struct {
	ID              string `json:"id"`
	State           string `json:"state"`
	Version         string `json:"version"`
	VersionDetails  string `json:"versionDetails"`
	PlatformVersion string `json:"platformVersion"`
	InstanceID      string `json:"instanceId"`
	ComputerName    string `json:"computerName"`
	ProcessUptime   int64  `json:"processUptime"` // ms
	Editing         string `json:"functionAppContentEditingState"`
}

func (h *Host) status() hostStatus {
	return hostStatus{
		ID: h.id, State: "Running", Version: hostVersion, VersionDetails: strings.TrimSuffix(hostVersion, ".0"),
		ProcessUptime: time.Since(h.started).Milliseconds(), Editing: "Unknown",
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}
