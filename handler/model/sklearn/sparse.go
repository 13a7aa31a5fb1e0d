package sklearn

import (
	"slices"

	"github.com/fleetscore/fleetscore/handler/model/pickle"
)

// sparsity says whether rows are a sparse matrix in Python. XGBoost takes what such a matrix
// does not store as missing. To all other estimators it is 0.
type sparsity int

const (
	dense       sparsity = iota
	sparse               // all zeros are left out
	sparseZeros          // some zeros are stored
)

// keepsSparse are the transformers that make a sparse matrix of a sparse matrix. They
// store a zero where the value says so.
var keepsSparse = map[string]sparsity{
	"StandardScaler": sparse, "MaxAbsScaler": sparse, "RobustScaler": sparse, "Normalizer": sparse, "Binarizer": sparse, "PolynomialFeatures": sparse,
	"VarianceThreshold": sparse, "SelectKBest": sparse, "SelectPercentile": sparse, "SelectFpr": sparse, "SelectFdr": sparse, "SelectFwe": sparse,
	"GenericUnivariateSelect": sparse, "SelectFromModel": sparse, "RFE": sparse, "RFECV": sparse, "SequentialFeatureSelector": sparse,
	"SimpleImputer": sparseZeros, "FunctionTransformer": sparseZeros, "QuantileTransformer": sparseZeros, "MissingIndicator": sparseZeros, "SparseRandomProjection": sparseZeros,
	"AdditiveChi2Sampler": sparseZeros,
}

// gives returns the sparsity of what an estimator returns of the rows that it is given.
func (l *loader) gives(class string, e *element) sparsity {
	if keeps := keepsSparse[class]; e.sparse == dense && l.sparse != dense && keeps != dense {
		return max(keeps, l.sparse)
	}
	return e.sparse
}

// encodesSparse reports whether OneHotEncoder or SplineTransformer returns a sparse matrix, by its
// parameter sparse_output, which was sparse before 1.2.
func (a *attrs) encodesSparse() bool {
	if a.has("sparse_output") {
		return a.bool("sparse_output")
	}
	return a.boolOr("sparse", false)
}

// zerosMissing reports whether XGBoost, which is being loaded, takes zeros as missing.
func (a *attrs) zerosMissing() bool {
	if a.sparse == sparseZeros {
		a.refuse("a sparse matrix that stores zeros", "let the step before return a dense one, as by sparse_output=False")
	}
	return a.sparse != dense
}

// takeSparse loads again the parts of a bundle, in the order of their application, that are
// given a sparse matrix: they were loaded before their order was known.
func (b *bundle) takeSparse(parts []part) error {
	defer func() { b.sparse = dense }()
	for i := range parts {
		p := &parts[i]
		if b.sparse != dense {
			at := slices.IndexFunc(b.members, func(m member) bool { return m.key == p.key })
			if _, isObject := b.members[at].value.(*pickle.Object); !isObject {
				return b.refuse(quoted(p.key)+" is given a sparse matrix", "let the step before return a dense one, as by sparse_output=False, or write one Pipeline")
			}
			e, _, err := b.estimator(b.members[at].value, p.key)
			if err != nil {
				return err
			}
			if p.e = e; i == len(parts)-1 {
				p.e = e.asModel()
			}
		}
		b.sparse = p.e.sparse
	}
	return nil
}
