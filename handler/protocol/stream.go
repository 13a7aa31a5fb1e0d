package protocol

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
)

// stream reads JSON of any length. It holds none of it but what it is asked for.
// jsontext would hold each string whole, and the host puts all events of a batch
// into one string. A value is only delimited; its reader checks it.
type stream struct {
	r      *bufio.Reader
	offset int64 // of the next byte
}

func newStream(r io.Reader) *stream { return &stream{r: bufio.NewReaderSize(r, 64<<10)} }

// peek skips white space and returns the byte after it, which stays unread.
func (s *stream) peek() (byte, error) {
	for {
		b, err := s.r.Peek(1)
		if err != nil {
			return 0, err
		}
		switch b[0] {
		case ' ', '\n', '\t', '\r':
			s.discard(1)
		default:
			return b[0], nil
		}
	}
}

// accept reads the byte c after white space.
func (s *stream) accept(c byte) error {
	switch next, err := s.peek(); {
	case err != nil:
		return unexpected(err)
	case next != c:
		return errSyntax
	}
	s.discard(1)
	return nil
}

// discard reads n bytes that have been peeked at.
func (s *stream) discard(n int) {
	_, _ = s.r.Discard(n) // they are in the buffer
	s.offset += int64(n)
}

// unexpected is err, except that the end of the text is an error there.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// beginning is the beginning of a text, and the length of all of it.
type beginning struct {
	text   []byte
	keep   int // how many bytes text may have
	length int64
}

func (b *beginning) Write(p []byte) (int, error) {
	b.length += int64(len(p))
	b.text = append(b.text, p[:min(len(p), b.keep-len(b.text))]...)
	return len(p), nil
}

// whole reports whether the beginning is all of the text.
func (b *beginning) whole() bool { return int64(len(b.text)) == b.length }

// value reads a value, of which it returns the first bytes, at most keep.
func (s *stream) value(keep int) (beginning, error) {
	v := beginning{keep: keep}
	c, err := s.peek()
	if err != nil {
		return v, unexpected(err)
	}
	if c != '{' && c != '[' && c != '"' {
		return v, s.word(&v)
	}
	for depth := 0; ; {
		switch c {
		case '"':
			err = s.string(&v)
		case '{', '[':
			depth++
			err = s.copy(&v, 1)
		case '}', ']':
			depth--
			err = s.copy(&v, 1)
		default:
			err = s.copy(&v, 1)
		}
		if err != nil || depth == 0 {
			return v, err
		}
		b, err := s.r.Peek(1)
		if err != nil {
			return v, unexpected(err)
		}
		c = b[0]
	}
}

// copy reads n bytes into v.
func (s *stream) copy(v *beginning, n int) error {
	b, err := s.r.Peek(n)
	if err != nil {
		return unexpected(err)
	}
	_, _ = v.Write(b)
	s.discard(n)
	return nil
}

// string reads the string that comes next into v, quotes and all.
func (s *stream) string(v *beginning) error {
	if err := s.copy(v, 1); err != nil {
		return err
	}
	for {
		n, err := s.plain()
		if err != nil {
			return err
		}
		if n > 0 {
			err = s.copy(v, n)
		} else if b, _ := s.r.Peek(1); b[0] == '"' {
			return s.copy(v, 1)
		} else {
			err = s.copy(v, 2)
		}
		if err != nil {
			return err
		}
	}
}

// plain returns how many bytes that stand for themselves are in the buffer, of a
// string that is being read. It is 0 before a quote and before a backslash.
func (s *stream) plain() (int, error) {
	if _, err := s.r.Peek(1); err != nil {
		return 0, unexpected(err)
	}
	b, _ := s.r.Peek(s.r.Buffered())
	if n := bytes.IndexByte(b, '"'); n >= 0 {
		b = b[:n]
	}
	if n := bytes.IndexByte(b, '\\'); n >= 0 {
		b = b[:n]
	}
	return len(b), nil
}

