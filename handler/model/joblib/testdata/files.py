"""Writes files-VERSION.json.gz: one dict as joblib dumps it, in each compression: files.py OUT.json.gz

Run with joblib 1.1, which did not align arrays yet, and with the newest. joblib needs the
package lz4 for lz4.
"""
import base64, gzip, io, json, sys
import joblib
import numpy as np

value = {
    "rows": np.arange(6.0).reshape(2, 3), "fortran": np.asfortranarray(np.arange(6, dtype="f4").reshape(2, 3)), "integers": np.array([-1, 2], dtype="i2"),
    "words": np.array(["a", "bcd"]), "objects": np.array([["a", None], [1, 2.5]], dtype=object), "none": np.zeros((0, 3)), "one": np.array(7.5), "end": "the end",
}
out = {}
for name, compress in [("plain", 0), ("zlib", ("zlib", 3)), ("gzip", ("gzip", 3)), ("bz2", ("bz2", 3)), ("lzma", ("lzma", 3)), ("xz", ("xz", 3)), ("lz4", ("lz4", 3))]:
    for protocol in [2, 4] if name == "plain" else [4]:
        b = io.BytesIO()
        joblib.dump(value, b, compress=compress, protocol=protocol)
        out["%s_%d" % (name, protocol)] = base64.b64encode(b.getvalue()).decode()
with gzip.GzipFile(sys.argv[1], "wb", 9, mtime=0) as f:
    f.write(json.dumps({"joblib": joblib.__version__, "files": out}, sort_keys=True).encode())
