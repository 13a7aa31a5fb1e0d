// Package pickle reads Python pickles, protocols 0 to 5, into plain Go values.
//
// It executes nothing and knows no class: where Python would import a name or
// call a function, the result is an inert [Object] that says what would have
// been called, and with what. Which names may be called is the caller's
// list ([Options].Allow); any other becomes a [Refused], which swallows
// whatever the pickle does to it.
//
// Pickles come from outside, so no length in them is believed beyond the bytes
// present, and time, memory and nesting are bounded (limits.go). Values may
// alias the bytes they were read from, which must not change while the values
// are in use, and, as in Python, may contain themselves: whoever walks them
// recursively must bound the depth.
//
// A value is one of
//
//	nil, bool, int64, *big.Int, float64, string
//	[]byte             bytes and bytearray
//	*Tuple, *List      tuple; list
//	*Dict, *Set        dict; set and frozenset
//	Global             a class or function, by name
//	*Object            what a class or function was called with
//	*Refused           anything made by a name that is not allowed
//
// The strings of Python 2 (STRING, BINSTRING) become Go strings, byte by byte
// as Latin-1.
package pickle
