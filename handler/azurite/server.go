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

// Options say how to run Azurite. The zero value is right for tests: in
// memory, on free ports, gone with the program that started it.
type Options struct {
	// Dir keeps the data, across restarts too: what was confirmed is there even if
	// Azurite is killed. Empty keeps it in memory.
	Dir string
	// Detached lets Azurite live on when the program that started it is gone:
	// the sibling of a host that is killed and started again. Whoever starts
	// one ends it, by [Server.Close] or by its process id.
	Detached bool
	// Ports of the three services; 0 chooses a free one.
	BlobPort, QueuePort, TablePort int
	// MemoryMB bounds the blobs' content kept in memory; 0 is 1024.
	MemoryMB int
	// CacheDir is where Azurite is installed; empty is the folder fleetscore in
	// the user's cache directory.
	CacheDir string
}

// Server is a running Azurite.
type Server struct {
	ConnectionString               string // of its one, public account
	BlobPort, QueuePort, TablePort int
	PID                            int

	inMemory bool
	process  *os.Process
	ended    chan struct{}
}

// Start installs Azurite if need be, which takes some ten seconds and needs
// the npm registry, starts it, and returns when it listens. ctx bounds only
// that. It needs Node.js 20 or later and says so where there is none.
func Start(ctx context.Context, opt Options) (*Server, error) {
	cache, err := cacheDir(opt.CacheDir)
	if err != nil {
		return nil, err
	}
	dir, err := install(ctx, cache)
	if err != nil {
		return nil, err
	}
	// Output goes to a file rather than a pipe, whose reader a detached
	// Azurite would outlive.
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
		location, err := filepath.Abs(opt.Dir) // Azurite has another working directory
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
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("azurite: %w: install Node.js %d or later and have it in PATH", err, oldestNode)
	}
	s := &Server{PID: cmd.Process.Pid, process: cmd.Process, inMemory: opt.Dir == "", ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is asked of the process
		alive.Close()  // held until now: were it collected, Azurite would end
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

// Ended is closed when the process has ended, for whatever reason.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Close ends Azurite and waits for its end. Data kept in a folder is saved.
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
