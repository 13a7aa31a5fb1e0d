package printable

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"testing"
	"unicode/utf8"
)

func TestWriter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                       "",
		"ä\tb\n€":                "ä\tb\n€",
		"\x1b]0;title\a":         `\x1b]0;title\a`,
		"over\rwritten":          `over\rwritten`,
		"a\u202eb\u009bc":        `a\u202eb\u009bc`,
		"bad \xff, cut \xe2\x82": `bad \xff, cut `,
	} {
		for _, step := range []int{1, 2, len(in) + 1} { // characters may come in pieces
			var out bytes.Buffer
			w := &Writer{To: &out}
			for rest := in; rest != ""; {
				n := min(step, len(rest))
				if wrote, err := io.WriteString(w, rest[:n]); err != nil || wrote != n {
					t.Fatalf("wrote %d of %d: %v", wrote, n, err)
				}
				rest = rest[n:]
			}
			if out.String() != want {
				t.Errorf("%q, %d at a time: %q, want %q", in, step, out.String(), want)
			}
		}
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriterFails(t *testing.T) {
	t.Parallel()
	if n, err := (&Writer{To: full{}}).Write([]byte("x")); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("%d, %v", n, err)
	}
}

// FuzzWriter looks for text that gets through and would not be printed.
func FuzzWriter(f *testing.F) {
	f.Add([]byte("a\x1b[2J"), 3)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		var out bytes.Buffer
		w := &Writer{To: &out}
		cut = max(0, min(cut, len(in)))
		w.Write(in[:cut])
		w.Write(in[cut:])
		for _, r := range out.String() {
			if r != '\n' && r != '\t' && !strconv.IsPrint(r) {
				t.Fatalf("%q gives %q", in, out.String())
			}
		}
		if !utf8.Valid(out.Bytes()) {
			t.Fatalf("%q gives %q", in, out.String())
		}
	})
}
