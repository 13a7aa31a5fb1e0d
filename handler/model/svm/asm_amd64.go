package svm

import "github.com/fleetscore/fleetscore/handler/model/libm"

// The AVX-512 forms take 16 rows at a time, those of AVX2 take 8. Columns hold
// these rows side by side: feature i of row l of w is at x[i*w+l].

// rowSquaresAVX512 sets dst[j*16+l] to the squared distance of row l in the
// columns x from vector j, of four vectors times quads.
//
//go:noescape
func rowSquaresAVX512(dst, x, vectors *float64, quads, dims int)

//go:noescape
func rowSquaresAVX2(dst, x, vectors *float64, quads, dims int)

// rowProductsAVX512 is rowSquaresAVX512 for the scalar product.
//
//go:noescape
func rowProductsAVX512(dst, x, vectors *float64, quads, dims int)

//go:noescape
func rowProductsAVX2(dst, x, vectors *float64, quads, dims int)

// rowAVX512 returns the sum of alpha[j]*exp(gamma*d), where d is the squared
// distance of the row x from vector j and gamma is negative, in the order of
// the vectors of so many blocks.
//
//go:noescape
func rowAVX512(x, vectors, alpha *float64, blocks, dims int, gamma float64, c *constantTable, table *libm.Table) float64

//go:noescape
func rowAVX2(x, vectors, alpha *float64, quads, dims int, gamma float64, c *constantTable, table *libm.Table) float64

// expAVX512 sets each of n numbers v, a multiple of eight and none below 0, to
// libm.Exp(gamma*v), where gamma is negative.
//
//go:noescape
func expAVX512(v *float64, n int, gamma float64, c *constantTable, table *libm.Table)

//go:noescape
func expAVX2(v *float64, n int, gamma float64, c *constantTable, table *libm.Table)

// accumulateAVX512 adds alpha[j]*values[j*16+l] to sums[l], for each j below
// count in order.
//
//go:noescape
func accumulateAVX512(sums, values, alpha *float64, count int)

//go:noescape
func accumulateAVX2(sums, values, alpha *float64, count int)
