package pickle

import (
	"errors"
	"fmt"
)

// Bounds on what a pickle may ask of its reader.
const (
	MaxOps    = 5_000_000 // opcodes, nested pickles included
	MaxMarks  = 1_000     // marks open at once
	MaxDepth  = 1_000     // containers inside one another
	MaxLong   = 1 << 10   // bytes of an integer
	MaxNested = 4         // pickles inside one another (joblib's object arrays)

	maxLongDigits = 2_470 // decimal digits that MaxLong bytes can have, and a sign
	maxMemoGap    = 1_024 // how far beyond the memo's end an index may lie
)

// ErrLimit is wrapped by every error that a bound of this package causes.
var ErrLimit = errors.New("limit exceeded")

// Budget is what may still be allocated, in bytes. One budget serves a whole
// load, so that the reader and those who convert what it read share it.
//
// Contents (numbers, texts) are paid out of eight times the file's size: no
// honest conversion makes more of them. Small objects take more than that, since
// an opcode of one byte can stand for a tuple or a string of five letters: so
// each opcode that is read adds what an object takes.
type Budget struct{ left, opcodes int }

const (
	perByte    = 8
	perOpcode  = 64
	maxBudget  = 256 << 20
	maxOpcodes = 64 << 20 // what opcodes add at most
)

// NewBudget returns the budget for size bytes of pickle: eight times as much
// and 1 MiB, at most 256 MiB. Each opcode then adds 64 bytes, all of them at most
// 64 MiB.
func NewBudget(size int) *Budget {
	return &Budget{left: min(perByte*min(size, maxBudget)+1<<20, maxBudget)}
}

// opcode adds what an opcode may take.
func (b *Budget) opcode() {
	if b.opcodes < maxOpcodes {
		b.opcodes += perOpcode
		b.left += perOpcode
	}
}

// Take takes n bytes off the budget, before they are allocated. It fails, with
// [ErrLimit], if there are not so many left.
func (b *Budget) Take(n int) error {
	if n < 0 || n > b.left {
		return fmt.Errorf("%w: what is in the file takes far more memory than a file of its size may", ErrLimit)
	}
	b.left -= n
	return nil
}
