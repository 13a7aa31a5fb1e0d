package devhost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// hostConfig is the part of host.json that devhost supports, after settings have replaced some of
// its values. devhost ignores unknown keys, as the host does. A wrong type or value is an
// error.
type hostConfig struct {
	FunctionTimeout time.Duration // 0 is unlimited
	Handler         handlerConfig
	Queues          queueConfig
	MaxEventBatch   int
	RoutePrefix     string
	LogLevels       map[string]string // by the beginning of a category
}

type handlerConfig struct {
	Executable  string // an absolute path, or a name to look for in PATH
	Forward     bool   // enableForwardingHttpRequest
	InitTimeout time.Duration
}

type queueConfig struct {
	BatchSize, NewBatchThreshold, MaxDequeueCount int
	MaxPolling, Visibility                        time.Duration
	Base64                                        bool
}

// hostFile is host.json.
type hostFile struct {
	Version         string `json:"version"`
	FunctionTimeout string `json:"functionTimeout"`
	CustomHandler   *struct {
		Description *struct {
			DefaultExecutablePath string `json:"defaultExecutablePath"`
		} `json:"description"`
		EnableForwardingHTTPRequest bool   `json:"enableForwardingHttpRequest"`
		EnableProxyingHTTPRequest   bool   `json:"enableProxyingHttpRequest"`
		InitializationTimeout       string `json:"initializationTimeout"`
	} `json:"customHandler"`
	Extensions struct {
		Queues struct {
			BatchSize          *int   `json:"batchSize"`
			NewBatchThreshold  *int   `json:"newBatchThreshold"`
			MaxDequeueCount    *int   `json:"maxDequeueCount"`
			MaxPollingInterval string `json:"maxPollingInterval"`
			VisibilityTimeout  string `json:"visibilityTimeout"`
			MessageEncoding    string `json:"messageEncoding"`
		} `json:"queues"`
		EventHubs struct {
			MaxEventBatchSize *int `json:"maxEventBatchSize"`
		} `json:"eventHubs"`
		HTTP struct {
			RoutePrefix *string `json:"routePrefix"`
		} `json:"http"`
	} `json:"extensions"`
	Logging struct {
		LogLevel map[string]string `json:"logLevel"`
	} `json:"logging"`
}

