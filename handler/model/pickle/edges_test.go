package pickle_test

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// TestLimits checks that a pickle just within each limit is read, and one just beyond it
// is refused.
func TestLimits(t *testing.T) {
	t.Parallel()
	digits := func(n int) string { return strings.Repeat("7", n) }
	for _, c := range []struct {
		name, data string
		within     bool
	}{
		{"1000 marks", "N" + strings.Repeat("(", 1000) + strings.Repeat("1", 1000) + ".", true},
		{"1001 marks", "N" + strings.Repeat("(", 1001) + strings.Repeat("1", 1001) + ".", false},
		{"tuples 1000 deep", "N" + strings.Repeat("\x85", 1000) + ".", true},
		{"tuples 1001 deep", "N" + strings.Repeat("\x85", 1001) + ".", false},
		{"lists 1000 deep", strings.Repeat("]", 1000) + strings.Repeat("a", 999) + ".", true},
		{"lists 1001 deep", strings.Repeat("]", 1001) + strings.Repeat("a", 1000) + ".", false},
		{"dicts 1000 deep", strings.Repeat("}N", 999) + "}" + strings.Repeat("s", 999) + ".", true},
		{"dicts 1001 deep", strings.Repeat("}N", 1000) + "}" + strings.Repeat("s", 1000) + ".", false},
		{"an integer of 1024 bytes", "\x8b\x00\x04\x00\x00" + strings.Repeat("\x7f", 1024) + ".", true},
		{"an integer of 1025 bytes", "\x8b\x01\x04\x00\x00" + strings.Repeat("\x7f", 1025) + ".", false},
		{"an integer of 2470 digits", "L" + digits(2470) + "L\n.", true},
		{"an integer of 2471 digits", "L" + digits(2471) + "L\n.", false},
		{"the same without the letter L", "I" + digits(2470) + "\n.", true},
		{"a digit more without the letter L", "I" + digits(2471) + "\n.", false},
	} {
		_, err := pickle.Read([]byte(c.data), pickle.Options{})
		if c.within && err != nil || !c.within && !errors.Is(err, pickle.ErrLimit) {
			t.Errorf("%s: got %v, want success %v", c.name, err, c.within)
		}
	}
	for nested, within := range map[int]bool{pickle.MaxNested: true, pickle.MaxNested + 1: false} {
		data := append(bytes.Repeat([]byte("cnumpy\nndarray\n)\x81}b"), nested-1), "N."...)
		data = append(data, bytes.Repeat([]byte("."), nested-1)...)
		_, err := pickle.Read(data, pickle.Options{Allow: allowNumpy, Built: func(_ *pickle.Object, in *pickle.Input) (any, error) { return in.Nested() }})
		if within && err != nil || !within && !errors.Is(err, pickle.ErrLimit) {
			t.Errorf("%d pickles inside one another: got %v, want success %v", nested, err, within)
		}
	}
}

// TestNestedOneByOne checks that any number of pickles may lie inside one, one after
// another.
func TestNestedOneByOne(t *testing.T) {
	t.Parallel()
	data := "](" + strings.Repeat("cnumpy\nndarray\n)\x81}bK\x07.", 3*pickle.MaxNested) + "e."
	v, err := pickle.Read([]byte(data), pickle.Options{Allow: allowNumpy, Built: func(_ *pickle.Object, in *pickle.Input) (any, error) { return in.Nested() }})
	if err != nil || len(v.(*pickle.List).Items) != 3*pickle.MaxNested || v.(*pickle.List).Items[11] != any(int64(7)) {
		t.Errorf("got %v, %v; want a list of %d sevens", v, err, 3*pickle.MaxNested)
	}
}

