package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fleetscore/fleetscore/handler/config"
)

// served is the file in which serve, while it runs, leaves its settings for other
// commands. It stands in the folder in which serve was started.
const served = ".fleetscore/serve.json"

// setting returns a setting of the environment; if there is none, of a serve that runs
// in this folder; else its default. If the environment has a connection by its
// addresses, as in DataStorage__blobServiceUri, setting returns no text for it.
func (c console) setting(name string) string {
	if v := c.getenv(name); v != "" {
		return v
	}
	for _, part := range []string{"__blobServiceUri", "__accountName", "__fullyQualifiedNamespace"} {
		if c.getenv(name+part) != "" {
			return ""
		}
	}
	if v := readServed()[name]; v != "" {
		return v
	}
	return config.Default(name)
}

// servedPort is the name, beside the settings, of the port of the functions.
const servedPort = "port"

// localURL returns the address of the functions of a serve that runs in this folder, or
// where serve puts them unless told. It is on this machine, whatever stands in the file:
// the function key goes there.
func localURL() string {
	port, err := strconv.ParseUint(readServed()[servedPort], 10, 16)
	if err != nil {
		port = 7071
	}
	return fmt.Sprintf("http://localhost:%d", port)
}

func readServed() map[string]string {
	data, err := os.ReadFile(served)
	if err != nil {
		return nil
	}
	var settings map[string]string
	if json.Unmarshal(data, &settings) != nil {
		return nil
	}
	return settings
}

// writeServed announces settings, and servedPort, until it is called with nil.
func writeServed(settings map[string]string) error {
	if settings == nil {
		if err := os.Remove(served); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	data, err := json.MarshalIndent(settings, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(served), 0o755); err != nil {
		return err
	}
	return os.WriteFile(served, append(data, '\n'), 0o600)
}

func join(names []string) string { return strings.Join(names, ", ") }
