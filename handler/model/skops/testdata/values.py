"""Writes values-VERSION.json.gz: Python values in a file of skops, and as text: values.py OUT.json.gz

Run with skops 0.6, 0.9 and 0.16. The text is what the test in this package writes of a
value that it reads.
"""
import base64, collections, functools, gzip, json, math, operator, struct, sys
import numpy as np
import skops
from scipy import sparse
from skops import io
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KDTree
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_array


def text(v):
    if v is None or isinstance(v, bool):
        return str(v)
    if isinstance(v, (np.bool_, np.integer, np.floating, np.str_)):
        return text(v.item())
    if isinstance(v, int):
        return str(v)
    if isinstance(v, float):
        return "nan" if math.isnan(v) else "f" + struct.pack(">d", v).hex()
    if isinstance(v, str):
        return json.dumps(v, ensure_ascii=False)
    if isinstance(v, (bytes, bytearray)):
        return "b" + v.hex()
    if isinstance(v, list):
        return "[%s]" % ", ".join(map(text, v))
    if isinstance(v, tuple):
        return "(%s)" % ", ".join(map(text, v))
    if isinstance(v, set):
        return "{%s}" % ", ".join(sorted(map(text, v)))
    if isinstance(v, dict):
        return "{%s}" % ", ".join(text(k) + ": " + text(w) for k, w in v.items())
    if isinstance(v, slice):
        return "slice(%s, %s, %s)" % (text(v.start), text(v.stop), text(v.step))
    if isinstance(v, np.dtype):
        return "dtype " + v.str.lstrip("<")
    if isinstance(v, np.ma.MaskedArray) or sparse.issparse(v) or isinstance(v, (np.random.RandomState, np.random.Generator, functools.partial, operator.itemgetter)):
        return "a " + type(v).__name__
    if isinstance(v, np.ndarray):
        return "array %s %s" % (list(v.shape), text([text(x) for x in v.ravel().tolist()]))
    if isinstance(v, type) or callable(v) and hasattr(v, "__module__"):
        return "name " + v.__module__ + "." + v.__name__
    return "%s.%s%s" % (type(v).__module__, type(v).__name__, text(v.__getstate__()))


x, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]]), np.array([0, 0, 1, 1])
more = collections.defaultdict(list, {"a": [1, 2]})
objects = np.empty((2, 2), dtype=object)
objects[:] = [["a", None], [1, 2.5]]
column = np.array(["left", "right"], dtype=object)
values = {
    "none": [None], "bools": [True, False], "integers": [0, -1, 2**63 - 1, -2**63, 2**63, 10**40], "floats": [0.1, -1e300, 5e-324, 1.0, 1e22],
    "not_finite": [float("nan"), float("inf"), float("-inf")], "text": ["", "ü\n\"\\", "a" * 300, "null", "1"],
    "bytes": [b"", b"\x00\xff", b"\x00\xff"], "bytearray": [bytearray(b"abc")],
    "nested": [[], [[1], [2, [3]]], (), (1, (2,)), {1, 2}], "keys": {"a": 1, 2: "b", -3: 4, 2.5: None, "": []},
    "key_types": {np.int64(7): 1, np.float32(0.5): 2, True: 3, None: 4}, "defaultdict": [more],
    "slices": [slice(None), slice(1, None, 2), slice(-3, 4)], "dtypes": [np.dtype("<f4"), np.dtype("int64")],
    "arrays": [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.zeros((0, 4)), np.array([True, False]), np.array(["a", "bcd"]), np.float32([0.1])],
    "numpy_scalars": [np.float64(0.1), np.float32(0.1), np.int64(-5), np.bool_(True)],
    "objects": [objects, column, np.empty((0,), dtype=object)], "names": [np.ndarray, LinearRegression, check_array, math.sqrt],
    "estimator": [LinearRegression().fit(x, y)], "shared": [x, x],
    "kept_without_content": [np.random.RandomState(0), sparse.csr_matrix(x), np.ma.array([1, 2], mask=[0, 1]), functools.partial(max, 1), operator.itemgetter(1)],
    "generator": [np.random.default_rng(0)],
}
out = {}
for name, value in values.items():
    try:
        out[name] = {"file": base64.b64encode(io.dumps(value)).decode(), "text": text(value)}
    except Exception as e:
        print(skops.__version__, name, "left out:", str(e).splitlines()[0][:120], file=sys.stderr)
# What Cython's objects are made of: the class, and of which arguments.
for name, value in {"tree": DecisionTreeClassifier(random_state=0).fit(x, y).tree_, "kd_tree": KDTree(x)}.items():
    out[name] = {"file": base64.b64encode(io.dumps([value])).decode(), "text": ""}
with gzip.GzipFile(sys.argv[1], "wb", 9, mtime=0) as f:
    f.write(json.dumps({"skops": skops.__version__, "values": out}, sort_keys=True).encode())
