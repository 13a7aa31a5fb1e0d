package svm

import "github.com/fleetscore/fleetscore/handler/model/libm"

// The functions for AVX-512 take w = 16 rows at a time, those for AVX2 w = 8. The rows are
// stored column by column: feature i of row l is at x[i*w+l].

// rowSquaresAVX512 sets dst[j*16+l] to the squared distance between row l of x and vector
// j. There are 4*quads vectors.
//
//go:noescape
func rowSquaresAVX512(dst, x, vectors *float64, quads, dims int)

//go:noescape
func rowSquaresAVX2(dst, x, vectors *float64, quads, dims int)

// rowProductsAVX512 is like rowSquaresAVX512, for the scalar product.
//
//go:noescape
func rowProductsAVX512(dst, x, vectors *float64, quads, dims int)

//go:noescape
func rowProductsAVX2(dst, x, vectors *float64, quads, dims int)

// rowAVX512 returns the sum of alpha[j]*exp(gamma*d) over the vectors j of some blocks, in
// order. D is the squared distance between the row x and vector j. Gamma is negative.
//
//go:noescape
func rowAVX512(x, vectors, alpha *float64, blocks, dims int, gamma float64, c *constantTable, table *libm.Table) float64

//go:noescape
func rowAVX2(x, vectors, alpha *float64, quads, dims int, gamma float64, c *constantTable, table *libm.Table) float64

// expAVX512 replaces each of n numbers v by libm.Exp(gamma*v). N is a multiple of eight, no
// number is below 0, and gamma is negative.
//
//go:noescape
func expAVX512(v *float64, n int, gamma float64, c *constantTable, table *libm.Table)

//go:noescape
func expAVX2(v *float64, n int, gamma float64, c *constantTable, table *libm.Table)

// accumulateAVX512 adds alpha[j]*values[j*16+l] to sums[l], for j from 0 to count-1 in
// order.
//
//go:noescape
func accumulateAVX512(sums, values, alpha *float64, count int)

//go:noescape
func accumulateAVX2(sums, values, alpha *float64, count int)
