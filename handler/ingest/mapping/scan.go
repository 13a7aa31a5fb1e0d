package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// This scanner exists because encoding/json does not tell where an element begins and ends,
// whether a key is given twice, and how a number was written. It is also several times faster.

// space returns the index of the first byte of b, from i on, that is no JSON white space.
func space[Text string | []byte](b Text, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// lineEnd returns the index of the line's end if there are only blanks from i to it, else -1.
func lineEnd(b []byte, i int) int {
	for i < len(b) && b[i] != '\n' {
		if b[i] != ' ' && b[i] != '\t' && b[i] != '\r' {
			return -1
		}
		i++
	}
	return i
}

// maxDepth is how deep brackets may be nested. With it, the time to read any event is
// proportional to its length.
const maxDepth = 64

// balanced returns the index after the element that begins at b[i]. The element ends where no
// bracket is open and a byte in stop, or the end of b, follows. ok is false if it has no end,
// or its brackets are nested too deep.
func balanced(b []byte, i int, stop string) (end int, ok bool) {
	depth := 0
	for ; i < len(b); i++ {
		if depth == 0 && strings.IndexByte(stop, b[i]) >= 0 {
			return i, true
		}
		switch b[i] {
		case '"':
			if i = closingQuote(b, i); i < 0 {
				return 0, false
			}
		case '{', '[':
			if depth++; depth > maxDepth {
				return 0, false
			}
		case '}', ']':
			if depth--; depth < 0 {
				return 0, false
			}
		}
	}
	return len(b), depth == 0
}

// closingQuote returns the index of the quote that closes the string opened at b[i]. It is -1
// if there is none on the same line.
func closingQuote(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		case '\n':
			return -1
		}
	}
	return -1
}

// elementEnd returns the index after the array element that begins at b[i], and the index of
// the comma or bracket that follows it. Both are len(b) if the element's brackets are not
// balanced.
func elementEnd(b []byte, i int) (end, next int) {
	next, ok := balanced(b, i, ",]")
	if !ok {
		return len(b), len(b)
	}
	return i + len(bytes.TrimRight(b[i:next], " \t\r\n")), next
}

// lineElementEnd returns the index after an element that cannot be read and begins at b[i],
// where each line has an object. It ends before the next line that begins with an opening
// brace.
func lineElementEnd(b []byte, i int) int {
	if n := bytes.Index(b[i:], []byte("\n{")); n >= 0 {
		return i + n
	}
	return len(b)
}

// fault returns an error for the byte b[i], where something else is wanted. It wraps
// [fleet.ErrInvalid].
func fault[Text string | []byte](b Text, i int, want string) error {
	if i >= len(b) {
		return fmt.Errorf("%w: it ends where %s should be", fleet.ErrInvalid, want)
	}
	return fmt.Errorf("%w: %q at byte %d where %s should be", fleet.ErrInvalid, b[i], i, want)
}

// scanString returns the index after the string that begins at b[i], and whether it has
// escapes.
func scanString[Text string | []byte](b Text, i int) (end int, escaped bool, err error) {
	if i >= len(b) || b[i] != '"' {
		return 0, false, fault(b, i, "a string")
	}
	for j := i + 1; j < len(b); j++ {
		switch c := b[j]; {
		case c == '"':
			return j + 1, escaped, nil
		case c == '\\':
			escaped = true
			j++
		case c < ' ':
			return 0, false, fault(b, j, "the rest of a string")
		}
	}
	return 0, false, fault(b, len(b), "the rest of a string")
}

// text returns the text of the JSON string raw. Escaped is the result of [scanString].
func text(raw []byte, escaped bool) ([]byte, error) {
	if !escaped {
		return raw[1 : len(raw)-1], nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("%w: %.60q is no JSON string: %v", fleet.ErrInvalid, raw, err)
	}
	return []byte(s), nil
}

// number returns the length of the JSON number that b begins with, 0 if there is none.
func number[Text string | []byte](b Text) int {
	i := 0
	if i < len(b) && b[i] == '-' {
		i++
	}
	n := digits(b[i:])
	if n == 0 || n > 1 && b[i] == '0' {
		return 0
	}
	i += n
	if i < len(b) && b[i] == '.' {
		n := digits(b[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n := digits(b[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

// digits returns how many decimal digits b begins with.
func digits[Text string | []byte](b Text) int {
	n := 0
	for n < len(b) && '0' <= b[n] && b[n] <= '9' {
		n++
	}
	return n
}
