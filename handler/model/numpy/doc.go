// Package numpy decodes arrays, scalars and types of numpy 1 and 2 from the objects that
// package pickle reads. Arrays are pickled as calls of _reconstruct (protocols 0 to 4) or
// _frombuffer (protocol 5). They may have any byte order, C or Fortran order, and elements
// that are numbers, records, strings or Python objects. It also reads and writes .npy files.
package numpy
