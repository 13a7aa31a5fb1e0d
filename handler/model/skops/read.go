package skops

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fleetscore/fleetscore/handler/model/archive"
	"github.com/fleetscore/fleetscore/handler/model/numpy"
	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// Schema is the name of the file that a zip file of skops contains.
const Schema = "schema.json"

// maxProtocol is the newest supported version of the format.
const maxProtocol = 2

// Options are the options of [Read].
type Options struct {
	// Allow reports whether the file may contain a class. An object of another class
	// becomes a [pickle.Refused]. A nil Allow allows nothing.
	Allow func(pickle.Global) bool
	// Budget is the memory that may be allocated. Nil means NewBudget of the unpacked
	// size.
	Budget *pickle.Budget
}

// Read returns the object in a file of skops, with the values of package pickle, and the
// version of skops that wrote it.
func Read(a *archive.Archive, opt Options) (value any, version string, err error) {
	if opt.Budget == nil {
		opt.Budget = pickle.NewBudget(a.Size())
	}
	schema, err := a.Read(Schema)
	if err != nil {
		return nil, "", err
	}
	parsed, err := parse(schema, opt.Budget)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", Schema, err)
	}
	root, ok := parsed.(object)
	if !ok || root.text("__loader__") == "" {
		return nil, "", fmt.Errorf("%s does not describe an object of skops", Schema)
	}
	protocol, err := number(fmt.Sprint(root.get("protocol")))
	if n, ok := protocol.(int64); err != nil || !ok || n < 0 || n > maxProtocol {
		return nil, "", fmt.Errorf("protocol %v of skops is not supported: 0 to %d are", root.get("protocol"), maxProtocol)
	}
	r := &reader{Archive: a, Options: opt, arrays: make(map[string]*numpy.Array), blobs: make(map[string][]byte)}
	value, err = r.node(root, 0)
	return value, root.text("_skops_version"), err
}

// reader turns the nodes of a schema into values.
type reader struct {
	*archive.Archive
	Options
	arrays map[string]*numpy.Array // by name of the file
	blobs  map[string][]byte       // by name of the file
}

// nodes are the supported kinds of nodes, by the name of their loader in skops.
var nodes map[string]func(r *reader, n object, depth int) (any, error)

func init() {
	nodes = map[string]func(r *reader, n object, depth int) (any, error){
		"JsonNode":                    (*reader).json,
		"DictNode":                    (*reader).dict,
		"DefaultDictNode":             (*reader).mainDict,
		"_DictWithDeprecatedKeysNode": (*reader).mainDict,
		"ListNode":                    (*reader).list,
		"TupleNode":                   (*reader).tuple,
		"SetNode":                     (*reader).set,
		"SliceNode":                   (*reader).slice,
		"BytesNode":                   (*reader).bytes,
		"BytearrayNode":               (*reader).bytes,
		"TypeNode":                    (*reader).name,
		"FunctionNode":                (*reader).function,
		"ObjectNode":                  (*reader).object,
		"TreeNode":                    (*reader).reduced,
		"LossNode":                    (*reader).reduced,
		"QuantileForestNode":          (*reader).reduced,
		"ConstructorFromReduceNode":   (*reader).constructed,
		"NdArrayNode":                 (*reader).array,
		"DTypeNode":                   (*reader).dtype,
		"SparseMatrixNode":            (*reader).sparse,
		// The content of these nodes is ignored, since no supported estimator uses it.
		"RandomStateNode":     (*reader).hollow,
		"RandomGeneratorNode": (*reader).hollow,
		"MaskedArrayNode":     (*reader).hollow,
		"PartialNode":         (*reader).hollow,
		"MethodNode":          (*reader).hollow,
		"OperatorFuncNode":    (*reader).hollow,
	}
}

const (
	sizeHolder = 64
	sizeObject = 192
)

