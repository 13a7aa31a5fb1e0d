package azurite

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/fleetscore/fleetscore/handler/azure"
)

// Options say how to run Azurite. With the zero value, which is for tests, the data is in memory,
// the ports are free ones, and Azurite ends with the program that started it.
type Options struct {
	// Dir is the folder of the data. Changes that were confirmed are there after a restart,
	// even if Azurite was killed. Empty: the data is in memory.
	Dir string
	// Detached says that Azurite continues when the program that started it has ended. Tests
	// that kill the host need it. The caller must end it, with [Server.Close] or by its
	// process id.
	Detached bool
	// The ports of the three services; 0 is any free port.
	BlobPort, QueuePort, TablePort int
	// MemoryMB is the limit of the blobs' content in memory, in MB; 0 is 1024.
	MemoryMB int
	// CacheDir is the folder in which Azurite is installed. Empty: the folder fleetscore in
	// the user's cache directory.
	CacheDir string
}

// Server is a running Azurite.
type Server struct {
	ConnectionString               string // of the emulator's account
	BlobPort, QueuePort, TablePort int
	PID                            int

	inMemory bool
	process  *os.Process
	ended    chan struct{}
}

// Start starts Azurite, and returns when it listens. The end of ctx does not end it later. If
// Azurite is not installed yet, Start installs it, which takes some ten seconds and needs the npm
// registry. It needs Node.js 20 or later; the error says so.
func Start(ctx context.Context, opt Options) (*Server, error) {
	cache, err := cacheDir(opt.CacheDir)
	if err != nil {
		return nil, err
	}
	dir, err := install(ctx, cache)
	if err != nil {
		return nil, err
	}
	// The output goes to a file and not to a pipe, as a detached Azurite may outlive the
	// reader of the pipe.
	output, err := os.CreateTemp("", "azurite-*.log")
	if err != nil {
		return nil, fmt.Errorf("azurite: %w", err)
	}
	defer output.Close()
	defer os.Remove(output.Name())
	s, err := start(opt, dir, output)
	if err != nil {
		return nil, err
	}
	if err := s.awaitPorts(ctx, output); err != nil {
		s.Close()
		return nil, err
	}
	s.ConnectionString = azure.DevelopmentConnection(s.BlobPort, s.QueuePort, s.TablePort)
	return s, nil
}

func cacheDir(dir string) (string, error) {
	if dir != "" {
		return filepath.Abs(dir)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("azurite: no place to install it: %w: set HOME or XDG_CACHE_HOME to a folder that is kept", err)
	}
	return filepath.Join(base, "fleetscore"), nil
}

func start(opt Options, dir string, output *os.File) (*Server, error) {
	location := ""
	args := []string{"--require", filepath.Join(dir, "templates.js")}
	if !opt.Detached {
		args = append(args, "--require", filepath.Join(dir, "parent.js"))
	}
	if opt.Dir != "" {
		args = append(args, "--require", filepath.Join(dir, "durable.js"))
	}
	args = append(args, filepath.Join(dir, "node_modules", "azurite", "dist", "src", "azurite.js"), "--silent", "--disableTelemetry",
		"--blobPort", strconv.Itoa(opt.BlobPort), "--queuePort", strconv.Itoa(opt.QueuePort), "--tablePort", strconv.Itoa(opt.TablePort))
	if opt.Dir != "" {
		var err error
		location, err = filepath.Abs(opt.Dir) // Azurite has another working directory
		if err == nil {
			err = os.MkdirAll(location, 0o755)
		}
		if err != nil {
			return nil, fmt.Errorf("azurite: %w", err)
		}
		args = append(args, "--location", location)
	} else {
		args = append(args, "--inMemoryPersistence", "--extentMemoryLimit", strconv.Itoa(cmp.Or(opt.MemoryMB, 1024)))
	}
	cmd := exec.Command("node", args...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = output, output
	ownGroup(cmd)
	var alive io.Closer = io.NopCloser(nil)
	if !opt.Detached {
		pipe, err := cmd.StdinPipe()
		if err != nil {
			return nil, fmt.Errorf("azurite: %w", err)
		}
		alive = pipe
	}
	if location != "" {
		held, err := hold(cmd, location)
		if err != nil {
			return nil, fmt.Errorf("azurite: %w", err)
		}
		defer held.Close()
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("azurite: %w: install Node.js %d or later and have it in PATH", err, oldestNode)
	}
	s := &Server{PID: cmd.Process.Pid, process: cmd.Process, inMemory: opt.Dir == "", ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // it does not matter how it ended
		alive.Close()  // Azurite ends when its stdin is closed, so it stays open until here
		close(s.ended)
	}()
	return s, nil
}

// listening matches what Azurite prints for each of its services.
var listening = regexp.MustCompile(`Azurite (Blob|Queue|Table) service is successfully listening at http://127\.0\.0\.1:(\d+)`)

// awaitPorts waits until all services have printed their port to output.
func (s *Server) awaitPorts(ctx context.Context, output *os.File) error {
	for {
		ended := s.hasEnded()
		printed, err := os.ReadFile(output.Name())
		if err != nil {
			return fmt.Errorf("azurite: %w", err)
		}
		if found := listening.FindAllSubmatch(printed, -1); len(found) == 3 {
			return s.setPorts(found)
		}
		if ended {
			return fmt.Errorf("azurite: it ended at start: %s", lastLines(printed, 5))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("azurite: wait for it to listen: %w; it printed: %s", ctx.Err(), bytes.TrimSpace(printed))
		case <-s.ended:
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) setPorts(found [][][]byte) error {
	ports := map[string]*int{"Blob": &s.BlobPort, "Queue": &s.QueuePort, "Table": &s.TablePort}
	for _, f := range found {
		n, err := strconv.Atoi(string(f[2]))
		if err != nil {
			return fmt.Errorf("azurite: %w", err)
		}
		*ports[string(f[1])] = n
	}
	return nil
}

func (s *Server) hasEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// Ended returns a channel that is closed when the process has ended, for any reason.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Close ends Azurite and waits for its end. Data in a folder is saved.
func (s *Server) Close() error {
	if !s.inMemory && s.process.Signal(syscall.SIGTERM) == nil {
		select {
		case <-s.ended:
			return nil
		case <-time.After(5 * time.Second):
		}
	}
	if err := s.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("azurite: %w", err)
	}
	<-s.ended
	return nil
}
