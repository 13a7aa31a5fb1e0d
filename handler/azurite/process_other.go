//go:build !unix

package azurite

import "os/exec"

func ownGroup(*exec.Cmd) {}

// lock does nothing on this system. If two processes install at once, one result is dropped.
func lock(string) (unlock func(), err error) { return func() {}, nil }
