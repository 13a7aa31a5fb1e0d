package pickle

import (
	"errors"
	"fmt"
)

// Op is a pickle opcode.
type Op byte

// String returns the opcode's name in Python's pickletools.
func (op Op) String() string {
	if name := opcodes[op].name; name != "" {
		return name
	}
	return fmt.Sprintf("0x%02x", byte(op))
}

// Error says where and why a pickle cannot be read.
type Error struct {
	Offset int // of the opcode, from the beginning of the data
	Op     Op
	Err    error
}

func (e *Error) Error() string {
	return fmt.Sprintf("pickle offset %d (%v): %v", e.Offset, e.Op, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Truncated is the error for a pickle that ends too early, or has a length larger than the
// bytes that are left. errors.Is reports it as [ErrTruncated].
type Truncated struct {
	Missing uint64 // the least number of missing bytes
}

func (e *Truncated) Error() string {
	const most = 1 << 40 // larger than any file
	if e.Missing > most {
		return "a length in it is larger than any file: it is damaged"
	}
	return fmt.Sprintf("truncated: at least %d bytes are missing", e.Missing)
}

// Is reports whether target is [ErrTruncated].
func (e *Truncated) Is(target error) bool { return target == ErrTruncated }

// Reasons of an [Error].
var (
	// ErrTruncated means that the pickle ends too early, or has a length larger than the
	// bytes that are left.
	ErrTruncated = errors.New("truncated: more bytes are claimed than the file has")
	// ErrOutOfBand means that the data of an array is not in the pickle (buffer_callback
	// of protocol 5).
	ErrOutOfBand = errors.New("array data is out of band: pickle again without buffer_callback")
	// ErrOpcode means that there is no such opcode.
	ErrOpcode = errors.New("unknown opcode: not a pickle, or a damaged one")
)

var (
	errUnderflow  = errors.New("stack underflow")
	errNoMark     = errors.New("no mark")
	errPersistent = errors.New("persistent ids are not supported")
	errExtension  = errors.New("extension codes are not supported")
)
