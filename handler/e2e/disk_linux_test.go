package e2e_test

import "golang.org/x/sys/unix"

// limitFiles lets no file of a process grow beyond size; a negative one lifts
// the limit.
func limitFiles(pid int, size int64) error {
	var is unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &is); err != nil {
		return err
	}
	is.Cur = is.Max
	if size >= 0 {
		is.Cur = uint64(size)
	}
	return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &is, nil)
}
