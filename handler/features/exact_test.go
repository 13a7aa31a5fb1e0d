package features

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// randomFloat returns a finite number: of any magnitude, subnormal, or below 2⁶⁰.
func randomFloat(r *rand.Rand) float64 {
	switch r.IntN(4) {
	case 0:
		for {
			if v := math.Float64frombits(r.Uint64()); !math.IsNaN(v) && math.Abs(v) < 1e300 {
				return v
			}
		}
	case 1:
		return math.Float64frombits(r.Uint64()>>12) * float64(r.IntN(3)-1) // subnormal
	}
	return math.Ldexp(r.Float64()-0.5, r.IntN(60))
}

// TestExactSum compares sums with those of 2,300 bits. A sum from which all is subtracted again
// must be 0.
func TestExactSum(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var s exactSum
		exact := new(big.Float).SetPrec(2300)
		var values []float64
		for range r.IntN(3000) {
			v := randomFloat(r)
			values = append(values, v)
			s.add(v)
			exact.Add(exact, new(big.Float).SetFloat64(v))
			if len(values) < 50 {
				if want, _ := exact.Float64(); s.value() != want {
					t.Fatalf("the sum of %v is %v, want %v", values, s.value(), want)
				}
			}
		}
		if want, _ := exact.Float64(); s.value() != want {
			t.Fatalf("the sum of %d values is %v, want %v", len(values), s.value(), want)
		}
		for _, v := range values {
			s.add(-v)
		}
		if s.value() != 0 {
			t.Fatalf("after all was subtracted, the sum is %v, want 0", s.value())
		}
	}
}

// TestPair checks that the two parts of a sum are within 2^-104 of it, and do not depend on what
// else was added and subtracted before.
func TestPair(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		var s, other exactSum
		exact := new(big.Float).SetPrec(2300)
		for range 1 + r.IntN(8) {
			v, temporary := randomFloat(r), randomFloat(r)
			exact.Add(exact, new(big.Float).SetFloat64(v))
			s.add(v)
			other.add(temporary)
			other.value()
			other.add(v)
			other.value()
			other.add(-temporary)
		}
		v, rest := s.pair()
		if w, wRest := other.pair(); v != w || rest != wRest {
			t.Fatalf("%v: got the pairs %v, %v and %v, %v of equal sums", exact, v, rest, w, wRest)
		}
		want, _ := exact.Float64()
		off := new(big.Float).SetPrec(2300).Sub(exact, new(big.Float).SetFloat64(v))
		off.Sub(off, new(big.Float).SetFloat64(rest))
		if f, _ := off.Float64(); v != want || math.Abs(f) > math.Abs(want)*0x1p-104+0x1p-1073 {
			t.Fatalf("%v: got the pair %v, %v, which differs by %v", exact, v, rest, f)
		}
	}
}

// TestMoments compares variances in a moving window with those of 500 bits.
func TestMoments(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for _, offset := range []float64{0, 1, 1e6, -1e9, 1e15} {
		var m moments
		var values []float64
		for range 500 {
			v := offset + r.NormFloat64()
			values = append(values, v)
			m.add(v, true)
			if len(values) > 40 {
				m.remove(values[0], true)
				values = values[1:]
			}
			sum, squares := new(big.Float).SetPrec(500), new(big.Float).SetPrec(500)
			for _, v := range values {
				x := new(big.Float).SetPrec(500).SetFloat64(v)
				sum.Add(sum, x)
				squares.Add(squares, new(big.Float).SetPrec(500).Mul(x, x))
			}
			n := new(big.Float).SetPrec(500).SetInt64(int64(len(values)))
			square := new(big.Float).SetPrec(500).Mul(sum, sum)
			squares.Sub(squares, square.Quo(square, n))
			if len(values) < 2 {
				continue
			}
			want, _ := squares.Float64()
			want /= float64(len(values) - 1)
			if got := m.variance(); math.Abs(got-want) > 4e-16*want {
				t.Fatalf("values around %v: got variance %v, want %v", offset, got, want)
			}
		}
	}
	var constant moments
	for range 10 {
		constant.add(0.1, true)
	}
	if v := constant.variance(); v != 0 {
		t.Errorf("ten equal values: got variance %v, want 0", v)
	}
}
