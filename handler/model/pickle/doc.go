// Package pickle reads Python pickles, protocols 0 to 5, into plain Go values.
//
// It runs nothing and knows no class. Where Python would import a name or call a function,
// the result is an [Object] that says what would have been called, and with which arguments.
// The caller decides which names may be called ([Options].Allow). A call of any other name
// becomes a [Refused], and further operations on it are ignored.
//
// Pickles come from untrusted sources. A length in them is checked against the bytes that are
// left, and time, memory and nesting are limited (limits.go). Values may be parts of the
// bytes they were read from, so these must not change while the values are in use. As in
// Python, values may contain themselves, so whoever visits them recursively must limit the
// depth.
//
// A value is one of
//
//	nil, bool, int64, *big.Int, float64, string
//	[]byte             bytes and bytearray
//	*Tuple, *List      tuple; list
//	*Dict, *Set        dict; set and frozenset
//	Global             a class or function, by name
//	*Object            a call of a class or function
//	*Refused           a call of a name that is not allowed
//
// The strings of Python 2 (STRING, BINSTRING) are decoded as Latin-1.
package pickle
