package pickle

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

var errUTF8 = errors.New("a string is not UTF-8")

func (r *reader) unicode1() error { return r.unicode(1) }
func (r *reader) unicode4() error { return r.unicode(4) }
func (r *reader) unicode8() error { return r.unicode(8) }

func (r *reader) unicode(size int) error {
	b, err := r.counted(size)
	if err != nil {
		return err
	}
	if err := r.opt.Budget.Take(2*sizeValue + len(b)); err != nil {
		return err
	}
	if !utf8.Valid(b) {
		return errUTF8
	}
	return r.push(r.text(b))
}

// unicodeText reads a string of protocol 0 in raw-unicode-escape: Latin-1 with the escapes
// \uXXXX and \UXXXXXXXX.
func (r *reader) unicodeText() error {
	b, err := r.line()
	if err != nil {
		return err
	}
	if err := r.opt.Budget.Take(2*sizeValue + 4*len(b)); err != nil {
		return err
	}
	text := make([]byte, 0, 2*len(b))
	for i := 0; i < len(b); i++ {
		digits := escapeDigits(b[i:])
		if digits == 0 {
			text = utf8.AppendRune(text, rune(b[i]))
			continue
		}
		c, err := hexRune(b[i+2:], digits)
		if err != nil {
			return err
		}
		text = utf8.AppendRune(text, c)
		i += 1 + digits
	}
	return r.push(string(text))
}

// escapeDigits returns the number of hexadecimal digits of the escape at the beginning of b,
// or 0 if there is none.
func escapeDigits(b []byte) int {
	switch {
	case len(b) < 2 || b[0] != '\\':
		return 0
	case b[1] == 'u':
		return 4
	case b[1] == 'U':
		return 8
	}
	return 0
}

// hexRune reads a character from that many hexadecimal digits.
func hexRune(b []byte, digits int) (rune, error) {
	if len(b) < digits {
		return 0, errors.New("a string ends within an escape")
	}
	c, err := strconv.ParseUint(string(b[:digits]), 16, 21)
	if err != nil {
		return 0, fmt.Errorf("%q is no hexadecimal escape", b[:digits])
	}
	return rune(c), nil
}

func (r *reader) string1() error { return r.latin1(1) }
func (r *reader) string4() error { return r.latin1(4) }

func (r *reader) latin1(size int) error {
	b, err := r.counted(size)
	if err != nil {
		return err
	}
	return r.pushLatin1(b)
}

func (r *reader) pushLatin1(b []byte) error {
	if err := r.opt.Budget.Take(2*sizeValue + 4*len(b)); err != nil {
		return err
	}
	text := make([]byte, 0, 2*len(b))
	for _, c := range b {
		text = utf8.AppendRune(text, rune(c))
	}
	return r.push(string(text))
}

// stringText reads a string of Python 2's protocol 0, with quotes and escapes.
func (r *reader) stringText() error {
	b, err := r.line()
	if err != nil {
		return err
	}
	if len(b) < 2 || b[0] != b[len(b)-1] || b[0] != '\'' && b[0] != '"' {
		return errors.New("a string without its quotes")
	}
	if err := r.opt.Budget.Take(len(b)); err != nil {
		return err
	}
	raw, err := unescape(b[1 : len(b)-1])
	if err != nil {
		return err
	}
	return r.pushLatin1(raw)
}

var escapes = map[byte]byte{
	'\\': '\\', '\'': '\'', '"': '"', 'n': '\n', 'r': '\r', 't': '\t', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v', '0': 0,
}

// unescape decodes the escapes in Python's repr of a byte string.
func unescape(b []byte) ([]byte, error) {
	raw := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			raw = append(raw, b[i])
			continue
		}
		if i++; i == len(b) {
			return nil, errors.New("a string ends within an escape")
		}
		if b[i] != 'x' {
			c, ok := escapes[b[i]]
			if !ok {
				return nil, fmt.Errorf("unknown escape \\%c in a string", b[i])
			}
			raw = append(raw, c)
			continue
		}
		c, err := hexRune(b[i+1:], 2)
		if err != nil {
			return nil, err
		}
		raw = append(raw, byte(c))
		i += 2
	}
	return raw, nil
}
