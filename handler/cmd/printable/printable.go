// Package printable writes text from outside to a terminal.
//
// Names of sensors, messages of libraries and answers of servers may have control characters. On a
// terminal these could move the cursor, hide text or change the title. They are written as escapes,
// as in Go's quoted strings.
package printable

import (
	"bytes"
	"io"
	"strconv"
	"unicode/utf8"
)

// Writer writes text to To. Characters that are neither printable nor a newline or tab become
// escapes, such as \x1b.
type Writer struct {
	To   io.Writer
	rest []byte // the beginning of a character whose other bytes have not been written yet
}

// Write implements [io.Writer].
func (w *Writer) Write(p []byte) (int, error) {
	text := append(w.rest, p...)
	w.rest = nil
	var out bytes.Buffer
	for len(text) > 0 {
		if !utf8.FullRune(text) {
			w.rest = bytes.Clone(text)
			break
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			out.WriteString(`\x` + strconv.FormatUint(uint64(text[0]), 16))
		case r == '\n' || r == '\t' || strconv.IsPrint(r):
			out.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	if _, err := w.To.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}