// TestMemo checks the memo, the marks and the stack. A memo index may lie up to 1,023 beyond
// the memo's end.
func TestMemo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		data string
		want string // an error, or the value
	}{
		{"K\x07r\xff\x03\x00\x000j\xff\x03\x00\x00.", "7"},
		{"K\x07r\x00\x04\x00\x00.", "memo index 1024 is far beyond the 0 in use"},
		{"K\x07q\x00r\x00\x04\x00\x000j\x00\x04\x00\x00.", "7"},
		{"K\x07q\x00r\x01\x04\x00\x00.", "memo index 1025 is far beyond the 1 in use"},
		{"K\x07q\x03K\x08q\x03h\x03.", "8"},
		{"K\x07q\x03h\x02.", "nothing is in the memo at 2"},
		{"K\x07q\x03h\x03.", "7"},
		{"K\x07q\x03h\x04.", "nothing is in the memo at 4"},
		{"K\x07q\x03K\x08\x94h\x04.", "8"},
		{"Np2147483648\n.", `memo index "2147483648" is no number`},
		{"Np-1\n.", `memo index "-1" is no number`},
		{"(q\x00.", "stack underflow"},
		{"N(q\x00.", "stack underflow"},
		{"N(2.", "stack underflow"},
		{"N(N0.", "stack underflow"},
		{"N(N01.", "None"},
		{"(N11.", "no mark"},
		{"(t.", "()"},
		{"t.", "no mark"},
	} {
		v, err := pickle.Read([]byte(c.data), pickle.Options{})
		if got := text(v); err == nil && got != c.want || err != nil && !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%q: got %s, %v; want %s", c.data, got, err, c.want)
		}
	}
	// This memo needs more memory than readers share.
	var b strings.Builder
	b.WriteString("](")
	for range 3000 {
		b.WriteString("K\x09\x94")
	}
	b.WriteString("K\x05r\xb7\x0b\x00\x00j\xb7\x0b\x00\x00h\x00e.")
	v, err := pickle.Read([]byte(b.String()), pickle.Options{})
	if err != nil || len(v.(*pickle.List).Items) != 3003 || v.(*pickle.List).Items[3001] != any(int64(5)) || v.(*pickle.List).Items[3002] != any(int64(9)) {
		t.Errorf("a memo of 3,000: got %v, %v", v, err)
	}
}

