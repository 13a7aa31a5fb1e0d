"""Writes lightgbm-VERSION.json.gz: small models of the LightGBM that is installed, as people
keep them, with rows and what it gives for them after loading the file again.

Run with 2.3.1, 3.1.1, 3.3.5, 4.0.0, 4.3.0 and the newest, each with the scikit-learn of its
time, on x86-64 with glibc 2.28 or later. What a version cannot do is left out.
"""
import base64, gzip, json, os, pickle, re, sys, tempfile, warnings

os.environ["OMP_NUM_THREADS"] = "1"
import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
VERSION = tuple(int(p) for p in lgb.__version__.split(".")[:2])
rng = np.random.RandomState(1)
N, D = 160, 4
X = np.round(rng.normal(size=(N, D)) * [1, 10, 0.1, 3], 2)
X[:, 2] *= rng.uniform(size=N) < 0.6
X[rng.uniform(size=X.shape) < 0.05] = np.nan
Z = np.nan_to_num(X)
Y = Z[:, 0] * 2 + np.sin(Z[:, 1]) + (Z[:, 3] > 1) * 1.5 + Z[:, 2] * 9 + rng.normal(size=N) * 0.3
BINARY = (Y > 0.3).astype(int)
MULTI = np.digitize(Y, [-0.8, 0.9])
POSITIVE = np.exp(Y / 3)
ROWS = np.concatenate([X[:9], rng.normal(size=(8, D)) * [2, 20, 0.2, 6], np.full((1, D), np.nan), np.zeros((1, D)),
                       [[1e300, -1e300, 1e-35, -1e-35], [0.1, 1 / 3, -0.0, 1.00000001e-35], [np.inf, -np.inf, 1e-320, 1.1e-35]]])
SMALL = dict(n_estimators=4, num_leaves=6, min_child_samples=5, learning_rate=0.37, verbosity=-1, n_jobs=1)
models = {}


def numbers(a):
    return " ".join(repr(float(v)) for v in np.ravel(a))


def record(name, data, x, predict, probabilities=None, raw=None, classes=None):
    m = {"file": base64.b64encode(data).decode(), "x": numbers(x), "predict": numbers(predict)}
    if probabilities is not None:
        m["probabilities"] = numbers(probabilities)
    if raw is not None:
        m["margin"] = numbers(raw)
    if classes is not None:
        m["classes"] = classes
    models[name] = m




def wrapper(name, model, x=ROWS, given=None):
    """Records what a wrapper for scikit-learn gives for x, or for given, which are the same numbers."""
    given = x if given is None else given
    data = pickle.dumps(model, protocol=4)
    m = pickle.loads(data)
    last = m[-1] if hasattr(m, "steps") else m
    predict, classes, probabilities, raw = m.predict(given), None, None, None
    if isinstance(last, lgb.LGBMClassifier):
        classes = [str(c) for c in last.classes_]
        predict = [classes.index(str(p)) for p in predict]
        probabilities = m.predict_proba(given)
        raw = m.predict_proba(given, raw_score=True) if last is m else None
    record(name, data, x, predict, probabilities, raw, classes)


def booster(name, model, x=ROWS, given=None):
    given = x if given is None else given
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "model.txt")
        model.save_model(path)
        data = open(path, "rb").read()
        b = lgb.Booster(model_file=path)
    record(name, data, x, b.predict(given), raw=b.predict(given, raw_score=True))


def attempt(f, name, *args, **kwargs):
    try:
        f(name, *args, **kwargs)
    except Exception as e:
        print(lgb.__version__, name, "left out:", str(e).splitlines()[0][:100], file=sys.stderr)


