package svm

import (
	"math"
	"unsafe"

	"golang.org/x/sys/cpu"

	"github.com/fleetscore/fleetscore/handler/model/libm"
)

var best = detect()

func detect() Instructions {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA:
		return Portable
	case x.HasAVX512F && x.HasAVX512DQ:
		return AVX512
	}
	return AVX2
}

const (
	maxWidth = 16  // rows that AVX-512 takes at a time; AVX2 takes half
	few      = 3   // up to this many rows are faster one by one
	chunk    = 32  // support vectors whose exp is computed together; a multiple of lanes
	onStack  = 512 // most numbers of a transposed group of rows that is on the stack
)

// decisionVector is decisionPortable with vector instructions. The results are the same to
// the bit.
func (m *OneClass) decisionVector(dst, x []float64) {
	rbf := m.kernel.Type == RBF
	if rbf && m.kernel.Gamma == 0 { // 0 times an infinite distance is NaN
		m.decisionPortable(dst, x)
		return
	}
	if len(dst) > few {
		done := m.groups(dst, x)
		dst, x = dst[done:], x[done*m.dims:]
	}
	if !rbf {
		m.decisionPortable(dst, x)
		return
	}
	for i := range dst {
		dst[i] = m.row(x[i*m.dims : (i+1)*m.dims])
	}
}

// groups is Decision for the first rows of x, in groups, and returns the number of these
// rows. It leaves up to few rows, for which a group is slower.
func (m *OneClass) groups(dst, x []float64) int {
	width := maxWidth
	if m.many == AVX2 {
		width = maxWidth / 2
	}
	var space [onStack + lanes]float64
	columns := aligned(space[:])
	if need := width * m.dims; need > onStack {
		columns = aligned(make([]float64, need+lanes))
	}
	done := 0
	for len(dst)-done > few {
		n := min(width, len(dst)-done)
		rows := x[done*m.dims : (done+n)*m.dims]
		if m.dims > 1 || n < width {
			transpose(columns, rows, m.dims, width)
			rows = columns
		}
		m.group(dst[done:done+n], rows, width)
		done += n
	}
	return done
}

// aligned returns the part of v that starts at a cache line. A load or store of 512 bits
// that crosses two lines takes twice the time.
func aligned(v []float64) []float64 {
	const line = 8 * lanes
	off := -uintptr(unsafe.Pointer(unsafe.SliceData(v))) % line
	return v[off/8:]
}

// transpose writes rows to columns, column by column: feature i of row l is at i*width+l.
func transpose(columns, rows []float64, dims, width int) {
	for l := 0; len(rows) > 0; l++ {
		for i, v := range rows[:dims] {
			columns[i*width+l] = v
		}
		rows = rows[dims:]
	}
}

// group is Decision for the first len(dst) of the width rows in columns. Each lane holds
// another row, so each sum is added in the order of the support vectors.
func (m *OneClass) group(dst, columns []float64, width int) {
	var sums [maxWidth]float64
	var space [chunk*maxWidth + lanes]float64
	aligned := aligned(space[:])
	for j := 0; j < m.count; j += chunk {
		n := min(chunk, m.count-j)
		values := aligned[:(n+3)/4*4*width]
		m.kernelValues(values, columns, m.vectors[j*m.dims:], width)
		if width == maxWidth {
			accumulateAVX512(&sums[0], &values[0], &m.alpha[j], n)
		} else {
			accumulateAVX2(&sums[0], &values[0], &m.alpha[j], n)
		}
	}
	for l := range dst {
		dst[l] = sums[l] - m.rho
	}
}

// kernelValues sets values[j*width+l] to the kernel of vector j and row l.
func (m *OneClass) kernelValues(values, columns, vectors []float64, width int) {
	dst, x, s, quads := &values[0], &columns[0], &vectors[0], len(values)/width/4
	switch {
	case m.kernel.Type != RBF && width == maxWidth:
		rowProductsAVX512(dst, x, s, quads, m.dims)
		m.kernel.apply(values)
		return
	case m.kernel.Type != RBF:
		rowProductsAVX2(dst, x, s, quads, m.dims)
		m.kernel.apply(values)
		return
	case width == maxWidth:
		rowSquaresAVX512(dst, x, s, quads, m.dims)
	default:
		rowSquaresAVX2(dst, x, s, quads, m.dims)
	}
	if m.many == AVX512 {
		expAVX512(dst, len(values), -m.kernel.Gamma, &constants, libm.ExpTable())
	} else {
		expAVX2(dst, len(values), -m.kernel.Gamma, &constants, libm.ExpTable())
	}
}

// row is Decision for one row. Each lane holds another support vector, and their terms are
// then added one by one.
func (m *OneClass) row(x []float64) float64 {
	if m.count == 0 {
		return -m.rho
	}
	vectors, alpha, padded := &m.vectors[0], &m.alpha[0], len(m.alpha)
	if m.one > AVX2 {
		return rowAVX512(&x[0], vectors, alpha, padded/8, m.dims, -m.kernel.Gamma, &constants, libm.ExpTable()) - m.rho
	}
	return rowAVX2(&x[0], vectors, alpha, padded/4, m.dims, -m.kernel.Gamma, &constants, libm.ExpTable()) - m.rho
}

// constantTable holds the constants of exp in assembly, in the order of exp_amd64.h. Each is
// repeated for every lane.
type constantTable [14][lanes]float64

var constants = spread(
	libm.InvLn2N, libm.Shift, libm.NegLn2Hi, libm.NegLn2Lo,
	libm.C2, libm.C3, libm.C4, libm.C5,
	-512,  // for x up to this, 2^(n/128) may be subnormal
	-1024, // for x up to this, exp is 0
	1, 0x1p-1022,
	math.Float64frombits(1022<<52),   // added to the bits of a number, multiplies it by 2^1022
	math.Float64frombits((128-1)*16), // masks the offset of an entry of the table, in bytes
)

func spread(values ...float64) (c constantTable) {
	for i, v := range values {
		for l := range lanes {
			c[i][l] = v
		}
	}
	return c
}
