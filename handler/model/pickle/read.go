package pickle

import (
	"errors"
	"fmt"
)

// Options are the options of [Read].
type Options struct {
	// Allow reports whether the pickle may call a name. The functions in python.go are
	// always allowed. A nil Allow allows no other names.
	Allow func(Global) bool
	// Refuse, if not nil, is called for each call of a name that is not allowed.
	Refuse func(*Refused)
	// Built, if not nil, is called with each object after its state is set. The result
	// replaces the object. Built may read the bytes that follow in the stream, where joblib
	// puts the data of arrays.
	Built func(*Object, *Input) (any, error)
	// Budget is the memory that may be allocated. Nil means NewBudget(len(data)).
	Budget *Budget
	// Memory is where values are allocated. Nil means a new Memory.
	Memory *Memory
}

// Read reads the first pickle in data. Like Python, it ignores the bytes after it. An error
// is an [*Error].
func Read(data []byte, opt Options) (any, error) {
	if opt.Budget == nil {
		opt.Budget = NewBudget(len(data))
	}
	if opt.Memory == nil {
		opt.Memory = new(Memory)
	}
	return (&Input{data: data, opt: opt}).Nested()
}

// ReadAll reads all pickles of data, one after the other. A file has several if a script
// called dump for a model and then for its scaler. One pickle gives its value, several
// give a [*Tuple] of their values. Bytes after a pickle are ignored, unless they begin
// with the opcode PROTO of protocols 2 to 5.
func ReadAll(data []byte, opt Options) (any, error) {
	if opt.Budget == nil {
		opt.Budget = NewBudget(len(data))
	}
	if opt.Memory == nil {
		opt.Memory = new(Memory)
	}
	in := &Input{data: data, opt: opt}
	first, err := in.Nested()
	if err != nil || !in.more() {
		return first, err
	}
	all := &Tuple{Items: []any{first}}
	for in.more() {
		if len(all.Items) == maxPickles {
			return nil, fmt.Errorf("%w: over %d pickles in one file", ErrLimit, maxPickles)
		}
		v, err := in.Nested()
		if err != nil {
			return nil, err
		}
		all.Items = append(all.Items, v)
	}
	return all, nil
}

// maxPickles is how many pickles may follow one another in a file.
const maxPickles = 100

// more reports whether another pickle follows.
func (in *Input) more() bool {
	rest := in.data[in.pos:]
	return len(rest) > 2 && rest[0] == 0x80 && rest[1] >= 2 && rest[1] <= 5
}

// Input is the stream of bytes that a pickle is read from.
type Input struct {
	data   []byte
	pos    int
	ops    int // opcodes read
	nested int // pickles inside one another that are being read
	opt    Options
}

// Take returns the next n bytes, which are a part of the data. If fewer are left, the error
// is a [*Truncated].
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

// Nested reads another pickle from the current position of the stream.
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

// reader runs the opcodes of a pickle.
type reader struct {
	*Input
	*scratch
	stack   []any
	highest int   // the largest height of the stack so far
	marks   []int // the heights of the stack at which MARK was run
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
				return nil, err // the error of a nested pickle
			}
			return nil, &Error{Offset: at, Op: Op(op), Err: err}
		}
	}
	return r.stack[len(r.stack)-1], nil
}

func (r *reader) step(op Op) error {
	if r.ops++; r.ops > maxOps {
		return fmt.Errorf("%w: over %d opcodes", ErrLimit, maxOps)
	}
	r.opt.Budget.opcode()
	do := opcodes[op].do
	if do == nil {
		return ErrOpcode
	}
	return do(r)
}

// stop ends the pickle. Its value is on top of the stack.
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

// frame checks the length of a frame. Frames are otherwise ignored, because all data is in
// memory.
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