// TestMessages checks the texts of errors, which say at which opcode they are.
func TestMessages(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"":                                  "pickle offset 0 (0x00): truncated: at least 1 bytes are missing",
		"NK":                                "pickle offset 1 (BININT1): truncated: at least 1 bytes are missing",
		"NM\x01":                            "pickle offset 1 (BININT2): truncated: at least 1 bytes are missing",
		"G\x00":                             "pickle offset 0 (BINFLOAT): truncated: at least 7 bytes are missing",
		"\x8a\x05ab":                        "pickle offset 0 (LONG1): truncated: at least 3 bytes are missing",
		"C\x02a":                            "pickle offset 0 (SHORT_BINBYTES): truncated: at least 1 bytes are missing",
		"cnumpy":                            "pickle offset 0 (GLOBAL): truncated: at least 1 bytes are missing",
		"cnumpy\nx":                         "pickle offset 0 (GLOBAL): truncated: at least 1 bytes are missing",
		"\x80\x06.":                         "pickle offset 0 (PROTO): protocol 6 is not supported: 0 to 5 are",
		"N\xff":                             "pickle offset 1 (0xff): unknown opcode: not a pickle, or a damaged one",
		"Ix\n.":                             `pickle offset 0 (INT): "x" is no integer`,
		"L\n.":                              `pickle offset 0 (LONG): "" is no integer`,
		"F\n.":                              `pickle offset 0 (FLOAT): "" is no float64`,
		"S\n.":                              "pickle offset 0 (STRING): a string without its quotes",
		"S'\n.":                             "pickle offset 0 (STRING): a string without its quotes",
		"Sab\n.":                            "pickle offset 0 (STRING): a string without its quotes",
		"S'a\"\n.":                          "pickle offset 0 (STRING): a string without its quotes",
		"Saa\n.":                            "pickle offset 0 (STRING): a string without its quotes",
		"S'a\\'\n.":                         "pickle offset 0 (STRING): a string ends within an escape",
		"S'\\q'\n.":                         "pickle offset 0 (STRING): unknown escape \\q in a string",
		"S'\\x4'\n.":                        "pickle offset 0 (STRING): a string ends within an escape",
		"S'\\xg0'\n.":                       `pickle offset 0 (STRING): "g0" is no hexadecimal escape`,
		"V\\u00e\n.":                        "pickle offset 0 (UNICODE): a string ends within an escape",
		"V\\U0001f60\n.":                    "pickle offset 0 (UNICODE): a string ends within an escape",
		"V\\u00gg\n.":                       `pickle offset 0 (UNICODE): "00gg" is no hexadecimal escape`,
		"V\\Uffffffff\n.":                   `pickle offset 0 (UNICODE): "ffffffff" is no hexadecimal escape`,
		"X\x01\x00\x00\x00\xff.":            "pickle offset 0 (BINUNICODE): a string is not UTF-8",
		"}(Nu.":                             "pickle offset 3 (SETITEMS): a key without a value",
		"(NNNd.":                            "pickle offset 4 (DICT): a key without a value",
		"NNa.":                              "pickle offset 2 (APPEND): cannot change None",
		"}Na.":                              "pickle offset 2 (APPEND): cannot append to a dict",
		")NNs.":                             "pickle offset 3 (SETITEM): cannot set items of a tuple",
		"](\x90.":                           "pickle offset 2 (ADDITEMS): cannot add to a list",
		"K\x01)R.":                          "pickle offset 3 (REDUCE): cannot call an integer",
		"NR.":                               "pickle offset 1 (REDUCE): stack underflow",
		"cnumpy\nf\n]\x81.":                 "pickle offset 10 (NEWOBJ): cannot make an instance of numpy.f",
		"\x88)\x81.":                        "pickle offset 2 (NEWOBJ): cannot make an instance of a bool",
		"cnumpy\nf\n)N\x92.":                "pickle offset 11 (NEWOBJ_EX): keyword arguments that are no dict",
		"(o.":                               "pickle offset 1 (OBJ): stack underflow",
		"(No.":                              "pickle offset 2 (OBJ): cannot make an instance of None",
		"inumpy\nf\n.":                      "pickle offset 0 (INST): no mark",
		"N)b.":                              "pickle offset 2 (BUILD): cannot give a state to None",
		"b.":                                "pickle offset 0 (BUILD): stack underflow",
		"Nb.":                               "pickle offset 1 (BUILD): stack underflow",
		"cnumpy\nf\n)\x81NbNb.":             "pickle offset 14 (BUILD): an object of numpy.f is given a state twice",
		"\x8c\x01aK\x01\x93.":               "pickle offset 5 (STACK_GLOBAL): a name that is no string",
		"K\x01\x8c\x01a\x93.":               "pickle offset 5 (STACK_GLOBAL): a name that is no string",
		".":                                 "pickle offset 0 (STOP): stack underflow",
		"N(.":                               "pickle offset 2 (STOP): stack underflow",
		"c_codecs\nencode\n)R.":             "pickle offset 17 (REDUCE): _codecs.encode is only supported for latin1",
		"c_codecs\nencode\n(Va\nVutf8\ntR.": "pickle offset 27 (REDUCE): _codecs.encode is only supported for latin1",
		"c_codecs\nencode\n(NVlatin1\ntR.":  "pickle offset 27 (REDUCE): cannot encode None",
		"c_codecs\nencode\n(V\\u0100\nVlatin-1\ntR.":                       "pickle offset 35 (REDUCE): 'Ā' is not in Latin-1",
		"c__builtin__\nbytes\nN\x85R.":                                     "pickle offset 21 (REDUCE): cannot make bytes of None",
		"c__builtin__\nset\nN\x85R.":                                       "pickle offset 19 (REDUCE): cannot make a set of None",
		"ccopyreg\n__newobj__\n)R.":                                        "pickle offset 21 (REDUCE): copyreg.__newobj__ wants a class",
		"ccopy_reg\n_reconstructor\n)R.":                                   "pickle offset 26 (REDUCE): copyreg._reconstructor wants three arguments",
		"ccopy_reg\n_reconstructor\n(cnumpy\nf\nc__builtin__\nlist\n]tR.":  "pickle offset 55 (REDUCE): objects built on builtins.list are not supported",
		"ccopy_reg\n_reconstructor\n(cnumpy\nf\nc__builtin__\ntuple\nNtR.": "pickle offset 56 (REDUCE): cannot make a tuple of None",
		"cdill._dill\n_create_namedtuple\n)R.":                             "pickle offset 32 (REDUCE): dill._dill._create_namedtuple wants a name, fields and a module",
		"cdill._dill\n_create_namedtuple\n(Va\n)NtR.":                      "pickle offset 38 (REDUCE): a named tuple whose name or module is no string",
		"cdill._dill\n_load_type\n)R.":                                     "pickle offset 24 (REDUCE): dill._dill._load_type wants one argument",
		"cdill._dill\n_load_type\nN\x85R.":                                 "pickle offset 25 (REDUCE): a type named by None",
		"Px\n.":                                                            "pickle offset 0 (PERSID): persistent ids are not supported",
		"\x82\x01.":                                                        "pickle offset 0 (EXT1): extension codes are not supported",
		"\x8d\x00\x00\x00\x00\x00\x01\x00\x00":                             "pickle offset 0 (BINUNICODE8): truncated: at least 1099511627776 bytes are missing",
		"\x8d\x01\x00\x00\x00\x00\x01\x00\x00":                             "pickle offset 0 (BINUNICODE8): a length in it is larger than any file: it is damaged",
	} {
		_, err := pickle.Read([]byte(data), pickle.Options{Allow: allowNumpy})
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", data, err, want)
		}
	}
}

