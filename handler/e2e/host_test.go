package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fleetscore/fleetscore/handler/devhost"
)

// hostOptions is the environment variable that makes a copy of this test a
// host: the JSON of a hostConfig.
const hostOptions = "E2E_HOST"

type hostConfig struct {
	Options devhost.Options
	Log     string // file
}

// runHost is the host's process. It answers commands on stdin, each with a
// line, and ends with stdin: nobody is left behind if the test is killed.
func runHost(options string) (code int) {
	var c hostConfig
	if err := json.Unmarshal([]byte(options), &c); err != nil {
		fmt.Println(err)
		return 1
	}
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer log.Close()
	c.Options.Log = slog.New(slog.NewJSONHandler(log, nil))
	h, err := devhost.Start(context.Background(), c.Options)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	go func() {
		h.Wait()
		os.Exit(3) // it stopped by itself, as the real host does: its platform starts it again
	}()
	fmt.Println("started")
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		switch commands.Text() {
		case "caught up?":
			fmt.Println(h.CaughtUp())
		case "in flight?":
			fmt.Println(h.InFlight())
		case "handler?":
			fmt.Println(h.HandlerPID())
		case "kill the handler":
			fmt.Println(syscall.Kill(h.HandlerPID(), syscall.SIGKILL))
		}
	}
	h.Close()
	return 0
}

// host is a process of runHost, started again whenever it ends.
type host struct {
	t      *testing.T
	config []byte

	mu      sync.Mutex
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stdout  *bufio.Reader
	closing bool
	ended   chan struct{} // the last process has ended
}

func startHost(t *testing.T, c hostConfig) *host {
	t.Helper()
	config, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{t: t, config: config, ended: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.start(); err != nil {
		h.closing = true // or it would be started again and again
		t.Fatal(err)
	}
	t.Cleanup(h.close)
	return h
}

// start starts a process and waits until it has started its handler.
func (h *host) start() error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hostOptions+"="+string(h.config))
	cmd.Stderr = h.t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	h.cmd, h.stdin, h.stdout = cmd, stdin, bufio.NewReader(stdout)
	line, err := h.stdout.ReadString('\n')
	go h.supervise(cmd)
	if line != "started\n" {
		return fmt.Errorf("the host printed %q, %w", line, err)
	}
	return nil
}

// supervise starts the next process when cmd has ended, as a platform does: one
// that cannot start, for want of its storage, is tried again.
func (h *host) supervise(cmd *exec.Cmd) {
	cmd.Process.Wait()
	time.Sleep(restartPause)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		close(h.ended)
		return
	}
	if err := h.start(); err != nil {
		h.t.Logf("the host is started again: %v", err)
	}
}

const restartPause = 50 * time.Millisecond

// ask sends a command; the answer is empty if the host is just then dead.
func (h *host) ask(command string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, err := io.WriteString(h.stdin, command+"\n"); err != nil {
		return ""
	}
	answer, _ := h.stdout.ReadString('\n')
	return strings.TrimSpace(answer)
}

// setting returns one of the application's settings.
func (h *host) setting(name string) string {
	var c hostConfig
	if err := json.Unmarshal(h.config, &c); err != nil {
		h.t.Error(err)
	}
	return c.Options.Settings[name]
}

func (h *host) killHandler() { h.ask("kill the handler") }

func (h *host) kill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		h.t.Error(err)
	}
}

func (h *host) close() {
	h.mu.Lock()
	h.closing = true
	h.stdin.Close()
	h.mu.Unlock()
	<-h.ended
}
