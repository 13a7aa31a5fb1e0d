#!/usr/bin/env python3
"""Writes refused.json: refused.py OUTDIR

Pickles that have to be refused, each with words that the reason has to have.
The one here is of scikit-learn 1.9.1 (numpy 2.4).
"""
import base64, io, json, pickle, sys, warnings

import numpy as np
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.metrics.pairwise import linear_kernel
from sklearn.neighbors import LocalOutlierFactor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, OneClassSVM

warnings.filterwarnings("ignore")
x = np.random.RandomState(0).normal(size=(30, 3))
cases = {}


def add(name, model, words, x=x, y=None, dump=pickle.dumps):
    cases[name] = {"file": base64.b64encode(dump(model.fit(x, y) if hasattr(model, "fit") and not isinstance(model, type) else model)).decode(), "words": words}


def out_of_band(model):
    return pickle.dumps(model, 5, buffer_callback=lambda b: None)


class Evil:
    def __reduce__(self):
        import os
        return os.system, ("true",)


evil = StandardScaler().fit(x)
evil.copy = Evil()

add("mlp", Pipeline([("s", StandardScaler()), ("clf", MLPRegressor(max_iter=2, hidden_layer_sizes=2))]),
    ["class sklearn.neural_network.MLPRegressor in step 'clf' is not supported"], y=x[:, 0])
add("svc", SVC(), ["class sklearn.svm.SVC is not supported"], y=x[:, 0] > 0)
add("polynomial", make_pipeline(PolynomialFeatures(), OneClassSVM()), ["sklearn.preprocessing.PolynomialFeatures in step 'polynomialfeatures'"])
add("nested", Pipeline([("a", Pipeline([("b", VarianceThreshold())])), ("c", OneClassSVM())]), ["sklearn.feature_selection.VarianceThreshold in step 'a.b'"])
add("in_columns", make_pipeline(ColumnTransformer([("v", VarianceThreshold(), [0])]), OneClassSVM()), ["VarianceThreshold in step 'columntransformer.v'"])
add("sparse", OneClassSVM(), ["OneClassSVM with a sparse matrix", "dense array"], x=sparse.csr_matrix(x))
add("callable_kernel", Pipeline([("k", OneClassSVM(kernel=linear_kernel))]), ["in step 'k'", "kernel"])
add("precomputed", OneClassSVM(kernel="precomputed"), ["precomputed"], x=x @ x.T)
add("lof_without_novelty", LocalOutlierFactor(), ["novelty=True"])
add("lof_cosine", LocalOutlierFactor(novelty=True, metric="cosine"), ["metric"])
add("function_other", make_pipeline(FunctionTransformer(np.nan_to_num), OneClassSVM()), ["FunctionTransformer", "numpy.log1p"])
add("function_args", make_pipeline(FunctionTransformer(np.log1p, kw_args={"where": True}), OneClassSVM()), ["kw_args"], x=abs(x))
add("unfitted", StandardScaler(), ["fit the estimator"], dump=lambda m: pickle.dumps(StandardScaler()))
add("a_class", OneClassSVM, ["instance"], dump=lambda m: pickle.dumps(OneClassSVM))
add("a_list", [1, 2], ["fitted estimator"])
add("an_array", x, ["numpy"])
add("os_system", Evil(), ["posix.system is not supported"])
add("os_system_hidden", evil, ["posix.system is not supported"], dump=lambda m: pickle.dumps(evil))
add("out_of_band", OneClassSVM(), ["out of band"], dump=out_of_band)

with open(f"{sys.argv[1]}/refused.json", "w") as f:
    json.dump(cases, f, indent=0)