// word reads the number or word that comes next into v.
func (s *stream) word(v *beginning) error {
	for {
		b, err := s.r.Peek(1)
		if err == nil && bytes.IndexByte([]byte(",:]} \t\r\n"), b[0]) < 0 {
			err = s.copy(v, 1)
			if err != nil {
				return err
			}
			continue
		}
		if v.length == 0 {
			return errSyntax
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
}

// maxName bounds the name of a member.
const maxName = 1 << 10

// object reads an object. It calls f with the name of each member, and f reads
// the member's value.
func (s *stream) object(f func(name string) error) error {
	if err := s.accept('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := s.peek()
		switch {
		case err != nil:
			return unexpected(err)
		case c == '}':
			s.discard(1)
			return nil
		case !first:
			if err := s.accept(','); err != nil {
				return err
			}
		}
		raw, err := s.value(maxName)
		if err != nil {
			return err
		}
		name, err := unquote(raw.text)
		if err != nil || !raw.whole() {
			return errSyntax
		}
		if err := s.accept(':'); err != nil {
			return err
		}
		if err := f(string(name)); err != nil {
			return err
		}
	}
}

// content reads what the JSON string stands for that s comes to next. It ends
// after the closing quote.
type content struct {
	s     *stream
	left  []byte // of an escape
	ended bool
}

func (c *content) Read(p []byte) (int, error) {
	for len(c.left) == 0 {
		if c.ended {
			return 0, io.EOF
		}
		n, err := c.s.plain()
		if err != nil {
			return 0, err
		}
		if n > 0 {
			n = min(n, len(p))
			b, _ := c.s.r.Peek(n)
			copy(p, b)
			c.s.discard(n)
			return n, nil
		}
		if b, _ := c.s.r.Peek(1); b[0] == '"' {
			c.s.discard(1)
			c.ended = true
			continue
		}
		if err := c.escape(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

// escape reads an escape: a backslash and a letter, \u and four digits, or two
// of these that are a surrogate pair.
func (c *content) escape() error {
	b, err := c.s.r.Peek(2)
	if err != nil {
		return unexpected(err)
	}
	n := 2
	if b[1] == 'u' {
		n = 6
		// Peek moves what it returned before. At the end of the text there may be less
		// than a pair.
		if b, err = c.s.r.Peek(12); len(b) < n {
			return unexpected(err)
		}
		if len(b) == 12 && isHalf(b[:6], "89abAB") && isHalf(b[6:], "cdefCDEF") {
			n = 12
		}
	}
	c.left, err = unquote([]byte(`"` + string(b[:n]) + `"`))
	c.s.discard(n)
	return err
}

// isHalf reports whether the six bytes of b may be \ud and a second digit out of
// digits: half of a surrogate pair.
func isHalf(b []byte, digits string) bool {
	return b[0] == '\\' && b[1] == 'u' && b[2]|0x20 == 'd' && strings.IndexByte(digits, b[3]) >= 0
}

// list reads an array element by element. What is no array counts as its only
// element.
type list struct {
	s            *stream
	alone        bool // there is no array
	quoted       bool // the array or value is the content of a string
	begun, ended bool
}

// newList returns the list that s comes to next.
func newList(s *stream) (*list, error) {
	c, err := s.peek()
	if err != nil {
		return nil, unexpected(err)
	}
	l := &list{s: s}
	if c == '"' {
		s.discard(1)
		l.s, l.quoted = newStream(&content{s: s}), true
		if c, err = l.s.peek(); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	if l.alone = c != '['; !l.alone {
		l.s.discard(1)
	}
	return l, nil
}

// next returns the next element, or its beginning of at most keep bytes. After
// the last its error is [io.EOF].
func (l *list) next(keep int) (beginning, error) {
	none := beginning{keep: keep}
	if l.ended {
		return none, io.EOF
	}
	if l.alone {
		l.ended = true
		if !l.quoted {
			return l.s.value(keep)
		}
		_, err := io.Copy(&none, l.s.r)
		return none, err
	}
	c, err := l.s.peek()
	switch {
	case err != nil:
		return none, unexpected(err)
	case c == ']':
		l.ended = true
		l.s.discard(1)
		return none, l.end()
	case l.begun:
		if err := l.s.accept(','); err != nil {
			return none, err
		}
	}
	l.begun = true
	return l.s.value(keep)
}

// end reads what follows the array.
func (l *list) end() error {
	if !l.quoted {
		return io.EOF
	}
	if _, err := l.s.peek(); err != nil {
		return err
	}
	return errSyntax
}
