"""Writes xgboost-VERSION.json.gz: small models of the XGBoost that is installed, as people
keep them, with rows and what it gives for them after loading the file again.

Run with 0.90, 1.0.2, 1.3.3, 1.5.2, 1.7.6, 2.1.4 and the newest, each with the scikit-learn
of its time, on x86-64 with glibc 2.28 or later. What a version cannot do is left out.
"""
import base64, gzip, json, os, pickle, sys, tempfile, warnings

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
import xgboost as xgb
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
VERSION = tuple(int(p) for p in xgb.__version__.split(".")[:2])
rng = np.random.RandomState(1)
N, D = 160, 4
X = np.round(rng.normal(size=(N, D)) * [1, 10, 0.1, 3], 2)
X[rng.uniform(size=X.shape) < 0.05] = np.nan
Z = np.nan_to_num(X)
noise = rng.normal(size=N) * 0.3
Y = Z[:, 0] * 2 + np.sin(Z[:, 1]) + (Z[:, 3] > 1) * 1.5 + noise
BINARY = (Y > 0.3).astype(int)
MULTI = np.digitize(Y, [-0.8, 0.9])
POSITIVE = np.exp(Y / 3)
UNIT = 1 / (1 + np.exp(-Y))
ROWS = np.concatenate([X[:9], rng.normal(size=(8, D)) * [2, 20, 0.2, 6], np.full((1, D), np.nan), np.zeros((1, D)),
                       [[1e30, -1e30, 1e-40, -1e-46], [0.1, 1 / 3, -0.0, 16777217.0]]])
INFINITE = np.array([[np.inf, 1, 0, 1], [1, -np.inf, 0, 1], [0, 0, 1e39, 0]])
SMALL = dict(n_estimators=4, max_depth=3, learning_rate=0.37)
if VERSION > (1, 0):
    SMALL["verbosity"] = 0
models = {}


def numbers(a):
    """The numbers, all of which are float32, as text that gives them again."""
    return " ".join("%.9g" % v for v in np.asarray(a, dtype=np.float32).ravel().tolist())


def record(name, data, x, predict, proba=None, margin=None, classes=None):
    m = {"file": base64.b64encode(data).decode(), "x": " ".join(repr(float(v)) for v in np.ravel(x)), "predict": numbers(predict)}
    if proba is not None:
        m["probabilities"] = numbers(proba)
    if margin is not None:
        m["margin"] = numbers(margin)
    if classes is not None:
        m["classes"] = classes
    models[name] = m


def wrapper(name, model, x=ROWS, data=None, proba=True, load=pickle.loads):
    """Records what a wrapper for scikit-learn gives, or a Pipeline that ends in one."""
    data = data if data is not None else pickle.dumps(model, protocol=4)
    m = load(data)
    last = m[-1] if hasattr(m, "steps") else m
    predict, classes, probabilities = m.predict(x), None, None
    if isinstance(last, xgb.XGBClassifier):
        classes = [str(c) for c in (last.classes_ if hasattr(last, "classes_") else range(last.n_classes_))]
        predict = [classes.index(str(int(p) if isinstance(p, (float, np.floating)) else p)) for p in predict]
        probabilities = m.predict_proba(x) if proba else None
    margin = m.predict(x, output_margin=True) if last is m and proba else None
    record(name, data, x, predict, probabilities, margin, classes)


def booster(name, model, x=ROWS, data=None, types=None):
    """Records what a Booster gives; the objective says whether that is a probability."""
    data = data if data is not None else pickle.dumps(model, protocol=4)
    b = model if data is None else read(data) if not data.startswith(b"\x80") else pickle.loads(data)
    more = {"feature_types": types, "enable_categorical": True} if types else {}
    d = xgb.DMatrix(x, **more)
    limit = {"ntree_limit": 4} if VERSION == (0, 90) else {}
    classes = list("012") if "softmax" in name else None
    record(name, data, x, b.predict(d, **limit), margin=b.predict(d, output_margin=True, **limit), classes=classes)


def read(data):
    b = xgb.Booster()
    with tempfile.NamedTemporaryFile(suffix=suffix(data)) as f:
        f.write(data), f.flush()
        b.load_model(f.name)
    return b


