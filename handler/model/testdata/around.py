#!/usr/bin/env python3
"""Writes golden models of scikit-learn around those of XGBoost and LightGBM, as estimators.py does: around.py OUTDIR

The ones here are of scikit-learn 1.7.2 with XGBoost 3.2.0 and scikit-learn 1.9.1 with XGBoost 3.4.1, and of LightGBM 4.7.0.
"""
import json, lzma, pickle, sys, warnings

import numpy as np, sklearn
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import BaggingClassifier, RandomTreesEmbedding, StackingClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (Binarizer, FunctionTransformer, KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, OneHotEncoder, PowerTransformer, QuantileTransformer,
    RobustScaler, StandardScaler)
from xgboost import XGBClassifier, XGBRegressor

warnings.filterwarnings("ignore")
rng = np.random.RandomState(0)
x = rng.normal(size=(80, 3)) * [1, 2, 3]
y = np.where(x[:, 0] + 0.3 * x[:, 1] > 0.5, "fault", "ok")
y3 = np.digitize(x[:, 0] + 0.3 * x[:, 1], [-0.5, 0.5])
q = rng.normal(size=(12, 3)) * [1, 2, 3]
models = {}
floats = lambda v: [[float(f).hex() for f in row] for row in np.asarray(v, float).reshape(len(v), -1)]
light = LGBMClassifier(n_estimators=4, min_child_samples=5, verbose=-1)
codes = (y == "ok").astype(int)
for name, model, y in [
    ("calibrated_sigmoid", CalibratedClassifierCV(XGBClassifier(n_estimators=4, max_depth=2), cv=3), codes),
    ("calibrated_isotonic", CalibratedClassifierCV(light, method="isotonic", cv=3), y),
    ("calibrated_pipeline", CalibratedClassifierCV(make_pipeline(StandardScaler(), light), cv=3), y3),
    ("rest", OneVsRestClassifier(light), y3),
    ("pairs", OneVsOneClassifier(light), y3),
    ("forest_of_boosters", BaggingClassifier(light, n_estimators=2, random_state=0), y),
]:
    model.fit(x, y)
    entry = {"file": pickle.dumps(model, 4).hex(), "X": floats(q), "classes": [str(c) for c in model.classes_], "predict": [str(c) for c in model.predict(q)]}
    for method in ("predict_proba", "decision_function"):
        try:
            entry[method] = floats(getattr(model, method)(q))
        except AttributeError:
            pass
    models[name] = entry

# To XGBoost, what a sparse matrix does not store is missing.
encode = lambda **kw: KBinsDiscretizer(4, encode="onehot", strategy="uniform", **kw)
deep = dict(n_estimators=6, max_depth=3, learning_rate=0.5)
part = lambda *steps, **kw: ColumnTransformer(list(steps), remainder="passthrough", **kw)


def keep(name, kept, model, rows, last, given):
    """The margins of XGBoost stand for a decision_function."""
    if hasattr(last, "final_estimator_"):
        given, last = last._transform(given), last.final_estimator_
    models[name] = {"file": pickle.dumps(kept, 4).hex(), "X": floats(q), "classes": ["0", "1"], "predict": [str(c) for c in model.predict(rows)],
        "predict_proba": floats(model.predict_proba(rows)), "decision_function": floats(last.predict(given, output_margin=True))}


