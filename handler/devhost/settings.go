package devhost

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/fleetscore/fleetscore/handler/azure"
)

// settings are the environment and the application settings, which replace variables of the same
// name. The case of names does not matter, as in .NET.
type settings struct {
	app map[string]string // the application settings
	all map[string]string // all, by their names in lower case
}

func newSettings(app map[string]string) settings {
	s := settings{app: app, all: make(map[string]string)}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		s.all[strings.ToLower(name)] = value
	}
	for name, value := range app {
		s.all[strings.ToLower(name)] = value
	}
	return s
}

func (s settings) lookup(name string) (string, bool) {
	v, ok := s.all[strings.ToLower(name)]
	return v, ok
}

func (s settings) get(name string) string {
	v, _ := s.lookup(name)
	return v
}

// truth reports whether a setting says true or 1.
func (s settings) isTrue(name string) bool {
	v := s.get(name)
	return strings.EqualFold(v, "true") || v == "1"
}

// environ returns the environment of the handler: that of this process, the application settings
// and extra.
func (s settings) environ(extra map[string]string) []string {
	env := os.Environ()
	for _, more := range [...]map[string]string{s.app, extra} {
		for _, name := range slices.Sorted(maps.Keys(more)) {
			env = append(env, name+"="+more[name])
		}
	}
	return env
}

var percentName = regexp.MustCompile(`%([^%]+)%`)

// resolve replaces each %NAME% in text by the setting of that name. The error names a setting
// that is not there.
func (s settings) resolve(text string) (string, error) {
	var err error
	out := percentName.ReplaceAllStringFunc(text, func(m string) string {
		v, ok := s.lookup(m[1 : len(m)-1])
		if !ok {
			err = fmt.Errorf("%s does not resolve to a value: add the setting %s", m, m[1:len(m)-1])
		}
		return v
	})
	return out, err
}

// connection returns the connection string for the "connection" of a binding. Empty stands for
// the host's storage.
func (s settings) connection(name string) (string, error) {
	if name == "" {
		name = "AzureWebJobsStorage"
	}
	for _, candidate := range [...]string{"AzureWebJobs" + name, name, "ConnectionStrings:" + name, "ConnectionStrings__" + name} {
		if v := s.get(candidate); v != "" {
			return expandDevelopmentStorage(v), nil
		}
	}
	for setting := range s.all {
		if strings.HasPrefix(setting, strings.ToLower(name)+"__") {
			return "", fmt.Errorf("connection %s is identity-based; devhost takes connection strings only: set %s, for Azurite to UseDevelopmentStorage=true", name, name)
		}
	}
	return "", fmt.Errorf("connection %s is not set: add the setting, for Azurite UseDevelopmentStorage=true", name)
}

// expandDevelopmentStorage replaces UseDevelopmentStorage=true by the connection string of the
// emulator at its default ports. The Go SDK does not know the short form.
func expandDevelopmentStorage(conn string) string {
	if strings.TrimRight(strings.TrimSpace(conn), ";") != "UseDevelopmentStorage=true" {
		return conn
	}
	return azure.DevelopmentConnection(10000, 10001, 10002)
}
