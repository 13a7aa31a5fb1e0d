package xgboost

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

// TestLooksLegacy: the name of an objective has 3 to 64 bytes, and the data go as far
// as the first letters of the booster's name.
func TestLooksLegacy(t *testing.T) {
	t.Parallel()
	model := func(objective, booster string) []byte {
		data := make([]byte, 136)
		data = binary.LittleEndian.AppendUint64(data, uint64(len(objective)))
		data = append(data, objective...)
		data = binary.LittleEndian.AppendUint64(data, uint64(len(booster)))
		return append(data, booster...)
	}
	long := "reg:" + strings.Repeat("x", 60)
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"a tree", model("binary:logistic", "gbtree"), true},
		{"to the byte", model("a:b", "dart"), true},
		{"a byte less", model("a:b", "dart")[:136+8+3+8+3], false},
		{"the longest name", model(long, "gbtree"), true},
		{"a longer name", model(long+"x", "gbtree"), false},
		{"a shorter name", model("a:", "gbtree"), false},
		{"no colon", model("logistic", "gbtree"), false},
		{"another booster", model("a:b", "tree"), false},
		{"too short", make([]byte, 143), false},
	} {
		if got := looksLegacy(c.data); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestLooksLegacyAnywhereCut: the beginning of a file is no model, wherever it is cut.
func TestLooksLegacyAnywhereCut(t *testing.T) {
	t.Parallel()
	data := make([]byte, 136)
	data = binary.LittleEndian.AppendUint64(data, 64)
	data = append(data, "reg:"+strings.Repeat("x", 60)...)
	data = append(binary.LittleEndian.AppendUint64(data, 4), "dart"...)
	for n := range data {
		if looksLegacy(data[:n:n]) {
			t.Errorf("%d of %d bytes are taken for a model", n, len(data))
		}
	}
	if !looksLegacy(data) {
		t.Error("all bytes are taken for none")
	}
}

// TestSigmoid compares with the function in float64. Where the library bounds its
// argument, it never becomes 0.
func TestSigmoid(t *testing.T) {
	t.Parallel()
	for _, guards := range []bool{false, true} {
		m := &Model{guards: guards}
		for _, x := range []float32{-80, -5, -1, -0.25, 0, 0.5, 1, 7, 40} {
			want := 1 / (1 + math.Exp(-float64(x)))
			if got := float64(m.sigmoid(x)); math.Abs(got-want) > 2e-7*want {
				t.Errorf("guards %v: the sigmoid of %v is %v, want %v", guards, x, got, want)
			}
		}
	}
	if got := (&Model{guards: true}).sigmoid(-200); got <= 0 || got != (&Model{guards: true}).sigmoid(-90) {
		t.Errorf("the sigmoid of -200 is %v, want that of -88.7", got)
	}
}
