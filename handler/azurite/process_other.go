//go:build !unix

package azurite

import "os/exec"

func ownGroup(*exec.Cmd) {}

// lock does nothing here: two installations at once do the work twice, and one
// of them is dropped.
func lock(string) (unlock func(), err error) { return func() {}, nil }