// TestKind checks that each kind of value is called what Python calls it.
func TestKind(t *testing.T) {
	t.Parallel()
	numpy := pickle.Global{Module: "numpy", Name: "f"}
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "None"}, {&pickle.Object{Class: numpy}, "an object of numpy.f"}, {&pickle.Refused{Global: numpy}, "an object of numpy.f"}, {numpy, "numpy.f"},
		{true, "a bool"}, {int64(1), "an integer"}, {big.NewInt(1), "an integer"}, {1.5, "a float"}, {"a", "a string"}, {[]byte("a"), "bytes"},
		{&pickle.Tuple{}, "a tuple"}, {&pickle.List{}, "a list"}, {&pickle.Dict{}, "a dict"}, {&pickle.Set{}, "a set"}, {struct{}{}, "an array"},
	} {
		if got := pickle.Kind(c.value); got != c.want {
			t.Errorf("Kind of a %T: got %s, want %s", c.value, got, c.want)
		}
	}
}

// TestAttr checks which attribute an object has. The state of a class with slots is a pair
// of dicts. Of equal keys the last one counts. Keys that are no strings are ignored.
func TestAttr(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]any{
		"cnumpy\nf\n)\x81}(Va\nK\x01Va\nK\x02K\x01K\x03ub.": int64(2),
		"cnumpy\nf\n)\x81N}(Va\nK\x01u\x86b.":               int64(1),
		"cnumpy\nf\n)\x81}(Va\nK\x01u}(Va\nK\x02u\x86b.":    int64(1),
		"cnumpy\nf\n)\x81}(Vb\nK\x01u}(Va\nK\x02u\x86b.":    int64(2),
		"cnumpy\nf\n)\x81}(Va\nNub.":                        nil,
		"cnumpy\nf\n)\x81}b.":                               "none",
		"cnumpy\nf\n)\x81Va\nb.":                            "none",
		"cnumpy\nf\n)\x81.":                                 "none",
		"cnumpy\nf\n)\x81}(C\x01aK\x01ub.":                  "none",
		"cnumpy\nf\n)\x81(](Va\nK\x01elb.":                  "none",
		"cnumpy\nf\n)\x81](Va\nK\x01eb.":                    "none",
	} {
		v, err := pickle.Read([]byte(data), pickle.Options{Allow: allowNumpy})
		if err != nil {
			t.Errorf("%q: %v", data, err)
			continue
		}
		got, ok := v.(*pickle.Object).Attr("a")
		if !ok {
			got = "none"
		}
		if got != want {
			t.Errorf("%q: got %v, want %v", data, got, want)
		}
	}
}

