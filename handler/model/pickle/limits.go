package pickle

import (
	"errors"
	"fmt"
)

// Limits of a pickle.
const (
	maxOps    = 5_000_000 // opcodes, nested pickles included
	maxMarks  = 1_000     // marks on the stack
	maxDepth  = 1_000     // containers inside one another
	MaxLong   = 1 << 10   // bytes of an integer
	MaxNested = 4         // pickles inside one another (joblib's object arrays)

	maxLongDigits = 2_470 // decimal digits that MaxLong bytes can have, and a sign
	maxMemoGap    = 1_024 // from the end of the memo to the index of a PUT
)

// ErrLimit is wrapped by every error for an exceeded limit.
var ErrLimit = errors.New("limit exceeded")

// Budget is the memory that may still be allocated, in bytes. One budget is used for the
// whole load of a model: for the values read from the pickle, and for what is made of them.
//
// It begins with eight times the size of the file. That is enough for numbers and strings,
// but not for small objects: an opcode of one byte may make a tuple. So each opcode that is
// read adds the size of an object to the budget.
type Budget struct{ left, opcodes int }

const (
	perByte    = 8
	perOpcode  = 64
	maxBudget  = 256 << 20
	maxOpcodes = 64 << 20 // the most that all opcodes add
)

// NewBudget returns the budget for a pickle of size bytes: eight times the size plus 1 MiB,
// at most 256 MiB. Each opcode then adds 64 bytes, all opcodes together at most 64 MiB.
func NewBudget(size int) *Budget {
	return &Budget{left: min(perByte*min(size, maxBudget)+1<<20, maxBudget)}
}

// opcode adds the memory that an opcode may take.
func (b *Budget) opcode() {
	if b.opcodes < maxOpcodes {
		b.opcodes += perOpcode
		b.left += perOpcode
	}
}

// Take takes n bytes from the budget. It must be called before they are allocated. The error
// wraps [ErrLimit] if fewer bytes are left.
func (b *Budget) Take(n int) error {
	if n < 0 || n > b.left {
		return fmt.Errorf("%w: the content of the file takes far more memory than a file of its size may", ErrLimit)
	}
	b.left -= n
	return nil
}
