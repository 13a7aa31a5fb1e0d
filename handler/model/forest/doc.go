// Package forest evaluates the trees of a forest. [Forest] is an isolation forest, and
// sums path lengths. [Values] is a forest whose leaves hold values, and sums the values:
// a random forest or gradient boosting of scikit-learn, XGBoost or LightGBM.
//
// Trees are checked and packed once, when the forest is made. A node with a threshold of
// float32 takes 8 bytes, and a step from a node to its child takes no branch. Numbers are
// compared as integers that have the same order (key.go). Eleven rows go down a tree
// together, on amd64 in assembly. With AVX-512 the first four levels are compared for
// sixteen rows at once, and below them a row is compared with the nodes of four levels at
// once (subtree.go). One row alone goes down four trees at a time.
//
// To evaluate the forest of another library, give [NewValues] trees whose rows go left
// where x <= threshold, and call [Values.Add]:
//
//   - Scikit-learn compares a float32 with a threshold of float64 and adds float64. Use
//     Values[float32, float64], and convert thresholds with [Floor32]. In gradient
//     boosting the value of a leaf is learning_rate*value, and dst begins with the
//     initial prediction. In a random forest a leaf holds a probability for each class
//     (width = outputs = classes), and the caller divides the sums by the number of
//     trees.
//   - If a library sends x < threshold left, use the next smaller number as threshold.
package forest