// TestObjects checks that an object has its arguments, the items of its list and dict, and
// its keyword arguments.
func TestObjects(t *testing.T) {
	t.Parallel()
	v, err := pickle.Read([]byte("\x80\x04cnumpy\nf\nK\x01\x85}Va\nK\x02s\x92K\x03a(K\x04K\x05eK\x06K\x07s(K\x08K\x09u."), pickle.Options{Allow: allowNumpy})
	if err != nil {
		t.Fatal(err)
	}
	o := v.(*pickle.Object)
	if a, ok := o.Kwargs.Get("a"); !ok || a != any(int64(2)) || texts(o.Args) != "1" || texts(o.List) != "3 4 5" || len(o.Entries) != 2 || o.Entries[1] != (pickle.Entry{Key: int64(8), Value: int64(9)}) {
		t.Errorf("got %+v", o)
	}
	if got := pickle.Items(&pickle.Tuple{Items: o.List}); !slices.Equal(got, o.List) {
		t.Error(got)
	}
	if got := pickle.Items(&pickle.List{Items: o.List}); !slices.Equal(got, o.List) {
		t.Error(got)
	}
	if got := pickle.Items(o); got != nil {
		t.Error(got)
	}
}

// TestRefuse checks that Refuse gets the offset and the arguments of each call of a refused
// name.
func TestRefuse(t *testing.T) {
	t.Parallel()
	var met []pickle.Refused
	_, err := pickle.Read([]byte("](cos\nsystem\nVls\n\x85Rcnumpy\nf\n)Rcos\nexit\n)\x81e."), pickle.Options{Allow: allowNumpy, Refuse: func(r *pickle.Refused) { met = append(met, *r) }})
	if err != nil || len(met) != 2 || met[0].Name != "system" || met[0].Offset != 18 || texts(met[0].Args) != `"ls"` || met[1].Name != "exit" || met[1].Offset != 40 || len(met[1].Args) != 0 {
		t.Errorf("got %+v, %v", met, err)
	}
}

// TestBuilt checks that Built may read the bytes after an object, and that its result takes
// the object's place.
func TestBuilt(t *testing.T) {
	t.Parallel()
	built := func(take int) func(*pickle.Object, *pickle.Input) (any, error) {
		return func(o *pickle.Object, in *pickle.Input) (any, error) {
			b, err := in.Take(take)
			return b, err
		}
	}
	data := []byte("cnumpy\nf\n)\x81}babcN\x86.")
	for take, want := range map[int]string{3: `(b"abc" None)`, 0: "", -1: ""} {
		v, err := pickle.Read(data, pickle.Options{Allow: allowNumpy, Built: built(take)})
		if want != "" && (err != nil || text(v) != want) || want == "" && err == nil {
			t.Errorf("Built reads %d bytes: got %s, %v; want %s", take, text(v), err, want)
		}
	}
	_, err := pickle.Read(data, pickle.Options{Allow: allowNumpy, Built: built(7)})
	if cut := (*pickle.Truncated)(nil); !errors.As(err, &cut) || cut.Missing != 1 {
		t.Errorf("Built reads a byte too many: got %v, want pickle.Truncated", err)
	}
	if v, err := pickle.Read(data[:13], pickle.Options{Allow: allowNumpy, Built: built(0)}); err == nil {
		t.Errorf("a pickle that ends after the object: got %s, want an error", text(v))
	}
}

