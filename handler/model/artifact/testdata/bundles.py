"""Writes models with what belongs to them, as people keep them, and what they give together: bundles.py OUT.json.gz

Each has a file, or the files of a folder; perhaps a features file; and decision_function of
scikit-learn with predict, 1 for an anomaly, or what a regressor predicts, or the words of a refusal.
"""
import argparse, base64, collections, datetime, decimal, gzip, io, json, pickle, sys, types, zipfile

import joblib, numpy as np, pandas as pd, scipy.sparse, scipy.stats
from pyod.models.sos import SOS
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge, SGDRegressor
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, MaxAbsScaler, MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import deprecation

rng = np.random.RandomState(0)
x = rng.normal(5, 3, size=(60, 2))
rows = np.round(rng.normal(5, 4, size=(10, 2)), 3)
scaler = StandardScaler().fit(x)
imputer = SimpleImputer().fit(x)
pca = PCA(n_components=1).fit(scaler.transform(x))
forest = lambda rows: IsolationForest(n_estimators=3, max_samples=16, random_state=0).fit(rows)
model, last, plain = forest(scaler.transform(x)), forest(pca.transform(scaler.transform(x))), forest(x)
pipeline = make_pipeline(StandardScaler(), forest(x)).fit(x)
one = model.decision_function(scaler.transform(rows)).tolist()
two = last.decision_function(pca.transform(scaler.transform(rows))).tolist()
whole = pipeline.decision_function(rows).tolist()
names = ["temperature", "vibration"]
cases = []


def pickled(v):
    return pickle.dumps(v, protocol=4)


def dumped(v):
    b = io.BytesIO()
    joblib.dump(v, b)
    return b.getvalue()


def add(name, kept, decision=None, threshold=0, names=None, spec="", refused=None, value=None, classes=None):
    encode = lambda b: base64.b64encode(b if isinstance(b, bytes) else b.encode()).decode()
    files = {n: encode(b) for n, b in kept.items()} if isinstance(kept, dict) and all(isinstance(b, (bytes, str)) for b in kept.values()) else None
    cases.append({"name": name, "file": "" if files else encode(kept if isinstance(kept, bytes) else pickled(kept)), "files": files, "names": names, "spec": spec, "refused": refused or [],
                  "rows": rows.tolist(), "decision_function": decision, "value": value, "classes": classes, "predict": None if decision is None else [int(d < threshold) for d in decision]})


add("dict", {"model": model, "scaler": scaler, "features": names}, one, names=names)
add("tuple", (scaler, model), one)
add("reversed tuple", (model, scaler), one)
add("list", [scaler, model], one)
add("tuple with columns", (scaler, model, names), one, names=names)
add("dict of three", {"pca": pca, "clf": last, "scaler": scaler}, two)
add("dict of four", {"pca": pca, "clf": last, "my_scaler": scaler, "imputer": imputer}, two)
add("tuple of three", (scaler, pca, last), two)
add("dict with a threshold", {"model": model, "scaler": scaler, "threshold": -0.03}, one, threshold=-0.03)
add("dict with a numpy threshold", {"model": model, "scaler": scaler, "anomaly_threshold": np.float64(-0.03)}, one, threshold=-0.03)
add("dict, and a threshold in the features file", {"model": model, "scaler": scaler, "threshold": -0.03}, one, threshold=0.02, spec='{"threshold": 0.02}')
add("dict with an Index of columns", {"model": model, "scaler": scaler, "feature_names": pd.Index(names)}, one, names=names)
add("dict with an array of columns", {"model": model, "scaler": scaler, "columns": np.array(names)}, one, names=names)
add("dict with what does not matter", {"model": model, "scaler": scaler, "trained_at": datetime.datetime(2026, 1, 2), "metrics": {"f1": np.float64(0.9)}, "version": "1",
                                       "rows": pd.DataFrame({"a": [1, 2]}), "mean": np.zeros(2)}, one)
