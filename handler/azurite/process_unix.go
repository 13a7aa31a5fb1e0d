//go:build unix

package azurite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
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

// hold has cmd hold the lock of a folder until it ends, however that is: no other Azurite
// starts in it meanwhile. One that ends now is waited for. The caller closes the file
// when cmd has started.
func hold(cmd *exec.Cmd, dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	const tries = 100
	for range tries {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			cmd.ExtraFiles = []*os.File{f}
			return f, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	f.Close()
	return nil, fmt.Errorf("another Azurite uses the folder %s: %w", dir, err)
}
