// Package forest walks rows down the trees of a forest: isolation forests
// ([Forest], sums of path lengths) and those whose leaves hold values
// ([Values], sums of them): random forests and gradient boosting of
// scikit-learn, XGBoost and LightGBM.
//
// Trees are checked once, when a forest is made from them, and packed, so that a
// step down takes no branch. A node with a threshold of float32 takes 8 bytes. Numbers are
// compared as integers in the same order. Eleven rows walk down a tree together, on amd64
// in assembly; with AVX-512 the first four levels are compared for sixteen rows at once. A row
// alone walks down four trees at a time.
//
// To have another library's forest, give [NewValues] its trees with the
// comparison as x <= threshold, and call [Values.Add]:
//
//   - scikit-learn's compares float32 with float64 and adds float64:
//     Values[float32, float64], each threshold by [Floor32]. In gradient
//     boosting a leaf's value is learning_rate*value, and dst begins with the
//     initial prediction. In a random forest the leaf holds a probability for
//     each class (width = outputs = classes), and the sums are then divided by
//     the number of trees.
//   - where x < threshold goes left, the threshold is the number just below.
package forest
