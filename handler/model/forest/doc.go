// Package forest sums the path lengths of rows through the trees of an
// isolation forest, the one costly part of scikit-learn's IsolationForest.
//
// Trees are checked once, when a [Forest] is made from them, and packed into
// nodes of 12 bytes with children side by side, so that a step down is an
// addition without a branch, and eight rows take it at a time.
package forest