// TestBudget checks that a budget is eight times the size of the file plus 1 MiB, and at
// most 256 MiB. Each opcode adds 64 bytes to it.
func TestBudget(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int{0: 1 << 20, 10: 1<<20 + 80, 32<<20 - 1<<17: 256 << 20, 1 << 30: 256 << 20, math.MaxInt: 256 << 20} {
		b := pickle.NewBudget(size)
		if err := b.Take(want + 1); !errors.Is(err, pickle.ErrLimit) {
			t.Errorf("a file of %d bytes: taking %d bytes: got %v, want pickle.ErrLimit", size, want+1, err)
		}
		if err := b.Take(want); err != nil {
			t.Errorf("a file of %d bytes: taking %d bytes: %v", size, want, err)
		}
		if err := b.Take(0); err != nil {
			t.Errorf("taking nothing: %v", err)
		}
		if err := b.Take(1); !errors.Is(err, pickle.ErrLimit) {
			t.Errorf("a file of %d bytes: a byte more was taken, want pickle.ErrLimit", size)
		}
	}
	if err := pickle.NewBudget(0).Take(-1); !errors.Is(err, pickle.ErrLimit) {
		t.Errorf("taking a negative number: got %v, want pickle.ErrLimit", err)
	}
	// 102 opcodes add 64 bytes each, and 50 lists take 64 bytes each.
	opcodes := []byte(strings.Repeat("]0", 50) + "N.")
	budget := pickle.NewBudget(0)
	if err := budget.Take(1 << 20); err != nil {
		t.Fatal(err)
	}
	if _, err := pickle.Read(opcodes, pickle.Options{Budget: budget}); err != nil {
		t.Errorf("opcodes did not add to the budget: %v", err)
	}
	if err := budget.Take(102*64 - 50*64 + 1); !errors.Is(err, pickle.ErrLimit) {
		t.Error("50 lists were not taken off the budget")
	}
	if err := budget.Take(102*64 - 50*64); err != nil {
		t.Errorf("taking the rest of the budget after 50 lists and 102 opcodes: %v", err)
	}
}

// TestStackBudget checks that a stack larger than the memory that readers share is taken
// off the budget.
func TestStackBudget(t *testing.T) {
	t.Parallel()
	budget := pickle.NewBudget(0)
	if _, err := pickle.Read([]byte("("+strings.Repeat("N", 1000)+"t."), pickle.Options{Budget: budget}); err != nil {
		t.Fatal(err)
	}
	const opcodes, tuple, stack = 1003 * 64, 64 + 1000*16, 1024 * 16
	if err := budget.Take(1<<20 + opcodes - tuple - stack + 1); !errors.Is(err, pickle.ErrLimit) {
		t.Errorf("a stack of 1,000 values: got %v, want pickle.ErrLimit", err)
	}
}

// TestMemory checks that values stay until their memory is reset, and that memory which was
// reset is clean.
func TestMemory(t *testing.T) {
	t.Parallel()
	m := new(pickle.Memory)
	data := []byte("](}(Va\nK\x01\x85u](K\x01K\x02ecnumpy\nf\n)\x81}(Vb\nK\x03ub" + strings.Repeat("K\x01\x85", 200) + "e.")
	want := ""
	for range 50 {
		v, err := pickle.Read(data, pickle.Options{Allow: allowNumpy, Memory: m})
		if err != nil {
			t.Fatal(err)
		}
		again, err := pickle.Read(data, pickle.Options{Allow: allowNumpy, Memory: m})
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = text(v)
		}
		if text(v) != want || text(again) != want {
			t.Fatalf("got %s and then %s, want %s", text(v), text(again), want)
		}
		if got := emptyIn(t, m); got != "([] {} () set() numpy.f()None)" {
			t.Fatalf("empty containers in memory that was reset have %s", got)
		}
	}
}

// emptyIn resets m, reads empty containers into it, and returns their text.
func emptyIn(t *testing.T, m *pickle.Memory) string {
	t.Helper()
	m.Reset()
	v, err := pickle.Read([]byte("(]})\x8fcnumpy\nf\n)\x81t."), pickle.Options{Allow: allowNumpy, Memory: m})
	if err != nil {
		t.Fatal(err)
	}
	return text(v)
}
