package xgboost

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

// TestLooksLegacy checks which data look like the binary format. The objective's name has 3
// to 64 bytes, and the first letters of the booster's name follow it.
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
		{"the shortest data", model("a:b", "dart"), true},
		{"a byte less than that", model("a:b", "dart")[:136+8+3+8+3], false},
		{"the longest name", model(long, "gbtree"), true},
		{"a longer name", model(long+"x", "gbtree"), false},
		{"a shorter name", model("a:", "gbtree"), false},
		{"no colon", model("logistic", "gbtree"), false},
		{"another booster", model("a:b", "tree"), false},
		{"too short", make([]byte, 143), false},
	} {
		if got := looksLegacy(c.data); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestLooksLegacyTruncated checks that truncated data do not look like the binary format.
func TestLooksLegacyTruncated(t *testing.T) {
	t.Parallel()
	data := make([]byte, 136)
	data = binary.LittleEndian.AppendUint64(data, 64)
	data = append(data, "reg:"+strings.Repeat("x", 60)...)
	data = append(binary.LittleEndian.AppendUint64(data, 4), "dart"...)
	for n := range data {
		if looksLegacy(data[:n:n]) {
			t.Errorf("the first %d of %d bytes look like a model", n, len(data))
		}
	}
	if !looksLegacy(data) {
		t.Error("the whole data do not look like a model")
	}
}

// TestSigmoid compares with the function in float64. With guards, the library limits the
// argument, so that the result is never 0.
func TestSigmoid(t *testing.T) {
	t.Parallel()
	for _, guards := range []bool{false, true} {
		m := &Model{guards: guards}
		for _, x := range []float32{-80, -5, -1, -0.25, 0, 0.5, 1, 7, 40} {
			want := 1 / (1 + math.Exp(-float64(x)))
			if got := float64(m.sigmoid(x)); math.Abs(got-want) > 2e-7*want {
				t.Errorf("guards %v: sigmoid(%v) = %v, want %v", guards, x, got, want)
			}
		}
	}
	if got := (&Model{guards: true}).sigmoid(-200); got <= 0 || got != (&Model{guards: true}).sigmoid(-90) {
		t.Errorf("with guards, sigmoid(-200) = %v, want the same as of -90", got)
	}
}