add("dict in doubt, settled", {"one": scaler, "two": pca, "model": last}, two, spec='{"steps": ["one", "two", "model"]}')
add("dict of two models, settled", {"a": model, "b": plain, "scaler": scaler}, one, spec='{"steps": ["scaler", "a"]}')
add("two models", {"a": model, "b": model}, refused=['"a" (IsolationForest), "b" (IsolationForest)', "more than one of them predicts", '"steps": ["a"]'])
add("no model", {"scaler": scaler, "pca": pca}, refused=["none of them predicts"])
add("in doubt", {"one": scaler, "two": MinMaxScaler().fit(x), "model": model}, refused=["in which order", '"steps": ["one", "two", "model"]'])
add("scaler in a dict beside the model", {"model": model, "scalers": {"std": scaler}, "runs": [1, 2]}, one)
add("transformers in lists", {"model": last, "preprocessing": {"steps": [scaler, {"pca": pca}]}}, two)
add("scalers of several devices", {"model": model, "scalers": {"pump-1": scaler, "pump-2": StandardScaler().fit(x + 1)}}, refused=["in which order", '"scalers.pump-1", "scalers.pump-2"'])
add("detector that is not read", {"scaler": scaler, "model": SOS().fit(x)}, refused=['class pyod.models.sos.SOS under "model" is none of the detectors of PyOD that are read'])
add("other models in a dict", {"model": model, "scaler": scaler, "tried": {"svm": OneClassSVM().fit(x), "forest": plain}}, one)
wide = make_pipeline(StandardScaler(), PolynomialFeatures(2)).fit(x)
after = MinMaxScaler().fit(wide.transform(x))
of_wide = forest(after.transform(wide.transform(x)))
add("scaler and preprocessor, either first", {"scaler": scaler, "preprocessor": MinMaxScaler().fit(x), "model": model}, refused=["in which order", '"steps": ["scaler", "preprocessor", "model"]'])
add("scaler and preprocessor, settled", {"preprocessor": pca, "scaler": scaler, "model": last}, two)
add("order by what fits, against the names", {"scaler": after, "preprocessor": wide, "model": of_wide}, of_wide.decision_function(after.transform(wide.transform(rows))).tolist())
named = MaxAbsScaler().fit(pd.DataFrame(x, columns=names))
add("order against the columns' names", {"preprocessor": named, "scaler": scaler, "model": model}, refused=["in which order", '"steps": ["preprocessor", "scaler", "model"]'])
add("columns of the first step", {"model": forest(pd.DataFrame(scaler.transform(x), columns=["s1", "s2"])), "scaler": StandardScaler().fit(pd.DataFrame(x, columns=names))}, one, names=names)
add("order by what fits", {"two": pca, "model": last, "one": scaler}, two)
add("dict in a dict", {"artifacts": {"model": model, "scaler": scaler}, "meta": {"features": names, "threshold": -0.03}}, one, threshold=-0.03, names=names)
add("config beside the model", {"model": model, "scaler": scaler, "config": {"feature_names": names, "threshold": -0.03, "threshold_percentile": 97}}, one, threshold=-0.03, names=names)
add("ordered dict", collections.OrderedDict([("scaler", scaler), ("model", model)]), one)
add("default dict", collections.defaultdict(dict, {"scaler": scaler, "model": model}), one)
add("several lists of columns", {"model": model, "scaler": scaler, "dropped_columns": ["a", "b", "c"], "feature_columns": names, "other_columns": ["c", "d"]}, one, names=names)
add("columns in doubt", {"model": model, "scaler": scaler, "used_columns": names, "other_columns": ["c", "d"]}, refused=['whether "used_columns" or "other_columns"'])
add("several thresholds", {"model": model, "scaler": scaler, "threshold_low": -0.1, "threshold_high": -0.03}, refused=['several thresholds, "threshold_low" and "threshold_high"'])
add("several thresholds, settled", {"model": model, "scaler": scaler, "threshold_low": -0.1, "threshold_high": -0.03}, one, threshold=0.02, spec='{"threshold": 0.02}')
add("several thresholds, one called so", {"model": model, "scaler": scaler, "threshold_low": -0.1, "threshold": -0.03, "threshold_percentile": 5}, one, threshold=-0.03)
add("thresholds of alarms", {"model": model, "scaler": scaler, "thresholds": {"warning": -0.1, "critical": -0.2}}, one)
add("an array of one threshold", {"model": model, "scaler": scaler, "threshold": np.array([-0.03])}, one, threshold=-0.03)
add("dict with numbers of other kinds", {"model": model, "scaler": scaler, "z": 1j, "d": decimal.Decimal("1.5"), "r": range(3), "s": {1, 2}}, one)
target = MinMaxScaler().fit(x[:, :1] * 7)
regressor = Ridge().fit(scaler.transform(x), target.transform(x[:, :1] * 7).ravel())
value = target.inverse_transform(regressor.predict(scaler.transform(rows)).reshape(-1, 1)).ravel().tolist()
for a, b in ("x_scaler", "y_scaler"), ("scaler_X", "scaler_y"), ("feature_scaler", "target_scaler"), ("scaler", "outputScaler"):
    add("scaler of the target, " + b, {"model": regressor, a: scaler, b: target}, value=value)
