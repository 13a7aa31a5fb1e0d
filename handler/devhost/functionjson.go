package devhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// function is a folder with a function.json.
type function struct {
	name     string
	trigger  binding
	retry    *retryPolicy
	disabled bool
}

// binding is an element of "bindings" in function.json. Its values have settings in place of
// %NAME%.
type binding struct {
	Type, Direction, Name, DataType string

	Schedule string // timerTrigger

	Connection    string // queueTrigger, eventHubTrigger
	QueueName     string
	EventHubName  string
	ConsumerGroup string
	Many          bool // cardinality is many

	AuthLevel string // httpTrigger
	Methods   []string
	Route     *string // nil: the function's name
}

func (b binding) isTrigger() bool { return strings.HasSuffix(b.Type, "Trigger") }

// readFunctions reads the function.json of each folder directly under root. The functions are in
// the order of their names. HTTP routes are tried in this order.
func readFunctions(root string, s settings) ([]*function, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("read the functions: %w", err)
	}
	var fns []*function
	for _, e := range entries {
		path := filepath.Join(root, e.Name(), "function.json")
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) || err != nil && !e.IsDir() {
			continue
		}
		if err != nil {
			return nil, err
		}
		fn, err := parseFunction(e.Name(), data, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		fns = append(fns, fn)
	}
	if len(fns) == 0 {
		return nil, fmt.Errorf("no function found: %s has no folder with a function.json", root)
	}
	sort.Slice(fns, func(i, j int) bool {
		return strings.ToLower(fns[i].name) < strings.ToLower(fns[j].name)
	})
	return fns, nil
}

// bindingFile is a binding in function.json. A pointer is nil if the member is missing.
type bindingFile struct {
	Type          string   `json:"type"`
	Direction     string   `json:"direction"`
	Name          string   `json:"name"`
	DataType      string   `json:"dataType"`
	Schedule      string   `json:"schedule"`
	Connection    string   `json:"connection"`
	QueueName     string   `json:"queueName"`
	EventHubName  string   `json:"eventHubName"`
	ConsumerGroup *string  `json:"consumerGroup"`
	Cardinality   *string  `json:"cardinality"`
	AuthLevel     *string  `json:"authLevel"`
	Methods       []string `json:"methods"`
	Route         *string  `json:"route"`
}

func parseFunction(name string, data []byte, s settings) (*function, error) {
	var f struct {
		Bindings []bindingFile   `json:"bindings"`
		Retry    json.RawMessage `json:"retry"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	fn := &function{name: name, disabled: s.isTrue("AzureWebJobs." + name + ".Disabled")}
	var err error
	if fn.retry, err = parseRetry(f.Retry); err != nil {
		return nil, err
	}
	outputs := 0
	for _, bf := range f.Bindings {
		b, err := bf.binding(s)
		if err != nil {
			return nil, fmt.Errorf("binding %q: %w", bf.Name, err)
		}
		switch {
		case b.isTrigger() && fn.trigger.Type != "":
			return nil, fmt.Errorf("two triggers, %q and %q; a function has one", fn.trigger.Name, b.Name)
		case b.isTrigger():
			fn.trigger = b
		default:
			outputs++
		}
	}
	if fn.trigger.Type == "" {
		return nil, fmt.Errorf("no trigger among the bindings")
	}
	if isHTTP := fn.trigger.Type == "httpTrigger"; isHTTP && outputs != 1 || !isHTTP && outputs > 0 {
		return nil, fmt.Errorf("%d outputs: devhost supports an httpTrigger with one http output, and other triggers with none", outputs)
	}
	return fn, nil
}

func (f bindingFile) binding(s settings) (binding, error) {
	b := binding{
		Type: f.Type, Direction: f.Direction, Name: f.Name, DataType: strings.ToLower(f.DataType),
		Connection: f.Connection, ConsumerGroup: "$Default",
		Many:      f.Cardinality == nil || strings.EqualFold(*f.Cardinality, "many"),
		AuthLevel: "function", Methods: f.Methods, Route: f.Route,
	}
	if f.AuthLevel != nil {
		b.AuthLevel = strings.ToLower(*f.AuthLevel)
	}
	if f.ConsumerGroup != nil && *f.ConsumerGroup != "" {
		b.ConsumerGroup = *f.ConsumerGroup
	}
	switch f.Type {
	case "timerTrigger", "queueTrigger", "eventHubTrigger", "httpTrigger":
		if f.Direction != "in" {
			return b, fmt.Errorf("direction of a trigger is %q; it must be in", f.Direction)
		}
	case "http":
		if f.Direction != "out" {
			return b, fmt.Errorf("direction of http is %q; it must be out", f.Direction)
		}
	default:
		return b, fmt.Errorf("devhost does not support the binding type %q", f.Type)
	}
	for _, r := range []struct {
		from string
		to   *string
	}{
		{f.Schedule, &b.Schedule}, {f.QueueName, &b.QueueName}, {f.EventHubName, &b.EventHubName},
		{b.ConsumerGroup, &b.ConsumerGroup},
	} {
		var err error
		if *r.to, err = s.resolve(r.from); err != nil {
			return b, err
		}
	}
	return b, b.complete()
}

// complete returns an error if the binding lacks a value that its type needs.
func (b binding) complete() error {
	needed := map[string][2]string{
		"timerTrigger": {"schedule", b.Schedule}, "queueTrigger": {"queueName", b.QueueName},
		"eventHubTrigger": {"eventHubName", b.EventHubName},
	}[b.Type]
	switch {
	case b.Name == "":
		return fmt.Errorf("name is missing")
	case needed[0] != "" && needed[1] == "":
		return fmt.Errorf("%s is missing", needed[0])
	}
	return nil
}
