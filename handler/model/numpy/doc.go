// Package numpy makes arrays of the inert objects that package pickle reads:
// of numpy 1 and 2, by _reconstruct (protocols 0 to 4) or _frombuffer
// (protocol 5), of any byte order, C or Fortran order, with numbers, records,
// strings or Python objects in them.
package numpy
