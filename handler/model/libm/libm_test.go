package libm_test

import (
	"bufio"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

// golden calls f with each argument and result in a file that golden.py in testdata
// wrote.
func golden(t *testing.T, name string, f func(x, want float64)) {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		x, y, _ := strings.Cut(lines.Text(), " ")
		f(parse(t, x), parse(t, y))
	}
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// same reports whether a and b have the same bits, or are both NaN.
func same(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

func TestExp(t *testing.T) {
	t.Parallel()
	golden(t, "exp.txt", func(x, want float64) {
		if got := libm.Exp(x); !same(got, want) {
			t.Errorf("Exp(%x) = %x, glibc gives %x", x, got, want)
		}
	})
}

func TestExp2(t *testing.T) {
	t.Parallel()
	golden(t, "exp2.txt", func(x, want float64) {
		if got := libm.Exp2(x); !same(got, want) {
			t.Errorf("Exp2(%x) = %x, glibc's pow(2, x) gives %x", x, got, want)
		}
	})
	for x, want := range map[float64]float64{0: 1, math.Inf(-1): 0, math.Inf(1): math.Inf(1), -2000: 0, 1e-50: 1, -600: 0x1p-600} {
		if got := libm.Exp2(x); got != want {
			t.Errorf("Exp2(%v) = %v, want %v", x, got, want)
		}
	}
}

func TestLogInt(t *testing.T) {
	t.Parallel()
	golden(t, "log.txt", func(x, want float64) {
		if got := libm.LogInt(int(x)); !same(got, want) {
			t.Errorf("LogInt(%v) = %x, glibc's log gives %x", x, got, want)
		}
	})
}

func TestTanh(t *testing.T) {
	t.Parallel()
	golden(t, "tanh.txt", func(x, want float64) {
		if got := libm.Tanh(x); !same(got, want) {
			t.Errorf("Tanh(%x) = %x, glibc gives %x", x, got, want)
		}
	})
}

func TestFloat32(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(float32) float32{"expf": libm.Exp32, "logf": libm.Log32} {
		golden(t, name+".txt", func(x, want float64) {
			if got := f(float32(x)); !same(float64(got), want) {
				t.Errorf("%s(%x) = %x, glibc gives %x", name, x, got, want)
			}
		})
	}
}

// TestExpTable computes the table again, with 7 square roots of 2. Entry k has h and t, where
// h(1+t) = 2^(k/128).
func TestExpTable(t *testing.T) {
	t.Parallel()
	root := big.NewFloat(2).SetPrec(400)
	for range 7 {
		root.Sqrt(root)
	}
	power := big.NewFloat(1).SetPrec(400)
	for k, entry := range libm.ExpTable() {
		h, _ := power.Float64()
		rest := new(big.Float).SetPrec(400).SetFloat64(h)
		rest.Quo(new(big.Float).Sub(power, rest), rest)
		tail, _ := rest.Float64()
		if want := [2]uint64{math.Float64bits(tail), math.Float64bits(h) - uint64(k)<<45}; entry != want {
			t.Errorf("entry %d is %x, want %x", k, entry, want)
		}
		power.Mul(power, root)
	}
}

func BenchmarkExp(b *testing.B) {
	x, sum := 0.0, 0.0
	for b.Loop() {
		if x -= 0.37; x < -50 {
			x = 0
		}
		sum += libm.Exp(x)
	}
	if math.IsNaN(sum) {
		b.Fatal(sum)
	}
}
