package protocol

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool is the body of an invocation in a temporary file. Where the disk is full
// or the body longer than is allowed, rest is the part of it that is not there,
// and reason says why.
type spool struct {
	file   *os.File // nil if none could be made
	size   int64    // of what it holds
	rest   io.Reader
	reason error
}

// newSpool writes a body to a file: first what has been read of it, then the
// rest, at most limit bytes. Its error is that of reading the body.
func newSpool(read []byte, body io.Reader, limit int64) (*spool, error) {
	f, err := os.CreateTemp("", "fleetscore-batch-")
	if err != nil {
		return &spool{rest: io.MultiReader(bytes.NewReader(read), body), reason: err}, nil
	}
	_ = os.Remove(f.Name()) // so that it goes with the process; Windows removes it only when it is closed
	sp := &spool{file: f}
	buffer := make([]byte, 256<<10)
	for chunk := read; ; {
		if left := limit - sp.size; int64(len(chunk)) > left {
			sp.cut(chunk, body, fmt.Errorf("it has more than %d bytes", limit))
			return sp, nil
		}
		n, err := f.Write(chunk)
		sp.size += int64(n)
		if err != nil {
			sp.cut(chunk[n:], body, err)
			return sp, nil
		}
		n, err = body.Read(buffer)
		if chunk = buffer[:n]; n == 0 && err != nil {
			if errors.Is(err, io.EOF) {
				return sp, nil
			}
			sp.Close()
			return nil, err
		}
	}
}

// cut notes what there is of the body beside the file.
func (sp *spool) cut(unwritten []byte, body io.Reader, reason error) {
	sp.rest = io.MultiReader(bytes.NewReader(bytes.Clone(unwritten)), body)
	sp.reason = reason
}

// Close removes the file.
func (sp *spool) Close() {
	if sp.file != nil {
		sp.file.Close()
		_ = os.Remove(sp.file.Name()) // it is gone already, except on Windows
	}
}

// all reads the whole body, which can be done once if it is not all in the file.
func (sp *spool) all() io.Reader {
	if sp.file == nil {
		return sp.rest
	}
	stored := io.NewSectionReader(sp.file, 0, sp.size)
	if sp.rest == nil {
		return stored
	}
	return io.MultiReader(stored, sp.rest)
}

// section is a value in the body.
type section struct{ begin, end int64 }

// sections finds the members of Data and Metadata in a body that is all in the
// file. Their names are those, a dot, and that of the member.
func (sp *spool) sections() (map[string]section, error) {
	all := make(map[string]section)
	s := newStream(sp.all())
	err := envelope(s, func(name string) error {
		if _, err := s.peek(); err != nil { // the value begins after white space
			return unexpected(err)
		}
		begin := s.offset
		_, err := s.value(0)
		all[name] = section{begin, s.offset}
		return err
	})
	return all, err
}

// envelope calls f with the names of the members of Data and Metadata in an
// invocation, in the order in which they come. f reads the value.
func envelope(s *stream, f func(name string) error) error {
	err := s.object(func(outer string) error {
		c, err := s.peek()
		if err != nil {
			return unexpected(err)
		}
		if c != '{' || outer != "Data" && outer != "Metadata" {
			_, err := s.value(0)
			return err
		}
		return s.object(func(inner string) error { return f(outer + "." + inner) })
	})
	if err != nil {
		return err
	}
	if _, err := s.peek(); !errors.Is(err, io.EOF) {
		return cmp.Or(err, errSyntax)
	}
	return nil
}

func (sp *spool) section(at section) io.Reader {
	return io.NewSectionReader(sp.file, at.begin, at.end-at.begin)
}

// list returns the array in a section.
func (sp *spool) list(at section) (*list, error) { return newList(newStream(sp.section(at))) }
