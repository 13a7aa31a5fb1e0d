#!/usr/bin/env python3
"""Writes refused.json: refused.py OUTDIR

Pickles that have to be refused, each with words that the reason has to have.
The one here is of scikit-learn 1.9.1 (numpy 2.5).
"""
import base64, io, json, pickle, sys, warnings

import numpy as np
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.cluster import DBSCAN
from sklearn.decomposition import SparsePCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, LocalOutlierFactor, RadiusNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVR, OneClassSVM

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

add("gaussian_process", Pipeline([("s", StandardScaler()), ("clf", GaussianProcessClassifier())]),
    ["class sklearn.gaussian_process.GaussianProcessClassifier in step 'clf' is not supported", "docs/model-files.md"], y=x[:, 0] > 0)
add("radius", RadiusNeighborsClassifier(9.0), ["class sklearn.neighbors.RadiusNeighborsClassifier is not supported"], y=x[:, 0] > 0)
add("nested", Pipeline([("a", Pipeline([("b", SparsePCA())])), ("c", OneClassSVM())]), ["sklearn.decomposition.SparsePCA in step 'a.b'"])
add("in_columns", make_pipeline(ColumnTransformer([("v", SparsePCA(), [0])]), OneClassSVM()), ["SparsePCA in step 'columntransformer.v'"])
add("dbscan", DBSCAN(), ["class sklearn.cluster.DBSCAN labels the rows that it was fitted on, and has no predict for new ones", "IsolationForest"])
add("outputs_linear", LinearRegression(), ["LinearRegression with several outputs", "fit an estimator for each"], y=x[:, :2])
add("outputs_forest", RandomForestRegressor(2), ["several outputs"], y=x[:, :2])
add("outputs_classes", RandomForestClassifier(2), ["RandomForestClassifier with several outputs"], y=x[:, :2] > 0)
add("words_in_columns", OneHotEncoder(), ["OneHotEncoder with categories of column 0 that are no numbers"], x=np.array([["a"], ["b"]]))
add("drawn_by_lot", make_pipeline(IterativeImputer(sample_posterior=True, max_iter=1), OneClassSVM()), ["sample_posterior=True"])
add("rtol", KernelDensity(rtol=0.1), ["KernelDensity with rtol other than 0"])
add("weights_by_function", KNeighborsClassifier(weights=np.exp), ["weights by a function"], y=x[:, 0] > 0)
add("not_refitted", GridSearchCV(SVR(), {"C": [1]}, refit=False), ["no best_estimator_", "refit=True"], y=x[:, 0])
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