def suffix(data):
    return ".json" if data[:2] == b'{"' else ".ubj" if data[:2] == b"{L" else ".bin"


def saved(model, ending):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, "model" + ending)
        model.save_model(path)
        return open(path, "rb").read()


def endings():
    return [e for e, ok in {".json": VERSION >= (1, 0), ".ubj": VERSION >= (1, 6), ".bin": VERSION < (2, 1)}.items() if ok]


def attempt(f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except Exception as e:
        print(xgb.__version__, args[0] if args else f.__name__, "left out:", str(e).splitlines()[0][:100], file=sys.stderr)


def classifiers():
    C = xgb.XGBClassifier
    wrapper("binary", C(**SMALL).fit(X, BINARY))
    wrapper("multi", C(**SMALL).fit(X, MULTI))
    wrapper("weighted", C(scale_pos_weight=3, gamma=0.2, base_score=0.27, **SMALL).fit(X, BINARY))
    attempt(wrapper, "text_labels", C(**SMALL).fit(X, np.array(["bad", "good"])[BINARY]) if VERSION < (1, 6) else None)
    attempt(wrapper, "other_labels", C(**SMALL).fit(X, MULTI * 2 - 1) if VERSION < (1, 6) else None)
    marked = np.where(np.isnan(X), -999, X)
    wrapper("missing", C(missing=-999, **SMALL).fit(marked, BINARY), x=np.where(np.isnan(ROWS), -999, ROWS))
    wrapper("pruned", C(n_estimators=3, max_depth=6, gamma=1.5, tree_method="exact").fit(X, BINARY))
    wrapper("forest", xgb.XGBRFClassifier(n_estimators=7, max_depth=3, subsample=0.7).fit(X, MULTI))
    wrapper("pipeline", make_pipeline(StandardScaler(), C(**SMALL)).fit(Z, BINARY), x=np.nan_to_num(ROWS, posinf=9))
    wrapper("hinge", C(objective="binary:hinge", **SMALL).fit(X, BINARY), proba=False)
    wrapper("logitraw", C(objective="binary:logitraw", base_score=0.3, **SMALL).fit(X, BINARY), proba=False)
    if VERSION >= (1, 4):
        wrapper("softmax", C(objective="multi:softmax", **SMALL).fit(X, MULTI), proba=False)
        wrapper("infinite", C(**SMALL).fit(X, BINARY), x=INFINITE)


def early():
    more = dict(n_estimators=40, max_depth=3, learning_rate=0.8)
    for name, y, parallel in [("early", BINARY, 1), ("early_multi", MULTI, 1), ("early_parallel", MULTI, 3), ("early_parallel_binary", BINARY, 2)]:
        kw = dict(more, num_parallel_tree=parallel, subsample=0.8)
        if VERSION >= (2, 0):
            m = xgb.XGBClassifier(early_stopping_rounds=2, **kw).fit(X[:100], y[:100], eval_set=[(X[100:], y[100:])], verbose=False)
        else:
            m = xgb.XGBClassifier(**kw).fit(X[:100], y[:100], eval_set=[(X[100:], y[100:])], early_stopping_rounds=2, verbose=False)
        wrapper(name, m)
        if VERSION >= (1, 6) and name != "early":
            attempt(of_file, "saved_" + name, m, ".json", xgb.XGBClassifier)


def of_file(name, model, ending, kind):
    def load(data):
        m = kind()
        with tempfile.NamedTemporaryFile(suffix=ending) as f:
            f.write(data), f.flush()
            m.load_model(f.name)
        return m
    wrapper(name, model, data=saved(model, ending), load=load)


def regressors():
    R = xgb.XGBRegressor
    wrapper("squared", R(**SMALL).fit(X, Y))
    wrapper("base", R(base_score=3.7, colsample_bytree=0.7, **SMALL).fit(X, Y))
    wrapper("forest_values", xgb.XGBRFRegressor(n_estimators=7, max_depth=3).fit(X, Y))
    for name, objective, y in [("poisson", "count:poisson", POSITIVE), ("gamma", "reg:gamma", POSITIVE), ("tweedie", "reg:tweedie", POSITIVE),
                               ("logistic", "reg:logistic", UNIT), ("absolute", "reg:absoluteerror", Y), ("squaredlog", "reg:squaredlogerror", POSITIVE),
                               ("pseudohuber", "reg:pseudohubererror", Y)]:
        attempt(lambda n: wrapper(n, R(objective=objective, **SMALL).fit(X, y)), name)
    attempt(lambda n: wrapper(n, R(objective="reg:quantileerror", quantile_alpha=0.8, **SMALL).fit(X, Y)) if VERSION >= (2, 0) else None, "quantile")
    ranker = xgb.XGBRanker(objective="rank:pairwise", **SMALL)
    wrapper("ranker", ranker.fit(X, BINARY, group=[40] * 4))


def kinds():
    dart = dict(booster="dart", rate_drop=0.4, learning_rate=0.5, n_estimators=4, max_depth=3)
    if VERSION > (0, 90):
        wrapper("dart", xgb.XGBRegressor(base_score=1.3, **dart).fit(X, Y))
        wrapper("dart_multi", xgb.XGBClassifier(**dart).fit(X, MULTI))
    wrapper("linear", xgb.XGBRegressor(booster="gblinear", n_estimators=9, base_score=0.7).fit(X, Y))
    wrapper("linear_multi", xgb.XGBClassifier(booster="gblinear", n_estimators=9).fit(X, MULTI), proba=VERSION >= (1, 0))
    params = dict(max_depth=3, eta=0.37, objective="binary:logistic")
    train = xgb.DMatrix(X, BINARY, feature_names=["a", "b c" if VERSION < (1, 0) else "b", "ü", "d"] if VERSION < (1, 0) else list("abcd"))
    plain = xgb.train(params, xgb.DMatrix(X, BINARY), 4)
    booster("booster", plain)
    record("names", pickle.dumps(xgb.train(params, train, 2), protocol=2), ROWS, xgb.train(params, train, 2).predict(xgb.DMatrix(ROWS, feature_names=train.feature_names)))
    models["names"]["names"] = train.feature_names
    multi = xgb.train(dict(max_depth=2, objective="multi:softprob", num_class=3), xgb.DMatrix(X, MULTI), 4)
    booster("softmax_booster", xgb.train(dict(max_depth=2, objective="multi:softmax", num_class=3), xgb.DMatrix(X, MULTI), 4))
    drop = xgb.train(dict(max_depth=3, booster="dart", rate_drop=0.5, objective="reg:tweedie", base_score=0.6), xgb.DMatrix(X, POSITIVE), 4)
    linear = xgb.train(dict(booster="gblinear", objective="count:poisson"), xgb.DMatrix(X, POSITIVE), 4)
    for e in endings() or [".bin"]:
        for name, b in [("binary", plain), ("multi", multi), ("dart", drop), ("linear", linear)]:
            if VERSION > (0, 90) or name != "linear":
                attempt(booster, "saved_" + name + e, b, data=saved(b, e))
    if VERSION >= (1, 3):
        for e in endings():
            attempt(of_file, "saved_wrapper" + e, xgb.XGBClassifier(**SMALL).fit(X, MULTI + (1 if VERSION < (1, 6) else 0)), e, xgb.XGBClassifier)
    if VERSION >= (1, 7):
        categories()


def categories():
    codes = np.column_stack([rng.randint(0, 40, N), Z[:, 0], rng.randint(0, 3, N)]).astype(float)
    y = np.isin(codes[:, 0], [3, 7, 8, 20, 33]) * 2 + codes[:, 1] + (codes[:, 2] == 1)
    types = ["c", "q", "c"]
    for name, onehot in [("categories", 1), ("categories_onehot", 100)]:
        d = xgb.DMatrix(codes, y, feature_types=types, enable_categorical=True)
        b = xgb.train(dict(tree_method="hist", max_depth=4, max_cat_to_onehot=onehot), d, 4)
        x = np.concatenate([codes[:14], [[np.nan, 1, np.nan], [41, 0, 7], [39, 0, 2]]])
        attempt(booster, name, b, x=x, types=types)


classifiers(), early(), regressors(), kinds()
with gzip.GzipFile("xgboost-%s.json.gz" % xgb.__version__, "wb", 9, mtime=0) as f:
    f.write(json.dumps({"version": xgb.__version__, "models": models}, sort_keys=True).encode())
