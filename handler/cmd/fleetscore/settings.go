package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fleetscore/fleetscore/handler/config"
)

// served is the file with the settings of serve. It exists while serve runs, in the
// folder in which serve was started. Other commands read it.
const served = ".fleetscore/serve.json"

// setting returns a setting: from the environment; if it has none, from serve, if that
// runs in this folder; if it has none, the default. If the environment has a connection
// as addresses, such as DataStorage__blobServiceUri, setting returns "" for it.
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

// servedPort is the key, among the settings, of the port of the functions.
const servedPort = "port"

// localURL returns the address of the functions of the serve that runs in this folder. If
// none runs, it is the default address of serve. The host is always this machine, whatever
// the file says, because the function key is sent there.
func localURL() string {
	return fmt.Sprintf("http://localhost:%d", cmp.Or(readServedPort(), 7071))
}

// servedURL returns the address of the functions of the serve that runs in this folder, or
// "" if none does. One that was killed has left its file, and nobody listens on its port.
func servedURL() string {
	port := readServedPort()
	if port == 0 {
		return ""
	}
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return ""
	}
	conn.Close()
	return localURL()
}

// readServedPort returns the port in the file served, or 0 if there is none.
func readServedPort() uint64 {
	port, err := strconv.ParseUint(readServed()[servedPort], 10, 16)
	if err != nil {
		return 0
	}
	return port
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

// writeServed writes settings, with servedPort among them, to the file served. With nil it
// removes the file.
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
