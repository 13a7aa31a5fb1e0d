"""Writes files that hold no model that is read, each with words that its refusal has to have: refused.py OUT.json.gz"""
import base64, bz2, gzip, io, json, lzma, pickle, sys, warnings, zipfile

import cloudpickle, dill, joblib, numpy as np, onnx, openpyxl, pandas as pd, statsmodels.api as sm
from onnx import helper
from scipy import sparse
from sklearn.cluster import DBSCAN, AgglomerativeClustering
from sklearn.ensemble import IsolationForest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, StandardScaler
from sklearn.svm import OneClassSVM

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)
x = rng.normal(size=(60, 2))
cases = []
pickled = lambda v: pickle.dumps(v, protocol=4)


def add(name, data, *words):
    cases.append({"name": name, "file": base64.b64encode(data).decode(), "refused": words})


def dumped(v, **options):
    b = io.BytesIO()
    joblib.dump(v, b, **options)
    return b.getvalue()


def written(write):
    b = io.BytesIO()
    write(b)
    return b.getvalue()


class Detector:
    def __init__(self):
        self.model = OneClassSVM().fit(x)


class Kept(OneClassSVM):
    pass


def judge(rows):
    return rows > 3


frame = pd.DataFrame({"temperature": [1.0, 2], "vibration": [3.0, 4]})
model = OneClassSVM().fit(x)
whole = pickled(model)
add("DataFrame", pickled(frame), "class pandas.DataFrame is a table", "data, and not a model")
add("DataFrame by joblib, compressed", dumped(frame, compress=3), "class pandas.DataFrame is a table")
add("Series", pickled(frame.temperature), "class pandas.Series is a table")
add("array", pickled(x), "a numpy array of shape 60 × 2, which is data and not a model")
add("array by joblib", dumped(x), "a numpy array of shape 60 × 2")
add("sparse matrix", pickled(sparse.csr_matrix(x)), "is data, and not a model")
add("scores", pickled(model.decision_function(x)[:3]), "a numpy array of shape 3,")
add("None", pickled(None), "the file holds None")
add("number", pickled(0.25), "the number 0.25", "if it is a threshold")
add("numpy number", pickled(np.float64(0.25)), "the number 0.25")
add("text", pickled("models/pump.pkl"), 'the text "models/pump.pkl"')
add("bytes", pickled(b"\x00\x01\x02"), "3 bytes")
add("columns", pickled(["temperature", "vibration"]), "a list of 2 texts (temperature, vibration)", "columns", "publish")
add("columns by joblib", dumped(("temperature", "vibration")), "a tuple of 2 texts")
add("Index of columns", pickled(frame.columns), "of pandas", "data, and not a model") if False else None
add("empty list", pickled([]), "an empty list")
add("dict of parameters", pickled({"n_estimators": 100, "max_samples": 256}), "a dict of n_estimators, max_samples, and no model in it")
add("list of numbers", pickled([1, 2, 3]), "a list of 3, and no model in it")
add("dict of models", pickled({"pump-1": {"model": model}, "pump-2": {"model": model}}), '"pump-1.model" (OneClassSVM)', "more than one of them predicts")
add("scaler", pickled(StandardScaler().fit(x)), "StandardScaler alone", "only transforms rows", "Pipeline")
add("LabelEncoder", pickled(LabelEncoder().fit(["a", "b"])), "LabelEncoder")
add("class", pickled(OneClassSVM), "the name of a function or class (sklearn.svm._classes.OneClassSVM)")
add("function of the script", pickled(judge), "the name of a function or class (__main__.judge)", "nothing of a file is run here")
add("class of the script", pickled(Detector()), "class __main__.Detector is the training script's own", "one Pipeline or as a dict")
add("subclass of the script", pickled(Kept().fit(x)), "class __main__.Kept is the training script's own")
add("class of the script in a dict", pickled({"model": Detector(), "scaler": StandardScaler().fit(x)}), "class __main__.Detector", "it stands at model['model']")
add("class by cloudpickle", cloudpickle.dumps(Detector()), "the class Detector was written with its code")
add("class by dill", dill.dumps(Detector(), recurse=False), "Detector")
add("function by cloudpickle", cloudpickle.dumps(judge), "a function was written with its code")
add("lambda in a Pipeline", cloudpickle.dumps(make_pipeline(FunctionTransformer(lambda v: v * 2), OneClassSVM()).fit(x)), "FunctionTransformer", "a function of its own", "numpy.log1p", "step 'functiontransformer'")
add("function of the script in a Pipeline", pickled(make_pipeline(FunctionTransformer(judge), OneClassSVM()).fit(x)), "FunctionTransformer", "__main__.judge", "numpy.log1p")
add("DBSCAN", pickled(DBSCAN().fit(x)), "class sklearn.cluster.DBSCAN labels the rows that it was fitted on", "IsolationForest")
add("AgglomerativeClustering", pickled(AgglomerativeClustering().fit(x)), "has no predict for new ones")
add("TSNE", pickled(TSNE(perplexity=5, max_iter=250, init="random").fit(x[:20])), "embeds rows")
add("TfidfVectorizer", pickled(TfidfVectorizer().fit(["a pump", "a fan"])), "makes numbers of texts")
add("statsmodels", pickled(sm.OLS(x[:, 0], x[:, 1]).fit()), "class statsmodels.", "which is not read", "LinearRegression")
add("not fitted", pickled(IsolationForest()), "IsolationForest", "fit the estimator before writing it")
add("truncated", whole[: len(whole) // 2], "the file ends too early", "at least", "bytes are missing")
add("truncated joblib", dumped(model)[:-200], "the file ends too early", "at least", "bytes are missing")
add("truncated gzip", gzip.compress(whole)[:-200], "ends too early")
add("truncated xz", lzma.compress(whole)[:-200], "ends too early")
add("truncated skops", open("/dev/null", "rb").read() + written(lambda b: zipfile.ZipFile(b, "w").writestr("schema.json", "{}"))[:20], "damaged or truncated zip file")
add("gzip of a table", gzip.compress(b"a,b\n1,2\n3,4\n"), "a table of text (CSV)")
add("bz2 of a page", bz2.compress(b"<!DOCTYPE html><html></html>"), "an HTML page")
add("Excel", written(lambda b: openpyxl.Workbook().save(b)), "an Excel workbook")
add("old Excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "an old Excel or Word file")
add("npz", written(lambda b: np.savez(b, a=x, b=x)), "numpy arrays (.npz)")
add("npy", written(lambda b: np.save(b, x)), "a numpy array (.npy)")
graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [helper.make_tensor_value_info("x", 1, [1])], [helper.make_tensor_value_info("y", 1, [1])])
add("ONNX", helper.make_model(graph, producer_name="skl2onnx").SerializeToString(), "an ONNX model")
add("ONNX without a producer", helper.make_model(graph).SerializeToString(), "an ONNX model")
add("PMML", b'<?xml version="1.0" encoding="UTF-8"?>\n<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"></PMML>', "a PMML model")
add("R", gzip.compress(b"X\n\x00\x00\x00\x03\x00\x04\x02\x01"), "a file of R (.rds)")
add("R data", gzip.compress(b"RDX3\nX\n\x00\x00\x00\x03"), "a file of R")
add("notebook", json.dumps({"cells": [], "metadata": {}, "nbformat": 4}).encode(), "a notebook")
add("notebook, indented", json.dumps({"cells": [{"cell_type": "code", "source": ["x" * 5000]}], "metadata": {}, "nbformat": 4}, indent=1).encode(), "a notebook")
add("script", b"#!/usr/bin/env python\nimport joblib\nmodel = joblib.load('m.pkl')\n", "a Python script")
add("CSV", b"TS,Device,Val\n2026-01-01,p,1\n", "a table of text (CSV)")
add("CSV in UTF-16", "a;b\n1;2\n".encode("utf-16"), "a table of text (CSV)")
add("YAML", b"model: iforest\nthreshold: 3\n", "YAML")
add("pickle as base64", base64.encodebytes(whole), "base64")
add("pickle in text mode", whole.decode("latin-1").encode("utf-8"), "encoded as a text")
add("pickle with lines of Windows", pickle.dumps(model, protocol=0).replace(b"\n", b"\r\n")[:4000], "ends too early") if False else None
add("hexadecimal", whole.hex().encode(), "hexadecimal")
add("random bytes", rng.bytes(3000), "none of the files that are read")
add("encrypted by Python", b"gAAAAABm" + base64.urlsafe_b64encode(rng.bytes(300)), "encrypted by Fernet")
add("encrypted by OpenSSL", b"Salted__" + rng.bytes(300), "encrypted by OpenSSL")
add("encrypted by GnuPG", b"-----BEGIN PGP MESSAGE-----\n\nhQ\n-----END PGP MESSAGE-----\n", "GnuPG")
add("JSON with an error", b'{"error": {"code": 404, "message": "not found"}}', "the answer of a web service")
add("empty dict as JSON", b"{}", "JSON")
add("Keras weights", b"\x89HDF\r\n\x1a\n" + bytes(100), "Keras")
add("TensorFlow Lite", b"\x1c\x00\x00\x00TFL3" + bytes(100), "TensorFlow Lite")
add("CatBoost", b"CBM1" + bytes(100), "CatBoost")
library = lambda module, name: f"c{module}\n{name}\n)R.".encode()
for module, name, *words in (("pyod.models.sos", "SOS", "none of the detectors of PyOD that are read", "IForest"), ("imblearn.over_sampling._smote.base", "SMOTE", "changes the rows of the training"),
                             ("feature_engine.imputation.mean_median", "MeanMedianImputer", "SimpleImputer"), ("sklearnex.svm.svm", "SVC", "unpatch_sklearn()"), ("ruptures.detection.pelt", "Pelt", "judges a whole series"),
                             ("catboost.core", "CatBoostClassifier", "is of CatBoost"), ("skopt.searchcv", "BayesSearchCV", "search.best_estimator_"), ("sktime.forecasting.naive", "NaiveForecaster", "is a forecast"),
                             ("pyspark.ml.pipeline", "PipelineModel", "is of Spark"), ("statsmodels.tsa.arima.model", "ARIMAResultsWrapper", "is a forecast"), ("lightgbm.basic", "Dataset", "is data"), ("hmmlearn.hmm", "GaussianHMM", "judges a whole series")):
    add(f"{module}.{name}", library(module, name), *words)
add("search that is not fitted", pickled(GridSearchCV(OneClassSVM(), {"nu": [0.1]})), "no best_estimator_", "fit it before writing it")
add("XGBoost's dump", b"booster[0]:\n0:[f0<0.5] yes=1,no=2,missing=2\n\t1:leaf=1\n\t2:leaf=2\n", "the trees of an XGBoost model", "save_model")
add("XGBoost's dump as JSON", b'[\n  { "nodeid": 0, "leaf": 0.5 }\n]', "the trees of an XGBoost model")
add("XGBoost's dumps as JSON", json.dumps(['  { "nodeid": 0, "leaf": 0.5 }']).encode(), "the trees of an XGBoost model")
add("LightGBM's dump", b'{"name": "tree", "version": "v4", "num_class": 1, "tree_info": []}', "booster_.save_model")
add("Keras as JSON", b'{"class_name": "Sequential", "config": {}, "keras_version": "2.4.0"}', "the structure of a Keras model")
add("CatBoost as JSON", b'{\n"features_info": {"float_features": []}, "oblivious_trees": []}', "a CatBoost model as JSON")
add("eval", b"cbuiltins\neval\n(S'1'\ntR.", "a call of builtins.eval", "do not load the file there")

with gzip.GzipFile(sys.argv[1], "w", mtime=0) as f:
    f.write(json.dumps(cases).encode())