add("scaler of the target in a file", {"model.pkl": pickled(regressor), "scaler.pkl": pickled(scaler), "y_scaler.pkl": pickled(target)}, value=value)
add("scaler of the target, by steps", {"a": regressor, "b": scaler, "c": target}, value=value, spec='{"steps": ["b", "a", "c"]}')
add("scaler of the target of a detector", {"model": model, "scaler": scaler, "y_scaler": scaler}, refused=["in which order"])
add("reversed tuple in doubt", (last, pca, scaler), refused=["in which order"])
add("scaler beside a Pipeline that has one", {"scaler": scaler, "pipeline": pipeline}, refused=['"scaler" is applied before "pipeline"', '"steps": ["pipeline"]'])
add("settled by the last", {"scaler": scaler, "pipeline": pipeline}, whole, spec='{"steps": ["pipeline"]}')
add("too many columns", {"model": model, "scaler": scaler, "features": ["a", "b", "c"]}, refused=["names 3 columns, but the model in it takes 2"])
add("steps that are not there", {"model": model}, refused=['a step "scaler", which is not there'], spec='{"steps": ["scaler", "model"]}')
add("steps in the wrong order", {"model": model, "scaler": scaler}, refused=["has to be the one that predicts"], spec='{"steps": ["model", "scaler"]}')
add("steps that are no estimators", {"model": model, "columns": names}, refused=['"columns" of the features file is no estimator'], spec='{"steps": ["columns", "model"]}')

beside = {"model.joblib": dumped(model), "scaler.pkl": pickled(scaler)}
add("folder", beside | {"feature_columns.pkl": pickled(names), "README.md": "# A model\n", "data.csv": "a,b\n1,2\n", "LICENSE": "do as you like\n"}, one, names=names)
add("folder with columns in JSON", beside | {"feature_columns.json": json.dumps(names)}, one, names=names)
add("folder with columns in a text", beside | {"features.txt": "temperature\nvibration\n", "requirements.txt": "scikit-learn==1.7.2\njoblib\n"}, one, names=names)
add("folder with a list in features.json", beside | {"features.json": json.dumps(names)}, one, names=names)
add("folder with what is known of it in JSON", beside | {"metadata.json": json.dumps({"feature_names": names, "threshold": -0.03, "author": "me", "scores": [1, 2]})}, one, threshold=-0.03, names=names)
add("folder with a threshold", beside | {"threshold.txt": "-0.03\n"}, one, threshold=-0.03)
add("folder with a pickled threshold", beside | {"threshold.pkl": pickled(-0.03)}, one, threshold=-0.03)
add("folder with steps", {"a.pkl": pickled(scaler), "b.pkl": pickled(pca), "c.pkl": pickled(last), "old.pkl": pickled(plain),
                          "pump.features.json": '{"steps": ["a.pkl", "b.pkl", "c.pkl"], "threshold": 0.05}'}, two, threshold=0.05)
add("folder in a folder", {"pump/" + n: b for n, b in beside.items()}, one)
add("folder of two models", beside | {"other.pkl": pickled(plain)}, refused=['"model.joblib" (IsolationForest)', '"other.pkl" (IsolationForest)', "more than one of them predicts"])
add("folder with a broken file", beside | {"imputer.pkl": pickled(imputer)[:-40]}, refused=["imputer.pkl: the file ends too early"])
add("folder without a model", {"README.md": "# No model\n"}, refused=["has no model's file"])
add("folder of a scaler", {"scaler.pkl": pickled(scaler)}, refused=['"scaler.pkl" (StandardScaler)', "none of them predicts"])


