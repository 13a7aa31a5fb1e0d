// Package sklearn reads the models that scikit-learn 0.19 to 1.9 writes with pickle or
// joblib, and scores rows as the version that wrote the file does.
//
// [Load] reads a file as data and runs nothing in it. It knows the classes in
// classes.go, and checks every model before it returns it. After that, only the numbers
// in the rows can make scoring fail. A class or setting that is not supported is refused
// with an error that names the step and the class.
//
// # How it is built
//
// A pickle becomes a tree of objects (package pickle). The loader of a class, a function
// such as loadKMeans, reads the attributes of an object through attrs, which keeps the
// first error. The lengths of arrays are checked against each other by dim. The result
// is an element: a transformer, a predictor, or both. Its role says what it predicts.
//
// Rows are scored in chunks, in scratch memory (arena) that is used again, so scoring
// allocates nothing per row.
package sklearn