for name, model in [
    ("sparse_bins", make_pipeline(encode(), XGBClassifier(**deep))),
    ("sparse_scaled", make_pipeline(encode(), StandardScaler(with_mean=False), MaxAbsScaler(), XGBClassifier(**deep))),
    ("sparse_dense", make_pipeline(encode(), TruncatedSVD(3, random_state=0), XGBClassifier(**deep))),
    ("sparse_columns", make_pipeline(part(("b", encode(), [0, 1]), sparse_threshold=1), XGBClassifier(**deep))),
    ("sparse_columns_dense", make_pipeline(part(("b", encode(), [0, 1]), sparse_threshold=0), XGBClassifier(**deep))),
    ("sparse_union", make_pipeline(FeatureUnion([("b", encode()), ("c", Binarizer())]), XGBClassifier(**deep))),
    ("sparse_trees", make_pipeline(RandomTreesEmbedding(5, max_depth=3, random_state=0), XGBClassifier(**deep))),
    ("sparse_onehot", make_pipeline(FunctionTransformer(np.round), OneHotEncoder(handle_unknown="ignore"), VarianceThreshold(), XGBClassifier(**deep))),
    ("sparse_stacking", make_pipeline(encode(), StackingClassifier([("x", XGBClassifier(**deep)), ("l", LogisticRegression())], XGBClassifier(**deep), passthrough=True, cv=3))),
    ("sparse_stacked", make_pipeline(encode(), StackingClassifier([("x", XGBClassifier(**deep)), ("l", LogisticRegression())], XGBClassifier(**deep), cv=3))),
]:
    model.fit(x, codes)
    keep(name, model, model, q, model[-1], model[:-1].transform(q))
bins = encode().fit(x)
model = XGBClassifier(**deep).fit(bins.transform(x), codes)
keep("sparse_bundle", {"model": model, "preprocessor": bins}, model, bins.transform(q), model, bins.transform(q))

# The predictions of XGBoost are float32, and so are those of the inverse.
value = 100 + 20 * x[:, 0] + rng.normal(size=80)
booster = XGBRegressor(n_estimators=4, max_depth=2)
for name, model in [
    ("booster_standard", TransformedTargetRegressor(booster, transformer=StandardScaler())),
    ("booster_min_max", TransformedTargetRegressor(booster, transformer=MinMaxScaler())),
    ("booster_robust", TransformedTargetRegressor(booster, transformer=RobustScaler())),
    ("booster_power", TransformedTargetRegressor(booster, transformer=PowerTransformer())),
    ("booster_quantile", TransformedTargetRegressor(booster, transformer=QuantileTransformer(n_quantiles=20))),
    ("booster_chain", TransformedTargetRegressor(make_pipeline(StandardScaler(), booster), transformer=make_pipeline(MinMaxScaler(), StandardScaler()))),
    ("booster_square", TransformedTargetRegressor(booster, func=np.sqrt, inverse_func=np.square)),
    ("booster_in_target", TransformedTargetRegressor(TransformedTargetRegressor(booster, transformer=StandardScaler()), transformer=MinMaxScaler())),
]:
    model.fit(x, value)
    assert model.regressor_.predict(q).dtype == model.predict(q).dtype == np.float32
    models[name] = {"file": pickle.dumps(model, 4).hex(), "X": floats(q), "predict": floats(model.predict(q))}
scaler = StandardScaler().fit(value[:, None])
booster.fit(x, scaler.transform(value[:, None])[:, 0])
models["booster_bundle"] = {"file": pickle.dumps({"model": booster, "y_scaler": scaler}, 4).hex(), "X": floats(q),
    "predict": floats(scaler.inverse_transform(booster.predict(q)[:, None]))}
model = CalibratedClassifierCV(XGBClassifier(n_estimators=4, max_depth=2), method="isotonic", cv=3).fit(x, codes)
models["calibrated_isotonic_booster"] = {"file": pickle.dumps(model, 4).hex(), "X": floats(q), "classes": ["0", "1"],
    "predict": [str(c) for c in model.predict(q)], "predict_proba": floats(model.predict_proba(q))}
model = IsotonicRegression(out_of_bounds="clip").fit(x[:, 0].astype(np.float32), value.astype(np.float32))
models["isotonic_float32"] = {"file": pickle.dumps(model, 4).hex(), "X": floats(q[:, :1]), "predict": floats(model.predict(q[:, :1]))}

with lzma.open("%s/around-%s.json.xz" % (sys.argv[1], sklearn.__version__), "wb") as f:
    f.write(json.dumps({"models": models}, indent=0, sort_keys=True).encode())
