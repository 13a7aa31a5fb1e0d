package mapping

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/fleetscore/fleetscore/handler/fleet"
)

// Mapping says how readings are read from events. It is safe for concurrent use.
type Mapping struct {
	name    string
	shape   shape    // nil for the mapping readings and for a program
	program *program // nil for a built-in mapping
}

// Auto is the name of the mapping that recognises the format of each event.
const Auto = "auto"

// plain is the name of the mapping for this project's own format.
const plain = "readings"

// Plain is the mapping for this project's own format: objects with the members device,
// sensor, ts and value.
var Plain = &Mapping{name: plain}

// Builtin returns the names of the built-in mappings, each with a description of what it
// reads.
func Builtin() [][2]string {
	all := [][2]string{
		{Auto, "all of the formats below, recognised by the members that an event has"},
		{plain, "objects with the members device, sensor, ts and value, under these or a few similar names"},
	}
	for _, b := range builtins {
		all = append(all, [2]string{b.name, b.about})
	}
	return all
}

// isBuiltin reports whether a built-in mapping has the name.
func isBuiltin(name string) bool {
	return name == Auto || name == plain || slices.ContainsFunc(builtins, func(b builtin) bool { return b.name == name })
}

// Parse returns the mapping for a text: the name of a built-in mapping, or a program in jq.
// Empty text stands for [Auto]. The error wraps [fleet.ErrInvalid], and names the line and
// column of a program's mistake.
func Parse(text string) (*Mapping, error) {
	text = strings.TrimSpace(text)
	switch text {
	case "", Auto:
		return &Mapping{name: Auto, shape: auto}, nil
	case plain:
		return Plain, nil
	}
	if isBuiltin(text) {
		return &Mapping{name: text, shape: builtinNamed(text).shape}, nil
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

// bareWord reports whether text must be meant as a name, as it cannot be a useful program.
func bareWord(text string) bool {
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == "" && !slices.Contains([]string{"empty", "values"}, text)
}

// Name returns the name of a built-in mapping, or "program".
func (m *Mapping) Name() string { return m.name }

// program is a program in jq. Each goroutine that runs it needs a machine of its own.
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

// machine returns a machine that no other goroutine uses.
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

// BlobName returns the name of the blob if the text of a setting is config/NAME.jq. ok is
// false if the text is a mapping.
func BlobName(text string) (name string, ok bool) {
	name, ok = strings.CutPrefix(strings.TrimSpace(text), "config/")
	return name, ok && strings.HasSuffix(name, ".jq") && !strings.ContainsAny(name, " \t\r\n|")
}