def saved(v):
    b = io.BytesIO()
    np.save(b, v)
    return b.getvalue()


def npz(**arrays):
    b = io.BytesIO()
    np.savez(b, **arrays)
    return b.getvalue()


def zipped(name, data):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr(name, data)
    return b.getvalue()


add("pickles one after the other", pickled(model) + pickled(scaler), one)
add("files of joblib one after the other", dumped(scaler) + dumped(model), one)
add("pickles of two models", pickled(model) + pickled(plain), refused=["more than one of them predicts"])
add("dict by numpy.save", saved({"scaler": scaler, "model": model}), one)
add("array of objects", np.array([scaler, model, None], dtype=object)[:2], one)
add("array of objects by numpy.save", saved(np.array([scaler, pipeline.steps[0][1], None], dtype=object)[:2]), refused=["none of them predicts"])
add("ensemble by numpy.save", saved(model), refused=["of 3 trees", "joblib.dump"])
add("steps of a Pipeline", make_pipeline(scaler, model).steps, one)
add("models by name in a list", [("a", model), ("b", plain)], refused=['"a" (IsolationForest), "b" (IsolationForest)', "more than one of them predicts"])
add("models by device and sensor", {("p", "t"): model, ("p", "v"): model}, refused=['"p, t" (IsolationForest), "p, v"', "more than one of them predicts"])
add("namespace", types.SimpleNamespace(scaler=scaler, model=model, threshold=-0.03), one, threshold=-0.03)
add("namespace of arguments", argparse.Namespace(scaler=scaler, model=model), one)
add("pandas.to_pickle in a zip file", zipped("model.zip", pickled(pipeline)), whole)
add("npz of a model and its scaler", npz(model=np.array([model, None], dtype=object)[:1], scaler=scaler), one)
add("folder with a threshold by numpy.save", beside | {"threshold.npy": saved(np.float64(-0.03)), "rows.npy": saved(x)}, one, threshold=-0.03)
add("folder with columns by numpy.save", beside | {"features.npy": saved(np.array(names))}, one, names=names)
spread = RandomizedSearchCV(Ridge(), {"alpha": scipy.stats.uniform(0.1, 2), "max_iter": scipy.stats.randint(50, 90)}, n_iter=2, cv=2, random_state=0).fit(x, x[:, 0] * 3 + x[:, 1])
add("search over distributions", spread, value=spread.predict(rows).tolist())
three = np.digitize(x[:, 0], [3, 6])
tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(x, three)
two_classes = DecisionTreeClassifier(max_depth=3, random_state=0).fit(x, (three > 0).astype(int))
kinds, machines = LabelEncoder().fit(["high", "low", "normal"]), LabelEncoder().fit(["L", "M", "S"])
add("names of the classes", {"model": tree, "label_encoder": kinds}, classes=["high", "low", "normal"], value=tree.predict(rows).tolist())
add("encoder of a column", {"model": two_classes, "le_type": machines}, classes=["0", "1"], value=two_classes.predict(rows).tolist())
add("encoder of a column by its name", {"model": tree, "le_temperature": machines, "features": names}, classes=["0", "1", "2"], value=tree.predict(rows).tolist(), names=names)
add("encoders of a column and of the target", {"model": tree, "le_machine": machines, "target_encoder": kinds}, classes=["high", "low", "normal"], value=tree.predict(rows).tolist())
add("encoders in doubt", {"model": tree, "le1": machines, "le2": kinds}, refused=['whether "le1" or "le2" has the names of the classes'])
sparse_svm = OneClassSVM(gamma=0.1, nu=0.2).fit(scipy.sparse.csr_matrix(x))
add("machine fitted on sparse rows", sparse_svm, sparse_svm.decision_function(rows).tolist())
sparse_svc = SVC(gamma=0.1).fit(scipy.sparse.csr_matrix(x), three)
add("classifier fitted on sparse rows", sparse_svc, classes=["0", "1", "2"], value=sparse_svc.predict(rows).tolist())
thin = SGDRegressor(penalty="l1", alpha=0.5, random_state=0).fit(scaler.transform(x), x[:, 0] * 3).sparsify()
add("sparse coefficients", (scaler, thin), value=thin.predict(scaler.transform(rows)).tolist())
add("list of one model in a dict", {"models": [model], "scaler": scaler, "features": names}, one, names=names)
add("steps of a Pipeline in a dict", {"steps": make_pipeline(scaler, model).steps, "version": 1}, one)
add("list of models in a dict", {"models": [model, plain], "scaler": scaler}, refused=['"models.0" (IsolationForest), "models.1" (IsolationForest)', "more than one of them predicts"])
add("list in doubt in a dict", {"parts": [MinMaxScaler().fit(x), scaler, model]}, refused=["in which order", '"steps": ["parts.0", "parts.1", "parts.2"]'])
covariance = np.cov(x.T)
local = LocalOutlierFactor(n_neighbors=5, novelty=True, metric="mahalanobis", metric_params={"V": covariance}, algorithm="ball_tree").fit(x)
add("distances by a covariance", local, local.decision_function(rows).tolist())


