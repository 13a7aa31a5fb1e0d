// Package svm computes the decision values of scikit-learn's OneClassSVM as
// libsvm does: the same operations in the same order, so that the results are
// the same bits wherever scikit-learn's own sums run in order.
//
// On amd64 there are vector forms for AVX2 and AVX-512, with rows or support
// vectors in the lanes and each row's sum still in order: they give the bits of
// the portable form. [Fastest] says which one a new model uses,
// which is measured; [OneClass.Use] chooses another, or turns them off.
package svm
