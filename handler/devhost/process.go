package devhost

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// process is a process of the handler.
type process struct {
	id      string // worker id
	cmd     *exec.Cmd
	console *console
	ready   chan struct{} // closed at its first HTTP answer
	ended   chan struct{} // closed when it has exited
	code    int           // the exit code, when ended is closed
}

// startProcess starts the handler in the folder root. It does not wait for an answer.
func startProcess(root string, c handlerConfig, s settings, port int, log *logger) (*process, error) {
	p := &process{id: uuid.NewString(), ready: make(chan struct{}), ended: make(chan struct{})}
	p.console = &console{log: log}
	out, errs := &lines{to: p.console.stdout}, &lines{to: p.console.stderr}
	p.cmd = exec.Command(c.Executable)
	p.cmd.Dir = root
	p.cmd.Stdout, p.cmd.Stderr = out, errs
	p.cmd.WaitDelay = time.Second // a grandchild may hold the pipes
	p.cmd.Env = s.environ(map[string]string{
		"FUNCTIONS_CUSTOMHANDLER_PORT":      strconv.Itoa(port),
		"FUNCTIONS_HTTPWORKER_PORT":         strconv.Itoa(port),
		"FUNCTIONS_CUSTOMHANDLER_WORKER_ID": p.id,
		"FUNCTIONS_HTTPWORKER_ID":           p.id,
		"FUNCTIONS_APP_ROOT_PATH":           root,
	})
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // its error says no more than the exit code
		out.flush()
		errs.flush()
		p.code = exitCode(p.cmd.ProcessState)
		close(p.ended)
	}()
	return p, nil
}

// kill ends the process at once, as the host does, and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// exitCode returns the exit code of a process. If a signal ended it, the code is 128 plus the
// signal's number, as in .NET and in shells.
func exitCode(s *os.ProcessState) int {
	if s == nil {
		return -1
	}
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// logExit logs the unexpected end of the process in the host's words.
func (p *process) logExit(log *logger, name string) {
	msg := fmt.Sprintf("Language Worker Process exited. Pid=%d. %s exited with code %d (0x%X)", p.cmd.Process.Pid, filepath.Base(name), p.code, p.code)
	if tail := p.console.lastErrors(); tail != "" {
		msg += ": " + tail
	}
	log.log(slog.LevelError, "Worker.HttpWorkerProcess."+p.id, msg)
}
