package forest

import "github.com/fleetscore/fleetscore/handler/model/libm"

const eulerGamma = 0.57721566490153286060651209008240243

// AveragePathLength returns the average path length of an unsuccessful search in a binary
// search tree of n samples. IsolationForest adds it to the path to a leaf of n samples, and
// scales its score by it. This is _average_path_length in ensemble/_iforest.py of
// scikit-learn 0.22 and later.
func AveragePathLength(n int) float64 {
	switch {
	case n <= 1:
		return 0
	case n == 2:
		return 1
	}
	f := float64(n)
	return float64(2*(libm.LogInt(n-1)+eulerGamma)) - 2*(f-1)/f
}

// AveragePathLength019 is [AveragePathLength] in scikit-learn 0.19 and 0.20
// (ensemble/iforest.py).
func AveragePathLength019(n int) float64 {
	if n <= 1 {
		return 1
	}
	f := float64(n)
	return float64(2*(libm.LogInt(n-1)+eulerGamma)) - 2*(f-1)/f
}

// PathLength returns the length of the path to a leaf that is depth edges below the root
// and had that many samples. It adds in the order of scikit-learn 0.22 and later: the
// number of nodes on the path, plus the average path length, minus one.
func PathLength(depth, samples int) float64 {
	return float64(depth+1) + AveragePathLength(samples) - 1
}

// PathLength019 is [PathLength] in scikit-learn 0.19 and 0.20.
func PathLength019(depth, samples int) float64 {
	return float64(depth) + AveragePathLength019(samples)
}