// readHostJSON reads host.json in the folder root. A setting AzureFunctionsJobHost__a__b replaces
// its value a.b.
func readHostJSON(root string, s settings) (hostConfig, error) {
	path := filepath.Join(root, "host.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return hostConfig{}, fmt.Errorf("read host.json: %w; stage the application first", err)
	}
	var tree map[string]any
	if err := json.Unmarshal(data, &tree); err != nil {
		return hostConfig{}, fmt.Errorf("%s is not a JSON object: %w", path, err)
	}
	override(tree, s)
	data, err = json.Marshal(tree)
	if err != nil {
		return hostConfig{}, fmt.Errorf("%s: %w", path, err)
	}
	var f hostFile
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&f); err != nil {
		return hostConfig{}, fmt.Errorf("%s: %w", path, err)
	}
	c, err := f.config(root)
	if err != nil {
		return hostConfig{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// override replaces the values of host.json that AzureFunctionsJobHost__a__b settings name. A
// value that is a number, true or false has its type; others are strings.
func override(tree map[string]any, s settings) {
	const prefix = "AzureFunctionsJobHost__"
	for name, value := range s.all {
		if len(name) <= len(prefix) || !strings.EqualFold(name[:len(prefix)], prefix) {
			continue
		}
		at := tree
		parts := strings.Split(name[len(prefix):], "__")
		for _, p := range parts[:len(parts)-1] {
			key := foldKey(at, p)
			next, ok := at[key].(map[string]any)
			if !ok {
				next = make(map[string]any)
				at[key] = next
			}
			at = next
		}
		at[foldKey(at, parts[len(parts)-1])] = scalar(value)
	}
}

// foldKey returns the key of m that is name, whatever its case. If there is none, it returns
// name.
func foldKey(m map[string]any, name string) string {
	for k := range m {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	return name
}

func scalar(text string) any {
	var v any
	if json.Unmarshal([]byte(strings.ToLower(text)), &v) == nil {
		switch v.(type) {
		case float64, bool:
			return v
		}
	}
	return text
}

func (f *hostFile) config(root string) (hostConfig, error) {
	if f.Version != "2.0" {
		return hostConfig{}, fmt.Errorf(`version is %q; it must be "2.0"`, f.Version)
	}
	c := hostConfig{
		FunctionTimeout: 30 * time.Minute,
		MaxEventBatch:   100,
		RoutePrefix:     "api",
		LogLevels:       f.Logging.LogLevel,
	}
	if p := f.Extensions.HTTP.RoutePrefix; p != nil {
		c.RoutePrefix = strings.Trim(*p, "/")
	}
	if n := f.Extensions.EventHubs.MaxEventBatchSize; n != nil {
		if c.MaxEventBatch = *n; *n < 1 {
			return c, fmt.Errorf("extensions.eventHubs.maxEventBatchSize is %d; it must be at least 1", *n)
		}
	}
	var err error
	if c.FunctionTimeout, err = span(f.FunctionTimeout, "functionTimeout", c.FunctionTimeout, time.Second); err != nil {
		return c, err
	}
	if c.Queues, err = f.queues(); err != nil {
		return c, err
	}
	c.Handler, err = f.handler(root)
	return c, err
}

// span reads a time span, which must be at least least. Empty text stands for fallback. The text
// -1 stands for unlimited, which is 0.
func span(text, key string, fallback, least time.Duration) (time.Duration, error) {
	switch text {
	case "":
		return fallback, nil
	case "-1":
		return 0, nil
	}
	d, err := parseTimeSpan(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	if d < least {
		return 0, fmt.Errorf("%s is %s; it must be at least %v", key, text, least)
	}
	return d, nil
}

func (f *hostFile) queues() (queueConfig, error) {
	q := f.Extensions.Queues
	c := queueConfig{
		BatchSize: 16, MaxDequeueCount: 5,
		MaxPolling: 2 * time.Second, // the host's default in Development
		Base64:     true,
	}
	switch strings.ToLower(q.MessageEncoding) {
	case "", "base64":
	case "none":
		c.Base64 = false
	default:
		return c, fmt.Errorf("extensions.queues.messageEncoding is %q; use none or base64", q.MessageEncoding)
	}
	for _, n := range []struct {
		given    *int
		to       *int
		key      string
		min, max int
	}{
		{q.BatchSize, &c.BatchSize, "batchSize", 1, 32},
		{q.NewBatchThreshold, &c.NewBatchThreshold, "newBatchThreshold", 0, 1 << 20},
		{q.MaxDequeueCount, &c.MaxDequeueCount, "maxDequeueCount", 1, 1 << 20},
	} {
		if n.given == nil {
			continue
		}
		if *n.to = *n.given; *n.given < n.min || *n.given > n.max {
			return c, fmt.Errorf("extensions.queues.%s is %d; it must be %d to %d", n.key, *n.given, n.min, n.max)
		}
	}
	if q.NewBatchThreshold == nil {
		c.NewBatchThreshold = c.BatchSize / 2 * runtime.NumCPU()
	}
	var err error
	if c.MaxPolling, err = span(q.MaxPollingInterval, "extensions.queues.maxPollingInterval", c.MaxPolling, 100*time.Millisecond); err != nil {
		return c, err
	}
	c.Visibility, err = span(q.VisibilityTimeout, "extensions.queues.visibilityTimeout", 0, 0)
	return c, err
}

func (f *hostFile) handler(root string) (handlerConfig, error) {
	if f.CustomHandler == nil || f.CustomHandler.Description == nil || f.CustomHandler.Description.DefaultExecutablePath == "" {
		return handlerConfig{}, fmt.Errorf("customHandler.description.defaultExecutablePath is missing: name the handler's binary")
	}
	if f.CustomHandler.EnableProxyingHTTPRequest {
		return handlerConfig{}, fmt.Errorf("customHandler.enableProxyingHttpRequest is of newer hosts than the one that devhost imitates: use enableForwardingHttpRequest")
	}
	c := handlerConfig{Executable: filepath.FromSlash(f.CustomHandler.Description.DefaultExecutablePath), Forward: f.CustomHandler.EnableForwardingHTTPRequest}
	if _, err := os.Stat(filepath.Join(root, c.Executable)); err == nil && !filepath.IsAbs(c.Executable) {
		c.Executable = filepath.Join(root, c.Executable)
	}
	var err error
	c.InitTimeout, err = span(f.CustomHandler.InitializationTimeout, "customHandler.initializationTimeout", 30*time.Second, time.Millisecond)
	return c, err
}
