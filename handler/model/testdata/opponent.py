"""Scores and loads models with a warm scikit-learn, for BenchmarkScikitLearn.

Reads commands from standard input, a JSON array a line, and answers with a JSON
value a line; the first line out is scikit-learn's version.

  ["svm", DIR, d, vectors, rows]    make a model and rows of float64 in DIR
  ["forest", DIR, d, trees, rows]   likewise
  ["xgboost", DIR, d, trees, rows]  likewise, trees of depth 6, or "lightgbm"; null
                                    where Python has none of it
  ["random_forest", DIR, d, trees, rows] likewise, of depth 12; "boosting", of
                                    depth 3; "logistic", without trees; then
  ["predict", SECONDS]              CPU seconds of a predict, called for so long
  ["loads", PATH, CLASSES, SECONDS] of a pickle.loads with "scikit-learn"'s
                                    classes or "inert" ones
"""
import json, os, sys

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import functools, pickle, time, types, warnings

import numpy as np
import sklearn
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

warnings.filterwarnings("ignore")
rng = np.random.default_rng(1)
model = x = None


def svm(d, count):
    """A one-class machine behind a scaler, its support vectors replaced by
    exactly count random ones."""
    p = make_pipeline(StandardScaler(), OneClassSVM(kernel="rbf", gamma=1 / d))
    p.fit(rng.standard_normal((max(count, 10), d)))
    m = p[-1]
    m.support_ = np.arange(count, dtype=np.int32)
    m.support_vectors_ = rng.standard_normal((count, d))
    m.dual_coef_ = m._dual_coef_ = rng.random((1, count))
    m._n_support = np.array([count, count], dtype=np.int32)
    m.shape_fit_ = (count, d)
    return p


def forest(d, trees):
    return IsolationForest(n_estimators=trees, max_samples=256, random_state=1).fit(rng.standard_normal((10_000, d)))


def classifier(kind, d, trees):
    """A classifier of scikit-learn."""
    x = rng.standard_normal((10_000, d))
    y = (x[:, 0] + np.sin(2 * x[:, 1]) + 0.3 * rng.standard_normal(len(x)) > 0).astype(int)
    if kind == "random_forest":
        model = RandomForestClassifier(n_estimators=trees, max_depth=12, n_jobs=1, random_state=1)
    elif kind == "boosting":
        model = GradientBoostingClassifier(n_estimators=trees, max_depth=3, random_state=1)
    else:
        model = LogisticRegression()
    return model.fit(x, y)


def boosted(library, d, trees):
    """A classifier of XGBoost or LightGBM; None where it is not installed."""
    x = rng.standard_normal((10_000, d))
    y = (x[:, 0] + np.sin(2 * x[:, 1]) + 0.3 * rng.standard_normal(len(x)) > 0).astype(int)
    try:
        if library == "xgboost":
            from xgboost import XGBClassifier
            return XGBClassifier(n_estimators=trees, max_depth=6, n_jobs=1).fit(x, y)
        from lightgbm import LGBMClassifier
        return LGBMClassifier(n_estimators=trees, max_depth=6, num_leaves=63, n_jobs=1, verbosity=-1).fit(x, y)
    except ImportError:
        return None


def scores(model, x):
    """The scores of a detector, the margins or probabilities of a classifier."""
    if hasattr(model, "decision_function"):
        return model.decision_function(x)
    if isinstance(model, RandomForestClassifier):
        return model.predict_proba(x).ravel()
    if hasattr(model, "booster_"):
        return model.predict(x, raw_score=True)
    return model.predict(x, output_margin=True)


def per_call(f, seconds):
    f()
    calls, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds or not calls:
        f()
        calls += 1
    return spent / calls


class Inert:
    pass


def loads(path, classes, seconds):
    data = open(path, "rb").read()
    if classes == "scikit-learn":
        return per_call(lambda: pickle.loads(data), seconds)
    return inert_loads(data, seconds)


def inert_loads(data, seconds):
    """Loads with plain classes in place of scikit-learn's, so that a file loads
    which this version cannot load, and only the unpickler's work counts."""
    names = [("sklearn.pipeline", "Pipeline")]
    names += [("sklearn.preprocessing." + m, "StandardScaler") for m in ("data", "_data")]
    names += [("sklearn.svm." + m, "OneClassSVM") for m in ("classes", "_classes")]
    before = {m: sys.modules.get(m) for m, _ in names}
    try:
        for m, n in names:
            sys.modules[m] = types.ModuleType(m)
            setattr(sys.modules[m], n, type(n, (Inert,), {}))
        return per_call(lambda: pickle.loads(data), seconds)
    finally:
        for m, old in before.items():
            sys.modules.pop(m)
            if old is not None:
                sys.modules[m] = old


MAKERS = {"svm": svm, "forest": forest}
MAKERS.update((k, functools.partial(boosted, k)) for k in ("xgboost", "lightgbm"))
MAKERS.update((k, functools.partial(classifier, k)) for k in ("random_forest", "boosting", "logistic"))

print(json.dumps(sklearn.__version__), flush=True)
for line in sys.stdin:
    verb, *args = json.loads(line)
    answer = None
    if verb in MAKERS:
        path, d, size, rows = args
        model = MAKERS[verb](d, size)
        if model is None:
            print("null", flush=True)
            continue
        x = rng.standard_normal((rows, d))
        with open(os.path.join(path, "model.pkl"), "wb") as f:
            pickle.dump(model, f)
        x.tofile(os.path.join(path, "rows"))
        answer = [float(v) for v in scores(model, x)]
    elif verb == "predict":
        answer = per_call(lambda: model.predict(x), *args)
    elif verb == "loads":
        answer = loads(*args)
    print(json.dumps(answer), flush=True)
