//go:build unix

package azurite

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// ownGroup puts cmd into a process group of its own. So Ctrl+C in the terminal does not end it
// before the processes that use it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// lock locks the file path. It waits until no other process has the lock. The lock ends with the
// process.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
