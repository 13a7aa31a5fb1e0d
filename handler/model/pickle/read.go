package pickle

import (
	"errors"
	"fmt"
)

// Options is what a caller decides about a pickle.
type Options struct {
	// Allow says which names the pickle may call. The names by which Python
	// itself spells built-in values and objects (python.go) need none. A nil
	// Allow allows nothing.
	Allow func(Global) bool
	// Refuse, if not nil, is told of each object that is made by a name that is not
	// allowed.
	Refuse func(*Refused)
	// Built, if not nil, is called with each object once it has its state, and
	// returns what takes its place. It may read bytes that follow in the
	// stream: joblib puts array data there.
	Built func(*Object, *Input) (any, error)
	// Budget is what may be allocated; nil is NewBudget of the data's length.
	Budget *Budget
	// Memory is where the value read is allocated; nil is memory of its own.
	Memory *Memory
}

// Read reads the first pickle in data. Bytes after it are ignored, as Python
// does. An error is an [*Error].
func Read(data []byte, opt Options) (any, error) {
	if opt.Budget == nil {
		opt.Budget = NewBudget(len(data))
	}
	if opt.Memory == nil {
		opt.Memory = new(Memory)
	}
	return (&Input{data: data, opt: opt}).Nested()
}

// Input is the stream of bytes a pickle is read from.
type Input struct {
	data   []byte
	pos    int
	ops    int // opcodes read
	nested int // pickles being read
	opt    Options
}

// Take returns the next n bytes, which alias the data, or a [*Truncated].
func (in *Input) Take(n int) ([]byte, error) {
	if n < 0 {
		return nil, ErrTruncated
	}
	if left := len(in.data) - in.pos; n > left {
		return nil, &Truncated{uint64(n - left)}
	}
	b := in.data[in.pos : in.pos+n : in.pos+n]
	in.pos += n
	return b, nil
}

// Nested reads a pickle, with a stack and a memo of its own, from where the
// stream stands.
func (in *Input) Nested() (any, error) {
	if in.nested == MaxNested {
		return nil, fmt.Errorf("%w: %d pickles inside one another", ErrLimit, in.nested+1)
	}
	in.nested++
	defer func() { in.nested-- }()
	s := scratches.Get().(*scratch)
	defer s.release()
	s.reader = reader{Input: in, scratch: s, stack: s.stack[:0], marks: s.marks[:0], memo: s.memo[:0], calls: s.calls[:0]}
	return s.reader.run()
}

// reader is the machine that a pickle is a program for.
type reader struct {
	*Input
	*scratch
	stack   []any
	highest int   // height that the stack had at most, where it was popped
	marks   []int // heights of the stack
	memo    []any
	calls   []callee
	stopped bool
}

func (r *reader) run() (any, error) {
	for !r.stopped {
		at := r.pos
		op, err := r.byte()
		if err == nil {
			err = r.step(Op(op))
		}
		if err != nil {
			var inner *Error
			if errors.As(err, &inner) {
				return nil, err // of a nested pickle
			}
			return nil, &Error{Offset: at, Op: Op(op), Err: err}
		}
	}
	return r.stack[len(r.stack)-1], nil
}

func (r *reader) step(op Op) error {
	if r.ops++; r.ops > MaxOps {
		return fmt.Errorf("%w: over %d opcodes", ErrLimit, MaxOps)
	}
	r.opt.Budget.opcode()
	do := opcodes[op].do
	if do == nil {
		return ErrOpcode
	}
	return do(r)
}

// stop ends the pickle; its value is the one thing left on the stack.
func (r *reader) stop() error {
	if len(r.stack) == 0 || len(r.marks) > 0 {
		return errUnderflow
	}
	r.stopped = true
	return nil
}

func (r *reader) proto() error {
	version, err := r.byte()
	if err == nil && version > 5 {
		err = fmt.Errorf("protocol %d is not supported: 0 to 5 are", version)
	}
	return err
}

// frame only checks: all the data is at hand, so frames need not be kept.
func (r *reader) frame() error {
	n, err := r.uint(8)
	if err == nil {
		err = r.has(n)
	}
	return err
}

func (r *reader) nop() error        { return nil }
func (r *reader) nextBuffer() error { return ErrOutOfBand }
func (r *reader) persistent() error { return errPersistent }
func (r *reader) extension() error  { return errExtension }
