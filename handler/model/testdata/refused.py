#!/usr/bin/env python3
"""Writes refused.json: refused.py OUTDIR

Pickles that have to be refused, each with words that the reason has to have.
The one here is of scikit-learn 1.9.1 (numpy 2.5).
"""
import base64, io, json, pickle, sys, warnings

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.cluster import DBSCAN
from sklearn.decomposition import NMF, DictionaryLearning, LatentDirichletAllocation
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.metrics.pairwise import linear_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, LocalOutlierFactor, RadiusNeighborsClassifier
from sklearn.neural_network import MLPRegressor
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

add("unknown", Pipeline([("s", LatentDirichletAllocation()), ("svm", OneClassSVM())]),
    ["class sklearn.decomposition.LatentDirichletAllocation in step 's' is not supported", "docs/model-files.md"], x=abs(x))
add("radius", RadiusNeighborsClassifier(9.0, outlier_label=7), ["RadiusNeighborsClassifier with the outlier label", "most_frequent"], y=(x[:, 0] > 0).astype(int))
add("nested", Pipeline([("a", Pipeline([("b", DictionaryLearning(max_iter=2))])), ("c", OneClassSVM())]), ["sklearn.decomposition.DictionaryLearning in step 'a.b'"])
add("in_columns", make_pipeline(ColumnTransformer([("v", DictionaryLearning(max_iter=2), [0])]), OneClassSVM()), ["DictionaryLearning in step 'columntransformer.v'"])
add("other_rows", make_pipeline(NMF(2, max_iter=3), OneClassSVM()), ["sklearn.decomposition.NMF in step 'nmf'", "other rows", "PCA"], x=abs(x))
add("dbscan_in_dict", {"scaler": StandardScaler().fit(x), "model": DBSCAN().fit(x)}, ['class sklearn.cluster.DBSCAN under "model" labels the rows', "IsolationForest"])
add("unknown_beside", {"rbm": NMF(2, max_iter=3).fit(abs(x)), "model": OneClassSVM().fit(x)}, ['what "rbm" does to the rows is not known here'])
add("models_of_sensors", {"temp": OneClassSVM().fit(x), "rpm": OneClassSVM().fit(x)}, ["more than one of them predicts", "a file of its own", "steps"])
add("outputs_mlp", MLPRegressor(hidden_layer_sizes=(2,), max_iter=2), ["MLPRegressor with several outputs", "autoencoder"], y=x[:, :2])
add("mahalanobis_alone", KNeighborsClassifier(metric="mahalanobis", metric_params={"V": np.eye(3)}, algorithm="brute"), ["mahalanobis without VI", "np.linalg.inv"], y=x[:, 0] > 0)
add("dbscan", DBSCAN(), ["class sklearn.cluster.DBSCAN labels the rows that it was fitted on, and has no predict for new ones", "IsolationForest"])
add("outputs_linear", LinearRegression(), ["LinearRegression with several outputs", "fit an estimator for each"], y=x[:, :2])
add("outputs_forest", RandomForestRegressor(2), ["several outputs"], y=x[:, :2])
add("outputs_classes", RandomForestClassifier(2), ["RandomForestClassifier with several outputs"], y=x[:, :2] > 0)
add("words_in_columns", OneHotEncoder(), ["OneHotEncoder with categories of column 0 that are no numbers"], x=np.array([["a"], ["b"]]))
add("drawn_by_lot", make_pipeline(IterativeImputer(sample_posterior=True, max_iter=1), OneClassSVM()), ["sample_posterior=True"])
add("rtol", KernelDensity(rtol=0.1), ["KernelDensity with rtol other than 0"])
add("weights_by_function", KNeighborsClassifier(weights=np.exp), ["weights by a function"], y=x[:, 0] > 0)
add("not_refitted", GridSearchCV(SVR(), {"C": [1]}, refit=False), ["no best_estimator_", "refit=True"], y=x[:, 0])
add("callable_kernel", Pipeline([("k", OneClassSVM(kernel=linear_kernel))]), ["in step 'k'", "kernel"])
add("precomputed", OneClassSVM(kernel="precomputed"), ["precomputed"], x=x @ x.T)
add("lof_without_novelty", LocalOutlierFactor(), ["novelty=True"])
add("lof_hamming", LocalOutlierFactor(novelty=True, metric="hamming"), ["metric", "mahalanobis"])
add("function_other", make_pipeline(FunctionTransformer(np.cumsum, kw_args={"axis": 1}), OneClassSVM()), ["FunctionTransformer", "numpy.clip"])
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