// node returns the value of a node.
func (r *reader) node(v any, depth int) (any, error) {
	n, ok := v.(object)
	if !ok {
		return nil, errors.New("a node that is no JSON object")
	}
	if depth == maxDepth {
		return nil, fmt.Errorf("%w: nested over %d deep", pickle.ErrLimit, maxDepth)
	}
	loader := n.text("__loader__")
	read, ok := nodes[loader]
	if !ok {
		return nil, fmt.Errorf("a node of kind %.40q is not supported", loader)
	}
	if err := r.Budget.Take(sizeHolder); err != nil {
		return nil, err
	}
	return read(r, n, depth+1)
}

func (r *reader) json(n object, _ int) (any, error) { return scalar(n.text("content")) }

// items returns the values of the nodes in a list.
func (r *reader) items(v any, depth int) ([]any, error) {
	nodes, ok := v.(list)
	if !ok {
		return nil, errors.New("a node without its list")
	}
	items := make([]any, len(nodes))
	for i, n := range nodes {
		var err error
		if items[i], err = r.node(n, depth); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (r *reader) list(n object, depth int) (any, error) {
	items, err := r.items(n.get("content"), depth)
	return &pickle.List{Items: items}, err
}

func (r *reader) tuple(n object, depth int) (any, error) {
	items, err := r.items(n.get("content"), depth)
	return &pickle.Tuple{Items: items}, err
}

func (r *reader) set(n object, depth int) (any, error) {
	items, err := r.items(n.get("content"), depth)
	return &pickle.Set{Items: items}, err
}

// dict returns a dict. The schema has its keys as strings, and their types in a separate
// list.
func (r *reader) dict(n object, depth int) (any, error) {
	content, ok := n.get("content").(object)
	if !ok {
		return nil, errors.New("a dict without its content")
	}
	types, _ := n.get("key_types").(object)
	kinds, err := r.items(types.get("content"), depth)
	if err != nil || len(kinds) != len(content) {
		return nil, errors.Join(errors.New("a dict without a type for each key"), err)
	}
	d := &pickle.Dict{Entries: make([]pickle.Entry, len(content))}
	for i, m := range content {
		v, err := r.node(m.value, depth)
		if err != nil {
			return nil, err
		}
		d.Entries[i] = pickle.Entry{Key: key(m.key, kinds[i]), Value: v}
	}
	return d, nil
}

// key converts a key to its type.
func key(text string, kind any) any {
	g, _ := kind.(pickle.Global)
	switch {
	case g.Name == "str", g.Name == "str_":
		return text
	case g.Name == "bool" || g.Name == "bool_":
		return strings.EqualFold(text, "true")
	case strings.HasPrefix(g.Name, "int"), strings.HasPrefix(g.Name, "uint"), strings.HasPrefix(g.Name, "float"):
		if v, err := number(text); err == nil {
			return v
		}
	case g.Name == "NoneType":
		return nil
	}
	return text
}

// mainDict returns the dict in the member main. The other members are ignored.
func (r *reader) mainDict(n object, depth int) (any, error) {
	content, _ := n.get("content").(object)
	return r.node(content.get("main"), depth)
}

func (r *reader) slice(n object, _ int) (any, error) {
	content, _ := n.get("content").(object)
	var args []any
	for _, name := range []string{"start", "stop", "step"} {
		var arg any
		switch v := content.get(name).(type) {
		case nil:
		case string:
			arg = v
		default:
			var err error
			if arg, err = number(fmt.Sprint(v)); err != nil {
				return nil, err
			}
		}
		args = append(args, arg)
	}
	return &pickle.Object{Class: pickle.Global{Module: "builtins", Name: "slice"}, Args: args}, nil
}

func (r *reader) bytes(n object, _ int) (any, error) {
	name := n.text("file")
	if content, ok := r.blobs[name]; ok {
		return content, nil
	}
	content, err := r.unpack(name)
	r.blobs[name] = content
	return content, err
}

// unpack reads a file of the archive, and takes its size from the budget.
func (r *reader) unpack(name string) ([]byte, error) {
	content, err := r.Archive.Read(name)
	if err != nil {
		return nil, err
	}
	return content, r.Budget.Take(len(content))
}
