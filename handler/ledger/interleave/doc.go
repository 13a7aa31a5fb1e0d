// Package interleave has only tests: they play the ledger's functions
// interleaved, killed, failing and repeated, and hold every end to what an
// undisturbed run gives.
package interleave
