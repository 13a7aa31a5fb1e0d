package pickle_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// text returns a value in a form similar to Python's.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case *pickle.Tuple:
		return "(" + texts(v.Items) + ")"
	case *pickle.List:
		return "[" + texts(v.Items) + "]"
	case *pickle.Set:
		return "set(" + texts(v.Items) + ")"
	case *pickle.Dict:
		var b strings.Builder
		for _, e := range v.Entries {
			fmt.Fprintf(&b, "%s:%s ", text(e.Key), text(e.Value))
		}
		return "{" + strings.TrimSpace(b.String()) + "}"
	case *pickle.Object:
		return fmt.Sprintf("%v(%s)%s", v.Class, texts(v.Args), text(v.State))
	case []byte:
		return fmt.Sprintf("b%q", v)
	case string:
		return fmt.Sprintf("%q", v)
	case *big.Int:
		return v.String()
	}
	return fmt.Sprint(v)
}

func texts(items []any) string {
	parts := make([]string, len(items))
	for i, v := range items {
		parts[i] = text(v)
	}
	return strings.Join(parts, " ")
}

// TestRead checks the value of each opcode. The values are those of Python's pickle.
func TestRead(t *testing.T) {
	for _, tt := range []struct{ data, want string }{
		{"N.", "None"}, {"I01\n.", "true"}, {"I00\n.", "false"}, {"\x88.", "true"}, {"\x89.", "false"},
		{"I-12\n.", "-12"}, {"K\xff.", "255"}, {"M\xff\xff.", "65535"}, {"J\xfe\xff\xff\xff.", "-2"},
		{"L7L\n.", "7"}, {"L-36893488147419103232L\n.", "-36893488147419103232"},
		{"\x8a\x00.", "0"}, {"\x8a\x01\xff.", "-1"}, {"\x8a\x02\xff\x00.", "255"}, {"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", "-9223372036854775808"},
		{"\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x80\x00.", "9223372036854775808"},
		{"\x8b\x09\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\x7f\xff.", "-9223372036854775809"},
		{"F1.5\n.", "1.5"}, {"F-inf\n.", "-Inf"}, {"G\x3f\xf8\x00\x00\x00\x00\x00\x00.", "1.5"},
		{"Vn\\u00e4ch\\U0001f600 \\x \xe9\n.", `"näch😀 \\x é"`}, {"V\\u000a\\u005c\n.", `"\n\\"`},
		{"X\x03\x00\x00\x00\xe2\x82\xac.", `"€"`}, {"\x8c\x01a.", `"a"`}, {"\x8d\x01\x00\x00\x00\x00\x00\x00\x00a.", `"a"`},
		{"S'a\\x41\\n\\'\\\\'\n.", `"aA\n'\\"`}, {"S\"\xe9\"\n.", `"é"`}, {"U\x02\xe9a.", `"éa"`}, {"T\x01\x00\x00\x00a.", `"a"`},
		{"C\x02\x00\xff.", `b"\x00\xff"`}, {"B\x01\x00\x00\x00a.", `b"a"`}, {"\x8e\x01\x00\x00\x00\x00\x00\x00\x00a.", `b"a"`},
		{"\x96\x01\x00\x00\x00\x00\x00\x00\x00a\x98.", `b"a"`},
		{"(K\x01K\x02t.", "(1 2)"}, {").", "()"}, {"N\x85.", "(None)"}, {"NN\x86.", "(None None)"}, {"NNN\x87.", "(None None None)"},
		{"](K\x01K\x02eK\x03a.", "[1 2 3]"}, {"(K\x01l.", "[1]"},
		{"}(K\x01K\x02K\x03K\x04uK\x05K\x06s.", "{1:2 3:4 5:6}"}, {"(K\x01K\x02d.", "{1:2}"},
		{"\x8f(K\x01\x90.", "set(1)"}, {"(K\x01\x91.", "set(1)"}, {"c__builtin__\nset\n(K\x01lK\x05\x86R0N.", "None"},
		{"c__builtin__\nset\n](K\x01e\x85R.", "set(1)"}, {"c_codecs\nencode\n(V\xe9\xff\nVlatin1\ntR.", `b"\xe9\xff"`}, {"c__builtin__\nbytes\n)R.", `b""`},
		{"c__builtin__\nbytearray\nC\x01a\x85R.", `b"a"`},
		{"cnumpy\nndarray\n.", "numpy.ndarray"}, {"\x8c\x05numpy\x8c\x01x\x93.", "numpy.x"},
		{"cnumpy\nf\nK\x01\x85RK\x02b.", "numpy.f(1)2"}, {"cnumpy\nf\n)\x81.", "numpy.f()None"}, {"cnumpy\nf\n)}\x92.", "numpy.f()None"},
		{"ccopy_reg\n_reconstructor\n(cnumpy\nf\nc__builtin__\nobject\nNtR}b.", "numpy.f(){}"},
		{"ccopy_reg\n_reconstructor\n(cnumpy\nf\nc__builtin__\ntuple\nK\x01\x85tR.", "numpy.f(1)None"}, {"cdill._dill\n_create_namedtuple\n(Vf\n)Vnumpy\ntR.", "numpy.f"},
		{"ccopyreg\n__newobj__\ncnumpy\nf\nK\x01\x86R.", "numpy.f(1)None"},
		{"(K\x01inumpy\nf\n.", "numpy.f(1)None"}, {"(cnumpy\nf\nK\x01o.", "numpy.f(1)None"},
		{"K\x07q\x000h\x00.", "7"}, {"K\x07p5\n0g5\n.", "7"}, {"K\x07r\x02\x00\x00\x000j\x02\x00\x00\x00.", "7"}, {"K\x07\x940h\x00.", "7"},
		{"K\x012\x86.", "(1 1)"}, {"K\x01(NN1.", "1"}, {"K\x01(0.", "1"}, {"K\x01N0.", "1"},
		{"\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00N.", "None"}, {"N.and more", "None"},
	} {
		v, err := pickle.Read([]byte(tt.data), pickle.Options{Allow: allowNumpy})
		if err != nil || text(v) != tt.want {
			t.Errorf("%q: got %s, %v, want %s", tt.data, text(v), err, tt.want)
		}
	}
}

