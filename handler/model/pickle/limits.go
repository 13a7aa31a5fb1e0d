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
type Budget struct{ left int }

// NewBudget returns the budget for size bytes of pickle: eight times as much
// and 1 MiB, at most 256 MiB.
func NewBudget(size int) *Budget {
	const most = 256 << 20
	return &Budget{left: min(8*min(size, most)+1<<20, most)}
}

// Take takes n bytes off the budget, before they are allocated. It fails, with
// [ErrLimit], if there are not so many left.
func (b *Budget) Take(n int) error {
	if n < 0 || n > b.left {
		return fmt.Errorf("%w: what is read takes more than 8 times the file's size in memory", ErrLimit)
	}
	b.left -= n
	return nil
}
