// Package printable writes text that comes from outside to a terminal.
//
// Names of sensors, messages of libraries and answers of servers may hold
// control characters: on a terminal they could move the cursor, hide text or
// change the title. They are written as Go writes them in quoted strings.
package printable

import (
	"bytes"
	"io"
	"strconv"
	"unicode/utf8"
)

// Writer passes text on to To. What is neither printable nor a newline or tab is
// written as an escape, such as \x1b.
type Writer struct {
	To   io.Writer
	rest []byte // the beginning of a character whose end has not come yet
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
