"""Writes models as Python 2 kept them, in the form of bundles.py: python2.py OUT.json.gz

Run by Python 2.7 with scikit-learn 0.20.4, numpy 1.16 and joblib 0.14.
"""
import base64, cPickle, gzip, io, json, pickle, sys

import joblib, numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeClassifier

rng = np.random.RandomState(0)
x = rng.normal(5, 3, size=(60, 2))
rows = np.round(rng.normal(5, 4, size=(10, 2)), 3)
scaler = StandardScaler().fit(x)
detector = OneClassSVM(gamma=0.1, nu=0.2).fit(scaler.transform(x))
forest = make_pipeline(scaler, IsolationForest(n_estimators=3, max_samples=16, random_state=0, behaviour="new", contamination=0.1)).fit(x)
search = GridSearchCV(Ridge(), {"alpha": [0.1, 1]}, cv=2, iid=False).fit(x, x[:, 0] * 3 + x[:, 1])
classes = np.array(["low", u"normal"])[(x[:, 0] > 5).astype(int)]
tree = DecisionTreeClassifier(max_depth=3, random_state=0).fit(x, classes)
one = detector.decision_function(scaler.transform(rows)).ravel()
cases = []


def add(name, data, decision=None, names=None, value=None, classes=None):
    cases.append({"name": name, "file": base64.b64encode(data).decode("ascii"), "files": None, "names": names, "spec": "", "refused": [], "rows": rows.tolist(),
                  "decision_function": None if decision is None else decision.tolist(), "predict": None if decision is None else [int(d <= 0) for d in decision],
                  "value": value, "classes": classes})


def dumped(v, compress):
    b = io.BytesIO()
    joblib.dump(v, b, compress=compress)
    return b.getvalue()


for kind, dumps in ("pickle", pickle.dumps), ("cPickle", cPickle.dumps):
    for protocol in 0, 1, 2:
        of = "Python 2, %s, protocol %d, " % (kind, protocol)
        add(of + "dict", dumps({"scaler": scaler, "model": detector, u"features": ["temp\xe9rature", u"vibration"][1:] + ["pressure"]}, protocol), one, names=["vibration", "pressure"])
        add(of + "Pipeline", dumps(forest, protocol), forest.decision_function(rows))
        add(of + "search", dumps(search, protocol), value=search.predict(rows).tolist())
        add(of + "classes", dumps(tree, protocol), value=[["low", "normal"].index(c) for c in tree.predict(rows)], classes=["low", "normal"])
for compress in 0, 3:
    add("Python 2, joblib, compress=%d" % compress, dumped((scaler, detector), compress), one)

with gzip.GzipFile(sys.argv[1], "w", mtime=0) as f:
    f.write(json.dumps(cases, sort_keys=True).encode("ascii"))
