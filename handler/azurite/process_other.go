//go:build !unix

package azurite

import (
	"io"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

// lock does nothing on this system. If two processes install at once, one result is dropped.
func lock(string) (unlock func(), err error) { return func() {}, nil }

// hold does nothing on this system. Whoever uses a folder twice is not told.
func hold(*exec.Cmd, string) (io.Closer, error) { return io.NopCloser(nil), nil }