// TestLastOfEqualKeysCounts checks that Get returns the last value of a key.
func TestLastOfEqualKeysCounts(t *testing.T) {
	v, err := pickle.Read([]byte("}(Va\nK\x01Va\nK\x02u."), pickle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := v.(*pickle.Dict).Get("a"); !ok || got != int64(2) {
		t.Errorf("got %v, want 2", got)
	}
}

// TestFloatBits checks that the sign of -0 is kept.
func TestFloatBits(t *testing.T) {
	v, err := pickle.Read([]byte("G\x80\x00\x00\x00\x00\x00\x00\x00."), pickle.Options{})
	if f, ok := v.(float64); err != nil || !ok || f != 0 || !math.Signbit(f) {
		t.Errorf("got %v, %v; want -0", v, err)
	}
}

// TestErrorSaysWhere checks that an error has the offset and the opcode.
func TestErrorSaysWhere(t *testing.T) {
	_, err := pickle.Read([]byte("\x80\x04NN\x8e\xff\xff\xff\xff\xff\xff\xff\xff"), pickle.Options{})
	const want = "pickle offset 4 (BINBYTES8): a length in it is larger than any file: it is damaged"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestManySmallObjects checks that the budget suffices for files of many small objects,
// such as the words of a vectorizer with their numbers.
func TestManySmallObjects(t *testing.T) {
	const n = 30_000
	word := func(i int) string {
		return string([]byte{5, 'a' + byte(i%26), 'a' + byte(i/26%26), 'a' + byte(i/676%26), 'a' + byte(i/17576), 'x'})
	}
	for name, entry := range map[string]func(i int) string{
		"words with numbers":       func(i int) string { return "\x8c" + word(i) + "\x94M" + string([]byte{byte(i), byte(i >> 8)}) },
		"words with tuples of one": func(i int) string { return "\x8c" + word(i) + "\x94K\x01\x85\x94" },
		"words with numpy scalars": func(i int) string {
			return "\x8c" + word(i) + "\x94h\x00h\x01C\x08" + string([]byte{byte(i), byte(i >> 8), 0, 0, 0, 0, 0, 0}) + "\x94\x86\x94R\x94"
		},
	} {
		var b strings.Builder
		b.WriteString("\x80\x04cnumpy._core.multiarray\nscalar\n\x940N\x940}\x94")
		for i := range n {
			if i%1000 == 0 {
				b.WriteByte('(')
			}
			b.WriteString(entry(i))
			if i%1000 == 999 {
				b.WriteByte('u')
			}
		}
		b.WriteByte('.')
		v, err := pickle.Read([]byte(b.String()), pickle.Options{Allow: allowNumpy})
		if err != nil {
			t.Errorf("%s, %d bytes: %v", name, b.Len(), err)
			continue
		}
		if d, ok := v.(*pickle.Dict); !ok || len(d.Entries) != n {
			t.Errorf("%s: got a %T, want a dict of %d", name, v, n)
		}
	}
}

// TestTruncated checks that the error for a truncated pickle says how many bytes are
// missing at least.
func TestTruncated(t *testing.T) {
	whole := "\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x0chello, world\x94."
	for n := len(whole) - 1; n > 10; n-- {
		_, err := pickle.Read([]byte(whole[:n]), pickle.Options{})
		var cut *pickle.Truncated
		if !errors.As(err, &cut) || cut.Missing != uint64(len(whole)-n) {
			t.Errorf("the first %d of %d bytes: got %v, want %d bytes missing", n, len(whole), err, len(whole)-n)
		}
	}
}

// TestReadAll checks that up to a hundred pickles in one file are read as a tuple, and that
// other bytes after a pickle are ignored.
func TestReadAll(t *testing.T) {
	one := "\x80\x04K\x01."
	for data, want := range map[string]int{one: 0, one + "rest": 0, one + "\x80": 0, one + one: 2, strings.Repeat(one, 100): 100, strings.Repeat(one, 101): -1, one + "\x80\x04K": -1} {
		v, err := pickle.ReadAll([]byte(data), pickle.Options{})
		got := len(pickle.Items(v))
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%.40q: got %v, %v, a tuple of %d; want %d", data, v, err, got, want)
		}
	}
}
