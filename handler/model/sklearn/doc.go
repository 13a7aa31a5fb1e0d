// Package sklearn makes scoring models of the files that scikit-learn users
// write with pickle or joblib, scikit-learn 0.19 to 1.9, and scores with them
// as the version that wrote the file would.
//
// [Load] reads a file as data: nothing in it is executed, only the classes
// listed in classes.go are understood, and every model is checked before it is
// returned, so that scoring cannot fail but by the numbers it is given. A
// class or setting that is not supported is refused by step and name.
//
// A model is a detector, or a Pipeline that ends in one. Rows go through it in
// chunks, in scratch memory that is used again: scoring allocates nothing per
// row.
package sklearn
