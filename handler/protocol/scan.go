package protocol

import (
	"bytes"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// The host's envelopes are scanned, not unmarshalled: three quarters of a batch
// of events is metadata that nobody reads. What is skipped is only delimited;
// what is read is checked by its reader.

var errSyntax = errors.New("not JSON")

// space returns the index of the first byte of b at or after i that is no JSON
// white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index after the string that opens at b[i].
func skipString(b []byte, i int) (int, error) {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1, nil
		case '\\':
			i++
		}
	}
	return 0, errSyntax
}

// skip returns the index after the JSON value that begins at b[i].
func skip(b []byte, i int) (int, error) {
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			end, err := skipString(b, i)
			if err != nil || depth == 0 {
				return end, err
			}
			i = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth < 0 {
				return 0, errSyntax
			}
			if depth == 0 {
				return i + 1, nil
			}
		default:
			if depth == 0 {
				return skipScalar(b, i)
			}
		}
		i++
	}
	return 0, errSyntax
}

// skipScalar returns the index after the number or word that begins at b[i].
func skipScalar(b []byte, i int) (int, error) {
	n := bytes.IndexAny(b[i:], ",:]} \t\r\n")
	switch {
	case n == 0:
		return 0, errSyntax
	case n < 0:
		return len(b), nil
	}
	return i + n, nil
}

// elements calls f with each element of the JSON array b.
func elements(b []byte, f func(raw []byte) error) error {
	return list(b, '[', ']', func(i int) (int, error) {
		end, err := skip(b, i)
		if err != nil {
			return 0, err
		}
		return end, f(b[i:end])
	})
}

// members calls f with each member of the JSON object b. The name is unquoted.
func members(b []byte, f func(name, raw []byte) error) error {
	return list(b, '{', '}', func(i int) (int, error) {
		if b[i] != '"' {
			return 0, errSyntax
		}
		colon, err := skipString(b, i)
		if err != nil {
			return 0, err
		}
		name, err := unquote(b[i:colon])
		if err != nil {
			return 0, err
		}
		colon = space(b, colon)
		if colon == len(b) || b[colon] != ':' {
			return 0, errSyntax
		}
		begin := space(b, colon+1)
		end, err := skip(b, begin)
		if err != nil {
			return 0, err
		}
		return end, f(name, b[begin:end])
	})
}

// list walks the comma-separated items between open and close, which must be
// all of b. item takes the index where an item begins and returns the one
// after its end.
func list(b []byte, open, close byte, item func(i int) (int, error)) error {
	i := space(b, 0)
	if i == len(b) || b[i] != open {
		return errSyntax
	}
	i = space(b, i+1)
	for first := true; i < len(b) && (!first || b[i] != close); first = false {
		var err error
		if i, err = item(i); err != nil {
			return err
		}
		i = space(b, i)
		if i == len(b) || b[i] == close {
			break
		}
		if b[i] != ',' {
			return errSyntax
		}
		if i = space(b, i+1); i == len(b) {
			break
		}
	}
	if i == len(b) || space(b, i+1) != len(b) {
		return errSyntax
	}
	return nil
}

// unquote returns the text of the JSON string raw: a part of raw itself where
// that has no escapes.
func unquote(raw []byte) ([]byte, error) {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return nil, errSyntax
	}
	raw = raw[1 : len(raw)-1]
	esc := bytes.IndexByte(raw, '\\')
	if esc < 0 {
		return raw, nil
	}
	text := make([]byte, 0, len(raw))
	for ; esc >= 0; esc = bytes.IndexByte(raw, '\\') {
		text = append(text, raw[:esc]...)
		var err error
		if text, raw, err = unescape(text, raw[esc+1:]); err != nil {
			return nil, err
		}
	}
	return append(text, raw...), nil
}

// escapes maps the letter after a backslash to what it stands for.
var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// unescape appends what the escape stands for of which raw begins after the
// backslash, and returns the rest of raw. Half a surrogate pair becomes U+FFFD,
// as in encoding/json.
func unescape(text, raw []byte) ([]byte, []byte, error) {
	if len(raw) == 0 {
		return nil, nil, errSyntax
	}
	if c := escapes[raw[0]]; c != 0 {
		return append(text, c), raw[1:], nil
	}
	r, ok := hex4(raw)
	if !ok {
		return nil, nil, errSyntax
	}
	raw = raw[5:]
	if utf16.IsSurrogate(r) {
		r2, pair := rune(0), false
		if len(raw) > 0 && raw[0] == '\\' {
			r2, pair = hex4(raw[1:])
		}
		if r = utf16.DecodeRune(r, r2); pair && r != utf8.RuneError {
			raw = raw[6:]
		}
	}
	return utf8.AppendRune(text, r), raw, nil
}

// hex4 reads the u and four hexadecimal digits with which raw begins.
func hex4(raw []byte) (rune, bool) {
	if len(raw) < 5 || raw[0] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range raw[1:5] {
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