def classifiers():
    C = lgb.LGBMClassifier
    wrapper("binary", C(**SMALL).fit(X, BINARY))
    wrapper("multi", C(**SMALL).fit(X, MULTI))
    wrapper("text_labels", C(**SMALL).fit(X, np.array(["bad", "good", "ugly"])[MULTI]))
    wrapper("other_labels", C(**SMALL).fit(X, BINARY * 2 - 1))
    wrapper("ova", C(objective="multiclassova", **SMALL).fit(X, MULTI))
    wrapper("goss", C(boosting_type="goss", **SMALL).fit(X, BINARY))
    wrapper("dart", C(boosting_type="dart", drop_rate=0.5, **SMALL).fit(X, MULTI))
    forest = dict(SMALL, boosting_type="rf", subsample=0.6, subsample_freq=1)
    wrapper("forest", C(**forest).fit(X, BINARY))
    wrapper("forest_multi", C(**forest).fit(X, MULTI))
    wrapper("sigmoid", C(sigmoid=1.37, **SMALL).fit(X, BINARY))
    wrapper("pipeline", make_pipeline(StandardScaler(), C(**SMALL)).fit(Z, BINARY), x=np.clip(np.nan_to_num(ROWS), -1e9, 1e9))
    wrapper("zero_missing", C(zero_as_missing=True, **SMALL).fit(X, BINARY))
    wrapper("no_missing", C(use_missing=False, **SMALL).fit(X, MULTI))
    wrapper("no_nan", C(**SMALL).fit(Z, BINARY))
    wrapper("constant", C(**dict(SMALL, min_child_samples=200)).fit(X, BINARY))
    more = dict(SMALL, n_estimators=40, learning_rate=0.8)
    stop = {"early_stopping_rounds": 2, "verbose": False} if VERSION < (4, 0) else {"callbacks": [lgb.early_stopping(2, verbose=False)]}
    for name, y in [("early", BINARY), ("early_multi", MULTI)]:
        m = C(**more).fit(X[:100], y[:100], eval_set=[(X[100:], y[100:])], **stop)
        wrapper(name, m)
        booster(name + "_text", m.booster_)
    slow = C(**dict(SMALL, n_estimators=3)).fit(X, BINARY)
    record("old_protocol", pickle.dumps(slow, protocol=2), ROWS, slow.predict(ROWS), slow.predict_proba(ROWS), classes=["0", "1"])


def regressors():
    R = lgb.LGBMRegressor
    wrapper("values", R(**SMALL).fit(X, Y))
    for objective, y in [("regression_l1", Y), ("huber", Y), ("fair", Y), ("quantile", Y), ("mape", POSITIVE),
                         ("poisson", POSITIVE), ("gamma", POSITIVE), ("tweedie", POSITIVE), ("cross_entropy", BINARY)]:
        wrapper(objective, R(objective=objective, **SMALL).fit(X, y))
    wrapper("sqrt", R(reg_sqrt=True, **SMALL).fit(X, Y))
    wrapper("forest_values", R(**dict(SMALL, boosting_type="rf", subsample=0.6, subsample_freq=1)).fit(X, POSITIVE))
    wrapper("ranker", lgb.LGBMRanker(**SMALL).fit(X, BINARY, group=[40] * 4))
    b = lgb.train({"objective": "tweedie", "num_leaves": 5, "verbosity": -1}, lgb.Dataset(X, POSITIVE), 3)
    booster("tweedie_text", b)
    record("booster", pickle.dumps(b, protocol=4), ROWS, pickle.loads(pickle.dumps(b)).predict(ROWS))
    booster("multi_text", lgb.train({"objective": "multiclass", "num_class": 3, "num_leaves": 5, "verbosity": -1}, lgb.Dataset(X, MULTI), 3))
    frame = pd.DataFrame(X, columns=["temperature", "b c".replace(" ", "_"), "vibration", "d"])
    named = R(**SMALL).fit(frame, Y)
    wrapper("names", named, given=pd.DataFrame(ROWS, columns=frame.columns))
    models["names"]["names"] = list(frame.columns)


def categories():
    codes = np.column_stack([rng.randint(0, 60, N), Z[:, 0], rng.randint(0, 3, N)]).astype(float)
    y = np.isin(codes[:, 0] % 10, [3, 7, 8]) * 2 + codes[:, 1] + (codes[:, 2] == 1)
    x = np.concatenate([codes[:14], [[np.nan, 1, np.nan], [61, 0, 7], [-1, 0, 1], [-0.5, 0, 2.5], [1e10, 0, 1], [33.7, 0, 2**31]]])
    more = dict(SMALL, min_data_per_group=2, cat_smooth=1, max_cat_to_onehot=2)
    wrapper("categories", lgb.LGBMRegressor(**more).fit(codes, y, categorical_feature=[0, 2]), x=x)
    values = np.array([10.0, 20.0, 70.5])

    def frame(a):
        f = pd.DataFrame(a, columns=["kind", "x", "group"])
        f["group"] = pd.Categorical(f["group"], categories=values)
        return f

    f = codes.copy()
    f[:, 2] = values[codes[:, 2].astype(int)]
    rows = np.concatenate([f[:10], [[1, 1, np.nan], [2, 0.5, 11]]])
    wrapper("pandas", lgb.LGBMRegressor(**more).fit(frame(f), y), x=rows, given=frame(rows))
    booster("pandas_text", lgb.train({"verbosity": -1, "num_leaves": 6, "min_data_per_group": 2}, lgb.Dataset(frame(f), y), 3), x=rows, given=frame(rows))


classifiers(), regressors(), categories()
with gzip.GzipFile("lightgbm-%s.json.gz" % lgb.__version__, "wb", 9, mtime=0) as f:
    f.write(json.dumps({"version": lgb.__version__, "models": models}, sort_keys=True).encode())
