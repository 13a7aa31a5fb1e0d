package xgboost

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// readLegacy reads the binary format of 0.90 and of 1.0 to 3.0. It begins with
// LearnerModelParam (src/learner.cc). Numbers are little-endian.
func (b *Booster) readLegacy(data []byte, budget *pickle.Budget) error {
	if rest, ok := bytes.CutPrefix(data, []byte(serialized)); ok {
		if len(rest) < 8 || binary.LittleEndian.Uint64(rest) > uint64(len(rest)-8) {
			return errTruncated
		}
		data = rest[8 : 8+binary.LittleEndian.Uint64(rest)]
	}
	data = bytes.TrimPrefix(data, []byte("binf"))
	r := &legacyReader{data: data}
	b.baseScore = []float32{math.Float32frombits(uint32(r.int()))}
	b.Features, b.classes = int(r.int()), int(r.int())
	extra, _ := r.int(), r.int()
	b.Version = Version(r.int())*100 + Version(r.int())
	if n := r.int(); n > 1 && b.Version >= 106 {
		b.targets = int(n)
	}
	r.take(4 * 26)
	b.Objective, b.Kind = r.text(), r.text()
	if r.err != nil {
		return r.err
	}
	if b.Version > 300 {
		return fmt.Errorf("%w: the version is %v", errMalformed, b.Version)
	}
	var err error
	switch b.Kind {
	case "gblinear":
		err = b.legacyLinear(r, budget)
	case "gbtree", "dart":
		err = b.legacyTrees(r, budget)
	default:
		return b.check() // its error names the kind
	}
	if err == nil && extra != 0 {
		err = b.legacyAttributes(r, budget)
	}
	return err
}

// legacyLinear reads GBLinearModel.
func (b *Booster) legacyLinear(r *legacyReader, budget *pickle.Budget) error {
	r.take(4 * 34)
	b.weights = r.floats(budget)
	return r.err
}

// legacyTrees reads GBTreeModel, and the weights of the trees of dart.
func (b *Booster) legacyTrees(r *legacyReader, budget *pickle.Budget) error {
	trees, parallel := int(r.int()), int(r.int())
	r.take(4 * 38)
	// A tree takes at least its parameters, a node, and the statistics of a node.
	if r.err != nil || trees < 0 || trees > len(r.data)/(148+20+16) {
		return errTruncated
	}
	if err := budget.Take(64 * trees); err != nil {
		return err
	}
	b.trees = make([]tree, 0, trees)
	var raw rawTree
	for i := range trees {
		if err := r.tree(&raw); err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		t, err := raw.build(budget)
		if err != nil {
			return fmt.Errorf("tree %d: %w", i, err)
		}
		b.trees = append(b.trees, t)
	}
	b.groups = make([]int32, trees)
	for i := range b.groups {
		b.groups[i] = r.int()
	}
	if b.parallel = 1; b.Version >= 106 {
		b.parallel = max(parallel, 1)
	}
	if b.Kind == "dart" {
		b.drop = r.floats(budget)
	}
	return r.err
}

// tree reads a RegTree: its parameters, its nodes, and the statistics of the nodes, which
// are ignored.
func (r *legacyReader) tree(t *rawTree) error {
	const node, statistics = 20, 16
	t.reset()
	r.take(4) // num_roots
	n := int(r.int())
	r.take(4 * 35)
	if r.err != nil || n < 1 || n > len(r.data)/(node+statistics) {
		return errTruncated
	}
	for range n {
		r.take(4) // parent
		left, right := r.int(), r.int()
		feature := uint32(r.int())
		t.left, t.right = append(t.left, left), append(t.right, right)
		t.feature = append(t.feature, int32(feature&0x7fffffff))
		t.defaultLeft = append(t.defaultLeft, int32(feature>>31))
		t.condition = append(t.condition, math.Float32frombits(uint32(r.int())))
	}
	r.take(n * statistics)
	return r.err
}

// legacyAttributes reads pairs of strings.
func (b *Booster) legacyAttributes(r *legacyReader, budget *pickle.Budget) error {
	n := r.length(16)
	if err := budget.Take(128 * n); err != nil {
		return err
	}
	b.Attributes = make(map[string]string, n)
	for range n {
		name := r.text()
		b.Attributes[name] = r.text()
	}
	return r.err
}

var (
	errTruncated = errors.New("it ends too early")
	errMalformed = errors.New("it is malformed")
)

// legacyReader reads little-endian numbers. After an error it returns 0.
type legacyReader struct {
	data []byte
	err  error
}

func (r *legacyReader) take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.err, r.data = errTruncated, nil
		return nil
	}
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *legacyReader) int() int32 {
	if raw := r.take(4); raw != nil {
		return int32(binary.LittleEndian.Uint32(raw))
	}
	return 0
}

func (r *legacyReader) length(size int) int {
	raw := r.take(8)
	if raw == nil {
		return 0
	}
	n := binary.LittleEndian.Uint64(raw)
	if n > uint64(len(r.data)/size) {
		r.err, r.data = errTruncated, nil
		return 0
	}
	return int(n)
}

func (r *legacyReader) text() string { return string(r.take(r.length(1))) }

func (r *legacyReader) floats(budget *pickle.Budget) []float32 {
	n := r.length(4)
	if err := budget.Take(4 * n); err != nil {
		r.err = err
		return nil
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = math.Float32frombits(uint32(r.int()))
	}
	return v
}
