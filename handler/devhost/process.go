package devhost

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
)

// process is one start of the handler.
type process struct {
	id      string // worker id
	cmd     *exec.Cmd
	console *console
	ready   chan struct{} // closed at its first HTTP answer
	ended   chan struct{} // closed when it has exited; code is set then
	code    int
}

// freePort returns a loopback port that nobody listens on. It lies below those
// that systems give to outgoing connections: between a restart's kill and its
// start, one of these could take the port.
func freePort() (port int, err error) {
	const first, count, tries = 20000, 12000, 100
	for range tries {
		port = first + rand.IntN(count)
		l, lerr := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if lerr == nil {
			return port, l.Close()
		}
		err = lerr
	}
	return 0, fmt.Errorf("find a port for the handler: %w", err)
}

// startProcess starts the handler in root's environment, without waiting for
// it to answer.
func startProcess(root string, c handlerConfig, s settings, port int, log *logger) (*process, error) {
	exe, err := c.executable()
	if err != nil {
		return nil, err
	}
	p := &process{id: uuid.NewString(), ready: make(chan struct{}), ended: make(chan struct{})}
	p.console = &console{log: log, workerID: p.id, stderrIsError: c.StderrIsError}
	out, errs := &lines{to: p.console.stdout}, &lines{to: p.console.stderr}
	p.cmd = exec.Command(exe, c.arguments(s)...)
	p.cmd.Dir = c.WorkingDirectory
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
		_ = p.cmd.Wait() // its error is the exit code, below, or a pipe cut off
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

// exitCode is the process's, or 128 and the signal's number, as a shell and
// .NET count.
func exitCode(s *os.ProcessState) int {
	if s == nil {
		return -1
	}
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.ExitCode()
}

// executable returns the file to start: in the working directory if it is
// there, else by PATH.
func (c handlerConfig) executable() (string, error) {
	name := filepath.FromSlash(c.Executable)
	if !filepath.IsAbs(name) {
		local := filepath.Join(c.WorkingDirectory, name)
		if _, err := os.Stat(local); err == nil {
			return local, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return exec.LookPath(name)
}

// arguments returns the argument list: joined by blanks, without quoting, and
// split again by .NET, so that "two words" become two.
func (c handlerConfig) arguments(s settings) []string {
	list := append([]string(nil), c.Arguments...)
	if c.WorkerPath != "" {
		list = append(list, `"`+c.WorkerPath+`"`)
	}
	return splitCommandLine(s.expand(strings.Join(list, " ")))
}

// splitCommandLine splits as .NET does on Unix: at blanks outside of double
// quotes; \" is a quote.
func splitCommandLine(s string) []string {
	var args []string
	var arg strings.Builder
	quoted, open := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && s[i+1] == '"':
			arg.WriteByte('"')
			open = true
			i++
		case c == '"':
			quoted, open = !quoted, true
		case (c == ' ' || c == '\t') && !quoted:
			if open {
				args = append(args, arg.String())
				arg.Reset()
				open = false
			}
		default:
			arg.WriteByte(c)
			open = true
		}
	}
	if open {
		args = append(args, arg.String())
	}
	return args
}

// logExit writes what the host writes of an unexpected end, in one line.
func (p *process) logExit(log *logger, name string) {
	msg := fmt.Sprintf("Language Worker Process exited. Pid=%d. %s exited with code %d (0x%X)", p.cmd.Process.Pid, filepath.Base(name), p.code, p.code)
	if tail := p.console.lastErrors(); tail != "" {
		msg += ": " + tail
	}
	log.log(slog.LevelError, "Worker.HttpWorkerProcess."+p.id, msg)
}
