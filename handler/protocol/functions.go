package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// functionJSON is what a function.json may hold here.
type functionJSON struct {
	Retry *struct {
		Strategy, MinimumInterval, MaximumInterval, DelayInterval string
		MaxRetryCount                                             int
	}
	Bindings []bindingJSON
}

type bindingJSON struct {
	Type, Direction, Name, Connection string
	QueueName, Schedule, DataType     string
	EventHubName, ConsumerGroup       string
	Cardinality, AuthLevel, Route     string
	Methods                           []string
	UseMonitor, RunOnStartup          bool
}

// settingName finds the app settings that a binding names in percent signs.
var settingName = regexp.MustCompile(`%([^%]*)%`)

// Check compares the function folders in fsys with the functions mounted on s. Its
// error joins all differences: a folder without a function, or a function without a
// folder; another type of trigger, or another name of its binding; an app setting for
// which known reports false; a key or route that the host would silently ignore.
func (s *Server) Check(fsys fs.FS, known func(setting string) bool) error {
	files, err := fs.Glob(fsys, "*/function.json")
	if err != nil {
		return err
	}
	var errs []error
	catchAll := "" // the HTTP function after which the host tries no other
	found := map[string]bool{}
	for _, file := range files { // in the order of names, as the host goes
		name := path.Dir(file)
		found[name] = true
		i := slices.IndexFunc(s.mounted, func(m mounted) bool { return m.function == name })
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s: no function %q is mounted", file, name))
			continue
		}
		f, err := readFunction(fsys, file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, err := range []error{f.matches(s.mounted[i]), f.settings(known), f.reachable(&catchAll, name)} {
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", file, err))
			}
		}
	}
	for _, m := range s.mounted {
		if !found[m.function] {
			errs = append(errs, fmt.Errorf("function %q is mounted but has no folder", m.function))
		}
	}
	return errors.Join(errs...)
}

// readFunction reads a function.json. A key that is not known is an error: the host
// would ignore it, and so hide a typing error.
func readFunction(fsys fs.FS, file string) (functionJSON, error) {
	var f functionJSON
	b, err := fs.ReadFile(fsys, file)
	if err != nil {
		return f, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return f, fmt.Errorf("%s: %w", file, err)
	}
	return f, nil
}

// trigger returns the binding that has the function run, or nil.
func (f functionJSON) trigger() *bindingJSON {
	for i, b := range f.Bindings {
		if strings.HasSuffix(b.Type, "Trigger") && b.Direction == "in" {
			return &f.Bindings[i]
		}
	}
	return nil
}

// matches reports what in f is not as m needs it.
func (f functionJSON) matches(m mounted) error {
	t := f.trigger()
	switch {
	case t == nil:
		return errors.New("there is no trigger")
	case t.Type != m.trigger:
		return fmt.Errorf("the trigger is a %s, mounted is a %s", t.Type, m.trigger)
	case m.binding != "" && t.Name != m.binding:
		return fmt.Errorf("the trigger's name is %q, the handler reads %q", t.Name, m.binding)
	case m.trigger == eventHubTrigger && (t.DataType != "binary" || t.Cardinality != "many"):
		return errors.New("events need dataType binary and cardinality many: with another, one that is not JSON or UTF-8 is lost")
	case m.trigger == eventHubTrigger && (f.Retry == nil || f.Retry.MaxRetryCount != -1):
		return errors.New("events need a retry with maxRetryCount -1: the checkpoint moves after the last try, and the batch is lost")
	case m.trigger == queueTrigger && f.Retry != nil:
		return errors.New("a queue has its own retries: retry would multiply them")
	case m.trigger == httpTrigger && (len(f.Bindings) != 2 || f.Bindings[1].Type != "http" || f.Bindings[1].Direction != "out"):
		return errors.New("the host forwards HTTP only with one httpTrigger and one http output")
	case m.trigger != httpTrigger && len(f.Bindings) != 1:
		return errors.New("the handler fills no output binding")
	}
	return nil
}

// settings reports the app settings in f that are not known.
func (f functionJSON) settings(known func(string) bool) error {
	var errs []error
	for _, b := range f.Bindings {
		names := []string{b.Connection}
		for _, text := range []string{b.QueueName, b.Schedule, b.EventHubName, b.ConsumerGroup, b.Route} {
			for _, m := range settingName.FindAllStringSubmatch(text, -1) {
				names = append(names, m[1])
			}
		}
		for _, name := range names {
			if name != "" && !known(name) {
				errs = append(errs, fmt.Errorf("app setting %q is unknown", name))
			}
		}
	}
	return errors.Join(errs...)
}

// reachable returns an error for an HTTP function that the host would never call. The
// host tries the routes in the order of the functions' names, so none is reached after
// one that takes every path. catchAll is the name of that function, once it has come.
func (f functionJSON) reachable(catchAll *string, name string) error {
	t := f.trigger()
	if t == nil || t.Type != httpTrigger {
		return nil
	}
	if *catchAll != "" {
		return fmt.Errorf("it is never reached: %q, before it by name, takes every route", *catchAll)
	}
	if strings.HasPrefix(t.Route, "{*") {
		*catchAll = name
	}
	return nil
}
