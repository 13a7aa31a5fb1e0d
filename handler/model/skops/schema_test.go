package skops_test

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
	"github.com/fleetscore/fleetscore/handler/model/skops"
)

// zipped returns a zip file of a schema and other files, given as name, content, name,
// content.
func zipped(t testing.TB, schema string, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for files = append([]string{skops.Schema, schema}, files...); len(files) > 0; files = files[2:] {
		f, err := z.Create(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(files[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// list returns the schema of a list of nodes.
func list(nodes string) string {
	return `{"__class__":"list","__module__":"builtins","__loader__":"ListNode","content":[` + nodes + `],"protocol":2,"_skops_version":"0.16.0"}`
}

// node returns a node with this loader and other members.
func node(loader, rest string) string { return `{"__loader__":"` + loader + `",` + rest + `}` }

// scalar returns the node of a JSON value.
func scalar(content string) string { return node("JsonNode", `"content":`+content) }

// TestSchemas checks the values of single nodes.
func TestSchemas(t *testing.T) {
	t.Parallel()
	function := `"content":{"module_path":"numpy","function":"log1p"}`
	digits := strings.Repeat("9", pickle.MaxLong)
	for _, c := range []struct{ name, node, want string }{
		{"function of protocol 0", node("FunctionNode", function), "[name numpy.log1p]"},
		{"function", node("FunctionNode", `"__module__":"math","__class__":"sqrt","content":null`), "[name math.sqrt]"},
		{"type", node("TypeNode", `"__module__":"numpy","__class__":"float64"`), "[name numpy.float64]"},
		{"member twice", node("TypeNode", `"__module__":"a","__class__":"b","__class__":"c"`), "[name a.c]"},
		{"integer", scalar(`"-7"`), "[-7]"},
		{"most digits", scalar(`"` + digits + `"`), "[" + digits + "]"},
		{"escape", scalar(`"\"\\u00fc\""`), `["ü"]`},
		{"object without content", node("ObjectNode", `"__module__":"m","__class__":"C"`), "[m.CNone]"},
		{"constructed", node("ConstructorFromReduceNode", `"__module__":"m","__class__":"C","content":`+node("TupleNode", `"content":[]`)), "[m.CNone]"},
		{"slice", node("SliceNode", `"content":{"start":1,"stop":"None","step":null}`), `[slice(1, "None", None)]`},
		{"keys", node("DictNode", `"content":{"1":`+scalar(`"1"`)+`,"x":`+scalar(`"2"`)+`,"false":`+scalar(`"3"`)+`},"key_types":`+
			node("ListNode", `"content":[`+node("TypeNode", `"__class__":"uint8"`)+`,`+node("TypeNode", `"__class__":"int"`)+`,`+node("TypeNode", `"__class__":"bool_"`)+`]`)),
			`[{1: 1, "x": 2, False: 3}]`},
	} {
		v, version, err := read(zipped(t, list(c.node)), skops.Options{Allow: all})
		if err != nil || version != "0.16.0" {
			t.Errorf("%s: got version %q, %v; want 0.16.0", c.name, version, err)
			continue
		}
		if got := text(v); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// TestHostile checks the errors for files that skops does not write.
func TestHostile(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return list(strings.Repeat(`{"__loader__":"ListNode","content":[`, n) + strings.Repeat("]}", n))
	}
	object := func(shape, content string) string {
		return node("NdArrayNode", `"__class__":"ndarray","type":"json","shape":`+shape+`,"content":[`+content+`]`)
	}
	shape := func(dims string) string { return node("TupleNode", `"content":[`+dims+`]`) }
	array := func(class string) string {
		return list(node("NdArrayNode", `"__class__":"`+class+`","__module__":"numpy","type":"numpy","file":"1.npy"`))
	}
	header := "{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}"
	npy := "\x93NUMPY\x01\x00" + string([]byte{byte(len(header)), 0}) + header + strings.Repeat("\x00", 16)
	if v, _, err := read(zipped(t, array("ndarray"), "1.npy", npy), skops.Options{}); err != nil || text(v) != `[array [2] ["f0000000000000000", "f0000000000000000"]]` {
		t.Fatalf("the array that the cases change: got %s, %v", text(v), err)
	}
	for _, c := range []struct {
		name, schema, want string
		files              []string
	}{
		{"no JSON", "what", "schema.json: invalid character 'w'", nil},
		{"empty", "", "schema.json: " + pickle.ErrTruncated.Error(), nil},
		{"cut", list("")[:50], "schema.json: " + pickle.ErrTruncated.Error(), nil},
		{"two values", list("") + "{}", "schema.json: more than one value", nil},
		{"a number", "1", "schema.json does not describe an object of skops", nil},
		{"without loader", `{"protocol":2}`, "schema.json does not describe an object of skops", nil},
		{"protocol 3", strings.Replace(list(""), `"protocol":2`, `"protocol":3`, 1), "protocol 3 of skops is not supported: 0 to 2 are", nil},
		{"protocol -1", strings.Replace(list(""), `"protocol":2`, `"protocol":-1`, 1), "protocol -1 of skops", nil},
		{"protocol 1.5", strings.Replace(list(""), `"protocol":2`, `"protocol":1.5`, 1), "protocol 1.5 of skops", nil},
		{"no protocol", strings.Replace(list(""), `"protocol"`, `"other"`, 1), "protocol <nil> of skops", nil},
		{"unknown node", list(node("OtherNode", `"a":1`)), `a node of kind "OtherNode" is not supported`, nil},
		{"no node", list("1"), "a node that is no JSON object", nil},
		{"no list", list(node("ListNode", `"content":{}`)), "a node without its list", nil},
		{"no scalar", list(scalar(`"x"`)), `"x" is no JSON value`, nil},
		{"broken text", list(scalar(`"\"x"`)), "unexpected end of JSON input", nil},
		{"too many digits", list(scalar(`"` + strings.Repeat("9", pickle.MaxLong+1) + `"`)), "a number of 1025 digits", nil},
		{"dict without content", list(node("DictNode", `"content":[]`)), "a dict without its content", nil},
		{"dict without types", list(node("DictNode", `"content":{}`)), "a dict without a type for each key", nil},
		{"a type too few", list(node("DictNode", `"content":{"a":1},"key_types":`+node("ListNode", `"content":[]`))), "a dict without a type for each key", nil},
		{"arguments", list(node("ConstructorFromReduceNode", `"content":`+node("ListNode", `"content":[]`))), "an object whose arguments are no tuple", nil},
		{"no __reduce__", list(node("TreeNode", `"content":null`)), "a node that is no JSON object", nil},
		{"builtin", list(node("ObjectNode", `"__module__":"builtins","__class__":"eval"`)), "an object of builtins.eval in a ", nil},
		{"numpy", list(node("ObjectNode", `"__module__":"numpy","__class__":"f2py"`)), "an object of numpy.f2py in a ", nil},
		{"slice of objects", list(node("SliceNode", `"content":{"start":[]}`)), "is no JSON value", nil},
		{"array of another kind", list(node("NdArrayNode", `"type":"other"`)), `an array in a "other" is not supported`, nil},
		{"objects too few", list(object(shape(scalar(`"2"`)), scalar(`"1"`))), "an array of shape [2] is given 1 objects", nil},
		{"objects without shape", list(object(scalar(`"null"`), "")), "an array without its shape", nil},
		{"objects of a shape in words", list(object(scalar(`"\"wide\""`), scalar(`"1"`))), "an array without its shape", nil},
		{"negative shape", list(object(shape(scalar(`"-1"`)), "")), "-1 is no dimension of an array", nil},
		{"objects not in lists", list(object(shape(scalar(`"1"`)+","+scalar(`"1"`)), scalar(`"1"`))), "an array of shape [1 1] is given 0 objects", nil},
		{"no array", array("ndarray"), `"1.npy": `, nil},
		{"array of another format", array("ndarray"), `"1.npy": `, []string{"1.npy", "text"}},
		{"cut array", array("ndarray"), `"1.npy": `, []string{"1.npy", npy[:len(npy)-1]}},
		{"scalar of two", array("float64"), "a numpy float64 of 2 elements", []string{"1.npy", npy}},
		{"dtype without array", list(node("DTypeNode", `"content":`+scalar(`"1"`))), "a dtype without its array", nil},
		{"bytes without file", list(node("BytesNode", `"file":"1.bin"`)), `1.bin`, nil},
		{"deep", deep(148), "", nil},
		{"too deep in JSON", deep(150), "nested over 300 deep", nil},
	} {
		v, _, err := read(zipped(t, c.schema, c.files...), skops.Options{Allow: all})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, %v; want %q", c.name, v, err, c.want)
		}
	}
	if _, _, err := read(zipped(t, list(""))[:4], skops.Options{}); err == nil {
		t.Error("the first four bytes of a zip file were read, want an error")
	}
}

// TestSharedFiles checks that a file is read once, however many nodes refer to it.
func TestSharedFiles(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<18)
	nodes := strings.TrimSuffix(strings.Repeat(node("BytesNode", `"file":"1.bin"`)+",", 100), ",")
	v, _, err := read(zipped(t, list(nodes), "1.bin", long), skops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	items := v.(*pickle.List).Items
	if len(items) != 100 || &items[0].([]byte)[0] != &items[99].([]byte)[0] {
		t.Errorf("got %d items, want 100 with the same memory", len(items))
	}
}
