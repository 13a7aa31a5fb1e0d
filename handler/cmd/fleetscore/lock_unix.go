//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockFile takes the lock on a file, or returns false where another process or another
// call has it. The lock is given back when the file is closed or the process ends.
func lockFile(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