class Counted(dict):
    """A dict of scikit-learn's own, as 0.20 had for the results of a search."""


Counted.__module__, Counted.__qualname__ = "sklearn.utils.deprecation", "DeprecationDict"
deprecation.DeprecationDict = Counted
searched = GridSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=2).fit(x, x[:, 0] * 3 + x[:, 1])
searched.cv_results_ = Counted(searched.cv_results_)
for protocol in 0, 1, 2:
    add(f"search whose results are a dict of their own, protocol {protocol}", pickle.dumps(searched, protocol), value=searched.predict(rows).tolist())

mlmodel = """flavors:
  python_function:
    env: {conda: conda.yaml}
    loader_module: %s
    model_path: %s
    predict_fn: predict
%s
mlflow_version: 2.9.2
model_uuid: 4bc9ddc2fcd94837a821a1fb807b49de
signature:
  inputs: '[{"type": "double", "name": "temperature", "required": true}, {"type": "double", "name": "vibration", "required": true}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
"""
flavor = "  sklearn:\n    pickled_model: model.pkl\n    serialization_format: cloudpickle\n    sklearn_version: 1.7.2\n"
of_sklearn = {"MLmodel": mlmodel % ("mlflow.sklearn", "model.pkl", flavor), "model.pkl": pickled(pipeline), "conda.yaml": "name: mlflow-env\n"}
add("mlflow", of_sklearn, whole, names=names)
add("mlflow of python_function alone", of_sklearn | {"MLmodel": mlmodel % ("mlflow.sklearn", "model.pkl", "")}, whole, names=names)
add("mlflow in a folder", {"model/" + n: b for n, b in of_sklearn.items()}, whole, names=names)
add("mlflow with a threshold", of_sklearn | {"features.json": '{"threshold": 0.05}'}, whole, threshold=0.05, names=names)
add("mlflow of a dict", of_sklearn | {"model.pkl": pickled({"model": model, "scaler": scaler})}, one, names=names)
add("mlflow without its file", {"MLmodel": of_sklearn["MLmodel"]}, refused=['without its file "model.pkl"'])
add("mlflow of another signature", of_sklearn | {"MLmodel": of_sklearn["MLmodel"].replace('{"type": "double", "name": "vibration", "required": true}', '{"type": "double", "name": "v"}, {"type": "double", "name": "w"}')},
    refused=["names 3 columns, but the model in it takes 2"])
add("mlflow of Python code", {"MLmodel": mlmodel % ("mlflow.pyfunc.model", "python_model.pkl", "")}, refused=["Python code of its own (mlflow.pyfunc.model)"])
add("mlflow of Keras", {"MLmodel": mlmodel % ("mlflow.tensorflow", "data", "  tensorflow:\n    data: data\n")}, refused=["python_function, tensorflow"])
add("mlflow with an alias", of_sklearn | {"MLmodel": "flavors: &a\n  sklearn: {pickled_model: model.pkl}\nmore: *a\n"}, refused=["MLmodel: a YAML alias"])
add("mlflow that is no YAML", of_sklearn | {"MLmodel": "flavors: ["}, refused=["MLmodel: yaml"])

with gzip.GzipFile(sys.argv[1], "w", mtime=0) as f:
    f.write(json.dumps(cases).encode())
