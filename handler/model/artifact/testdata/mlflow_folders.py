"""Writes MLflow folders and what their models give: mlflow_folders.py OUTDIR

The file is mlflow-VERSION.json.gz. The ones here are of MLflow 2.9.2 (scikit-learn 1.3.2, XGBoost 1.7.6,
LightGBM 4.0.0) and 3.17.2 (1.7.2, 3.0.5, 4.6.0).
"""
import base64, gzip, json, os, shutil, sys, tempfile, warnings

import lightgbm, mlflow, mlflow.lightgbm, mlflow.pyfunc, mlflow.sklearn, mlflow.xgboost, numpy as np, pandas as pd, xgboost
from mlflow.models import infer_signature
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)
x = pd.DataFrame(rng.normal(5, 3, size=(80, 2)), columns=["temperature", "vibration"])
rows = x.iloc[:10].round(3)
y = (x.temperature + x.vibration > 10).astype(int)
cases = []


def add(name, save, predict=None, scores=None, names=["temperature", "vibration"], refused=[]):
    folder = os.path.join(tempfile.mkdtemp(), "model")
    try:
        save(folder)
        files = {}
        for top, _, found in os.walk(folder):
            for f in found:
                path = os.path.join(top, f)
                files[os.path.relpath(path, folder)] = base64.b64encode(open(path, "rb").read()).decode()
        cases.append({"name": f"{name} of MLflow {mlflow.__version__}", "files": files, "names": names, "rows": rows.values.tolist(), "refused": refused,
                      "predict": None if predict is None else np.asarray(predict, float).tolist(), "scores": None if scores is None else np.ravel(scores).tolist()})
    finally:
        shutil.rmtree(os.path.dirname(folder))


def save_sklearn(model, path, **options):
    if mlflow.__version__[0] >= "3" and options.get("serialization_format", "skops") == "skops":  # which has a list of classes of its own
        options["skops_trusted_types"] = ["sklearn.tree._tree.Tree"]
    mlflow.sklearn.save_model(model, path, **options)


forest = make_pipeline(StandardScaler(), IsolationForest(n_estimators=3, max_samples=16, random_state=0)).fit(x)
plain = IsolationForest(n_estimators=3, max_samples=16, random_state=0).fit(x.values)
judged = dict(predict=forest.predict(rows) == -1, scores=forest.decision_function(rows))
unnamed = dict(predict=plain.predict(rows.values) == -1, scores=plain.decision_function(rows.values))
signature = infer_signature(x, forest.predict(x))
add("sklearn", lambda path: save_sklearn(forest, path), **judged)
add("sklearn with a signature", lambda path: save_sklearn(forest, path, signature=signature), **judged)
add("sklearn by pickle", lambda path: save_sklearn(forest, path, serialization_format="pickle"), **judged)
add("sklearn by cloudpickle", lambda path: save_sklearn(forest, path, serialization_format="cloudpickle"), **judged)
add("sklearn without names, signature with", lambda path: save_sklearn(plain, path, signature=signature), **unnamed)
add("sklearn without names", lambda path: save_sklearn(plain, path), names=None, **unnamed)
classifier = RandomForestClassifier(n_estimators=3, max_depth=3, random_state=0).fit(x, y)
add("classifier", lambda path: save_sklearn(classifier, path), predict=classifier.predict(rows))
ridge = Ridge(solver="lsqr").fit(x, y)
add("regressor", lambda path: save_sklearn(ridge, path), predict=ridge.predict(rows))


def kept(save):
    """The names of columns that XGBoost has when it reads the folder again: its old binary has none."""
    folder = os.path.join(tempfile.mkdtemp(), "model")
    save(folder)
    model = mlflow.xgboost.load_model(folder)
    shutil.rmtree(os.path.dirname(folder))
    return (model if isinstance(model, xgboost.Booster) else model.get_booster()).feature_names


boosted = xgboost.XGBRegressor(n_estimators=3, max_depth=2).fit(x, y)
add("xgboost", lambda path: mlflow.xgboost.save_model(boosted, path), predict=boosted.predict(rows), names=kept(lambda path: mlflow.xgboost.save_model(boosted, path)))
booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(x, y), 3)
add("xgboost Booster", lambda path: mlflow.xgboost.save_model(booster, path), predict=booster.predict(xgboost.DMatrix(rows)), names=kept(lambda path: mlflow.xgboost.save_model(booster, path)))
add("xgboost as JSON", lambda path: mlflow.xgboost.save_model(boosted, path, model_format="json"), predict=boosted.predict(rows), names=kept(lambda path: mlflow.xgboost.save_model(boosted, path, model_format="json")))
light = lightgbm.LGBMRegressor(n_estimators=3, max_depth=2, verbose=-1).fit(x, y)
add("lightgbm", lambda path: mlflow.lightgbm.save_model(light, path), predict=light.predict(rows))
lighter = lightgbm.train({"max_depth": 2, "verbose": -1}, lightgbm.Dataset(x, y), 3)
add("lightgbm Booster", lambda path: mlflow.lightgbm.save_model(lighter, path), predict=lighter.predict(rows))


class Own(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


add("Python code", lambda path: mlflow.pyfunc.save_model(path, python_model=Own()), refused=["Python code of its own (mlflow.pyfunc.model)", "mlflow.sklearn.log_model"])

with gzip.GzipFile(f"{sys.argv[1]}/mlflow-{mlflow.__version__}.json.gz", "w", mtime=0) as f:
    f.write(json.dumps(cases).encode())
