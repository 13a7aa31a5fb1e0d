// Package svm computes the decision values of scikit-learn's OneClassSVM, and of SVC and
// SVR, whose decision functions have the same form. It does the operations of libsvm in the
// same order. So the results are equal to the bit, unless scikit-learn's BLAS adds in
// another order.
//
// On amd64 there is assembly for AVX2 and AVX-512. Each lane of a vector register holds
// another row or another support vector, and each row's sum is still added in order. So the
// results are those of the portable code. [Fastest] measures which instructions a new model
// uses, and [OneClass.Use] chooses others.
package svm
