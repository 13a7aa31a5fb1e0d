package pickle_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/measure"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// hostile are malicious or damaged pickles.
var hostile = []struct {
	name string
	data string
	want error // nil: any
}{
	{"bytes of 1 TiB", "\x80\x04\x8e\x00\x00\x00\x00\x00\x01\x00\x00.", pickle.ErrTruncated},
	{"bytes of 4 GiB", "\x80\x04B\xff\xff\xff\xff.", pickle.ErrTruncated},
	{"a string of 2^64-1 bytes", "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", pickle.ErrTruncated},
	{"a byte array beyond the end", "\x80\x05\x96\x09\x00\x00\x00\x00\x00\x00\x00abc.", pickle.ErrTruncated},
	{"a frame beyond the end", "\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.", pickle.ErrTruncated},
	{"an integer of 1 MiB", "\x80\x02\x8b\x00\x00\x10\x00" + strings.Repeat("\x7f", 1<<20) + ".", pickle.ErrLimit},
	{"an integer of a negative length", "\x80\x02\x8b\xff\xff\xff\xff.", pickle.ErrLimit},
	{"an integer of many digits", "L" + strings.Repeat("7", 1<<20) + "L\n.", pickle.ErrLimit},
	{"too many marks", strings.Repeat("(", 4<<20), pickle.ErrLimit},
	{"lists in lists", strings.Repeat("]", 1<<20) + strings.Repeat("a", 1<<20-1) + ".", pickle.ErrLimit},
	{"tuples in tuples", "N" + strings.Repeat("\x85", 1<<20) + ".", pickle.ErrLimit},
	{"dicts without end", strings.Repeat("}", 4<<20) + ".", pickle.ErrLimit},
	{"too many opcodes", strings.Repeat("N0", 3<<20) + "N.", pickle.ErrLimit},
	{"a string encoded again and again", "c_codecs\nencode\nq\x00X\x00\x00\x10\x00" + strings.Repeat("a", 1<<20) +
		"q\x01X\x06\x00\x00\x00latin1q\x020" + strings.Repeat("h\x00h\x01h\x02\x86R", 1000) + ".", pickle.ErrLimit},
	{"a memo bomb: each list twice in the next", "]" + strings.Repeat("q\x000(h\x00h\x00l", 2000) + ".", pickle.ErrLimit},
	{"a memo index of 5000 where there is nothing", "Nr\x88\x13\x00\x00.", nil},
	{"a memo index of 2^31-1", "Nr\xff\xff\xff\x7f.", nil},
	{"a memo index of 10^9 in text", "Np1000000000\n.", nil},
	{"nothing in the memo", "h\x07.", nil},
	{"an index of text", "gx\n.", nil},
	{"opcode 0xff", "\xff.", pickle.ErrOpcode},
	{"protocol 6", "\x80\x06N.", nil},
	{"out-of-band data", "\x80\x05\x97.", pickle.ErrOutOfBand},
	{"a persistent id", "Pid\n.", nil},
	{"a persistent id off the stack", "NQ.", nil},
	{"an extension", "\x82\x01.", nil},
	{"odd items", "}(Nu.", nil},
	{"an odd dict", "(Nd.", nil},
	{"appending to a number", "K\x01Na.", nil},
	{"setting an item of None", "NNNs.", nil},
	{"an empty stack", ".", nil},
	{"a pop from below a mark", "N(0R.", nil},
	{"a mark left open", "N(.", nil},
	{"a call of a number", "K\x01)R.", nil},
	{"a call without a tuple", "cnumpy\nndarray\nNR.", nil},
	{"a state twice", "cnumpy\nndarray\n)\x81}b}b.", nil},
	{"a state of a tuple", ")}b.", nil},
	{"a name of numbers", "K\x01K\x02\x93.", nil},
	{"an object on int", "ccopy_reg\n_reconstructor\n(cnumpy\nndarray\nc__builtin__\nint\nI0\ntR.", nil},
	{"another encoding", "c_codecs\nencode\n(Vx\nVrot13\ntR.", nil},
	{"a string that is not UTF-8", "X\x02\x00\x00\x00\xff\xfe.", nil},
	{"a string without an end", "Vabc", pickle.ErrTruncated},
	{"half an escape", "Va\\u12\n.", nil},
	{"a float of words", "Fnought\n.", nil},
	{"an empty file", "", pickle.ErrTruncated},
	{"a file of zeros", "\x00\x00\x00\x00", pickle.ErrOpcode},
}

func allowNumpy(g pickle.Global) bool { return strings.HasPrefix(g.Module, "numpy") }

// mostMemory returns how many bytes reading data may allocate: 8 for each byte, 64 for
// each opcode, and 2 MiB.
func mostMemory(data []byte) int { return (8+64)*len(data) + 2<<20 }

// TestHostile checks that hostile pickles are refused, without taking much memory.
func TestHostile(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			data := []byte(tt.data)
			var v any
			var err error
			measure.Bounded(t, mostMemory(data), func() { v, err = pickle.Read(data, pickle.Options{Allow: allowNumpy}) })
			var where *pickle.Error
			if !errors.As(err, &where) || tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("got %v, %v; want an error that is %v", v, err, tt.want)
			}
		})
	}
}

// TestRefusedNames checks that a name which is not allowed is read as a Refused, whatever
// the pickle does with it.
func TestRefusedNames(t *testing.T) {
	for name, data := range map[string]string{
		"a call":                 "cos\nsystem\n(Vrm -rf /\ntR.",
		"with a state":           "cos\nsystem\n)R}b.",
		"an instance":            "cos\nsystem\n)\x81.",
		"with keywords":          "\x80\x04\x8c\x02os\x8c\x06system\x93)}\x92.",
		"a classic instance":     "(ios\nsystem\n.",
		"an object":              "(cos\nsystem\no.",
		"a list":                 "cos\nsystem\n)\x81(NNeNa.",
		"a dict":                 "cos\nsystem\n)\x81(NNuNNs.",
		"a call of a call":       "cos\nsystem\n)R)R.",
		"by copy_reg":            "ccopy_reg\n_reconstructor\n(cos\nsystem\nc__builtin__\nobject\nNtR.",
		"by a named tuple":       "cdill._dill\n_create_namedtuple\n(Vsystem\n)Vos\ntR(Vrm -rf /\ntR.",
		"eval of the old Python": "c__builtin__\neval\n(Vos\ntR.",
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			v, err := pickle.Read([]byte(data), pickle.Options{Allow: func(pickle.Global) bool { asked++; return false }})
			if err != nil {
				t.Fatal(err)
			}
			if r, ok := v.(*pickle.Refused); !ok || r.Module != "os" && r.Module != "builtins" || asked != 1 {
				t.Errorf("got %#v and %d calls of Allow, want a Refused and one call", v, asked)
			}
		})
	}
}

// TestNestedPickles checks that pickles nested too deep are refused.
func TestNestedPickles(t *testing.T) {
	deep := bytes.Repeat([]byte("cnumpy\nndarray\n)\x81}b"), pickle.MaxNested+1)
	_, err := pickle.Read(deep, pickle.Options{
		Allow: allowNumpy,
		Built: func(_ *pickle.Object, in *pickle.Input) (any, error) { return in.Nested() },
	})
	if !errors.Is(err, pickle.ErrLimit) {
		t.Errorf("%d pickles inside one another: got %v, want pickle.ErrLimit", pickle.MaxNested+1, err)
	}
}
