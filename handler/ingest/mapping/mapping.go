package mapping

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Mapping says how events become readings. It is safe for concurrent use.
type Mapping struct {
	name    string
	shape   shape // of a built-in one; nil for readings and a program
	program *program
}

// Auto is the mapping that tells the others apart.
const Auto = "auto"

// plain is the name of the mapping of readings as this project writes them.
const plain = "readings"

// Plain is the mapping of readings as this project writes them.
var Plain = &Mapping{name: plain}

// Builtin lists the mappings that have names, with what each reads.
func Builtin() [][2]string {
	all := [][2]string{
		{Auto, "each of those below, told apart by the members that an event has"},
		{plain, "objects with the members device, sensor, ts and value, under these or a few similar names"},
	}
	for _, b := range builtins {
		all = append(all, [2]string{b.name, b.about})
	}
	return all
}

// isBuiltin reports whether a mapping has the name.
func isBuiltin(name string) bool {
	return name == Auto || name == plain || slices.ContainsFunc(builtins, func(b builtin) bool { return b.name == name })
}

// Parse returns the mapping that text says: the name of a built-in one, or a
// program in jq. Its error wraps [fleet.ErrInvalid] and says where the program
// is wrong.
func Parse(text string) (*Mapping, error) {
	text = strings.TrimSpace(text)
	switch text {
	case "", Auto:
		return &Mapping{name: Auto, shape: auto}, nil
	case plain:
		return Plain, nil
	}
	if isBuiltin(text) {
		return &Mapping{name: text, shape: named1(text).shape}, nil
	}
	if bareWord(text) {
		var names []string
		for _, b := range Builtin() {
			names = append(names, b[0])
		}
		return nil, fmt.Errorf("%w: there is no mapping %.40q: use one of %s, or a program in jq", fleet.ErrInvalid, text, strings.Join(names, ", "))
	}
	p, err := newProgram(text)
	if err != nil {
		return nil, err
	}
	return &Mapping{name: "program", program: p}, nil
}

// bareWord reports whether text can be meant as a name only.
func bareWord(text string) bool {
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == "" && !slices.Contains([]string{"empty", "values"}, text)
}

// Name returns the name of a built-in mapping, or "program".
func (m *Mapping) Name() string { return m.name }

// program is a program in jq, and what it was compiled to: for each that runs
// it at the same time once.
type program struct {
	text     string
	machines sync.Pool // of *machine
}

func newProgram(text string) (*program, error) {
	p := &program{text: text}
	m, err := compile(text)
	if err != nil {
		return nil, err
	}
	p.machines.Put(m)
	return p, nil
}

// machine returns one that nobody else uses.
func (p *program) machine() *machine {
	if m, ok := p.machines.Get().(*machine); ok {
		return m
	}
	m, err := compile(p.text)
	if err != nil {
		panic(fmt.Sprintf("mapping: a program that compiled does not any more: %v", err))
	}
	return m
}

// BlobName returns the blob that a setting names in the container config, in
// place of a mapping: config/NAME.jq.
func BlobName(text string) (name string, ok bool) {
	name, ok = strings.CutPrefix(strings.TrimSpace(text), "config/")
	return name, ok && strings.HasSuffix(name, ".jq") && !strings.ContainsAny(name, " \t\r\n|")
}
