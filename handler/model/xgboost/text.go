package xgboost

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// textReader reads JSON in the form that XGBoost writes, with NaN and Infinity.
type textReader struct {
	data  []byte
	at    int
	depth int
}

func (r *textReader) fail(want string) error {
	if r.at >= len(r.data) {
		return errTruncated
	}
	return fmt.Errorf("%w: %q at byte %d where %s is wanted", errMalformed, r.data[r.at], r.at, want)
}

// next skips blanks and returns the next byte without reading it, or 0 at the end.
func (r *textReader) next() byte {
	for r.at < len(r.data) {
		switch c := r.data[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
	return 0
}

func (r *textReader) open(bracket byte, want string) error {
	if r.next() != bracket {
		return r.fail(want)
	}
	r.at++
	if r.depth++; r.depth > maxNesting {
		return fmt.Errorf("%w: over %d arrays and objects inside one another", errMalformed, maxNesting)
	}
	return nil
}

// more reports whether an array or object has another element. It reads the comma before the
// element, or the closing bracket. First says that no element was read yet.
func (r *textReader) more(bracket byte, first bool) (bool, error) {
	switch c := r.next(); {
	case c == bracket:
		r.at++
		r.depth--
		return false, nil
	case first:
		return true, nil
	case c == ',':
		r.at++
		return true, nil
	}
	return false, r.fail("a comma or a closing bracket")
}

func (r *textReader) object(each func(key string) error) error {
	if err := r.open('{', "an object"); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := r.more('}', first)
		if err != nil || !more {
			return err
		}
		key, err := r.text()
		if err != nil {
			return err
		}
		if r.next() != ':' {
			return r.fail("a colon")
		}
		r.at++
		if err := each(key); err != nil {
			return err
		}
	}
}

func (r *textReader) array(each func() error) error {
	if err := r.open('[', "an array"); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := r.more(']', first)
		if err != nil || !more {
			return err
		}
		if err := each(); err != nil {
			return err
		}
	}
}

// count estimates how many numbers the next array has.
func (r *textReader) count() int {
	n := 1
	for _, c := range r.data[r.at:] {
		switch c {
		case ',':
			n++
		case ']':
			return n
		}
	}
	return 0
}

func (r *textReader) floats(dst []float32) ([]float32, error) {
	dst = slices.Grow(dst, r.count())
	err := r.array(func() error {
		token := r.token()
		v, err := strconv.ParseFloat(string(token), 32)
		if err != nil && !isRange(err) {
			r.at -= len(token)
			return r.fail("a number")
		}
		dst = append(dst, float32(v))
		return nil
	})
	return dst, err
}

// isRange reports whether a number is too large, which reads as infinite.
func isRange(err error) bool {
	return errors.Is(err, strconv.ErrRange)
}

func (r *textReader) ints(dst []int32) ([]int32, error) {
	dst = slices.Grow(dst, r.count())
	err := r.array(func() error {
		token := r.token()
		v, err := strconv.ParseInt(string(token), 10, 64)
		switch {
		case string(token) == "true":
			v, err = 1, nil
		case string(token) == "false":
			v, err = 0, nil
		}
		if err != nil || v < -1<<31 || v > 1<<32-1 {
			r.at -= len(token)
			return r.fail("an integer of 32 bits")
		}
		dst = append(dst, int32(v)) // the parent of the root is written as an unsigned number
		return nil
	})
	return dst, err
}

// token reads a number or a name: NaN, Infinity, true, false, null.
func (r *textReader) token() []byte {
	r.next()
	start := r.at
	for r.at < len(r.data) {
		c := r.data[r.at]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.' {
			r.at++
			continue
		}
		break
	}
	return r.data[start:r.at]
}

func (r *textReader) text() (string, error) {
	if r.next() != '"' {
		return "", r.fail("a string")
	}
	start := r.at + 1
	for i := start; i < len(r.data); i++ {
		switch r.data[i] {
		case '"':
			r.at = i + 1
			return string(r.data[start:i]), nil
		case '\\':
			return r.escaped(start, i)
		}
	}
	return "", errTruncated
}

// escaped reads a string that has escapes. It begins at start, and its first backslash is at
// i.
func (r *textReader) escaped(start, i int) (string, error) {
	text := append([]byte(nil), r.data[start:i]...)
	for ; i < len(r.data); i++ {
		c := r.data[i]
		switch {
		case c == '"':
			r.at = i + 1
			return string(text), nil
		case c != '\\':
			text = append(text, c)
			continue
		}
		if i++; i == len(r.data) {
			break
		}
		switch c := r.data[i]; c {
		case 'n':
			text = append(text, '\n')
		case 't':
			text = append(text, '\t')
		case 'r':
			text = append(text, '\r')
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'u':
			if i+4 >= len(r.data) {
				return "", errTruncated
			}
			code, err := strconv.ParseUint(string(r.data[i+1:i+5]), 16, 16)
			if err != nil {
				r.at = i
				return "", r.fail("four hexadecimal digits")
			}
			text = utf8.AppendRune(text, rune(code))
			i += 4
		default: // a quote, a slash, a backslash
			text = append(text, c)
		}
	}
	return "", errTruncated
}

func (r *textReader) skip() error {
	switch r.next() {
	case '{':
		return r.object(func(string) error { return r.skip() })
	case '[':
		return r.array(r.skip)
	case '"':
		return r.skipText()
	}
	if len(r.token()) == 0 {
		return r.fail("a value")
	}
	return nil
}

func (r *textReader) skipText() error {
	for i := r.at + 1; i < len(r.data); i++ {
		switch r.data[i] {
		case '"':
			r.at = i + 1
			return nil
		case '\\':
			i++
		}
	}
	return errTruncated
}

func (r *textReader) end() error {
	if r.next(); r.at < len(r.data) && r.data[r.at] != 0 { // 0 ends a C string
		return r.fail("the end")
	}
	return nil
}
