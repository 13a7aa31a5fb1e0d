"""Writes arrays-VERSION.json.gz: arrays and scalars of numpy as they are pickled and saved,
with their elements: arrays.py OUT.json.gz

Run with numpy 1.26 and 2.
"""
import base64, gzip, io, json, pickle, struct, sys
import numpy as np


def text(v):
    if isinstance(v, np.generic):
        v = v.item()
    if isinstance(v, float):
        return "nan" if v != v else "f" + struct.pack(">d", v).hex()
    return json.dumps(v, ensure_ascii=False) if isinstance(v, str) else str(v)


numbers = [0, 1, 2, 3, 100, 127]
arrays = {"f2_special": np.array([1.5, -0.0, np.inf, -np.inf, np.nan, 6e-8, 65504, 0.1], dtype="f2"), "f8_special": np.array([5e-324, -1e308, np.nan, -np.inf])}
for code in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">f2", ">f4", ">f8", ">i2", ">i4", ">i8", ">u2", ">u4", ">u8"]:
    signs = [-1, -128] if "i" in code else [255] if "u" in code else [-0.5, 2.25]
    arrays[code] = np.array(numbers + signs, dtype=code)
for code in ["i1", "i2", "i4", "i8", "u1", "u2", "u4"]:
    arrays[code + "_edges"] = np.array([np.iinfo(code).min, np.iinfo(code).max], dtype=code)
arrays["bool"] = np.array([True, False, True])
arrays["text"] = np.array(["", "a", "übergroß", "\U0001f600"])
arrays["big_endian_text"] = np.array(["ab", "c"], dtype=">U3")
arrays["bytes"] = np.array([b"", b"ab", b"abc"])
arrays["objects"] = np.array(["a", 1, 2.5, True, None], dtype=object)
for name, a in {"rows": np.arange(6.0).reshape(2, 3), "cube": np.arange(24, dtype="i2").reshape(2, 3, 4), "words": np.array([["a", "b", "c"], ["d", "e", "f"]]),
                "cells": np.array([["a", 1, 2.0], [None, "b", False]], dtype=object),
                "numbers": np.array([[1, 2.5, True], [3, 4, 5]], dtype=object)}.items():
    arrays[name], arrays[name + "_fortran"], arrays[name + "_turned"] = a, np.asfortranarray(a), np.ascontiguousarray(a.T)
arrays["none"], arrays["no_rows"], arrays["one"], arrays["part"] = np.zeros(0), np.zeros((0, 3)), np.array(7.5), np.arange(20)[3:17:4]

out = {}
for name, a in arrays.items():
    saved = io.BytesIO()
    if a.dtype != object:
        np.save(saved, a)
    out[name] = {"pickles": [base64.b64encode(pickle.dumps(a, protocol=p)).decode() for p in range(6)], "npy": base64.b64encode(saved.getvalue()).decode(),
                 "shape": list(a.shape), "items": [text(v.decode() if isinstance(v, bytes) else v) for v in a.ravel(order="C").tolist()]}
scalars = {code: np.dtype(code).type(3) for code in ["f4", "f8", "i1", "i8", "u4", "?"]}
scalars.update(f2=np.float16(0.1), f4_tenth=np.float32(0.1), text=np.str_("ü"), negative=np.int16(-3))
out_scalars = {name: {"pickles": [base64.b64encode(pickle.dumps(v, protocol=p)).decode() for p in range(6)], "items": [text(v)]} for name, v in scalars.items()}
record = np.zeros(3, dtype=np.dtype([("left", "i8"), ("flag", "u1"), ("value", "f8"), ("single", ">f4")], align=True))
record["left"], record["flag"], record["value"], record["single"] = [1, -2, 3], [0, 1, 255], [0.5, -1e300, np.inf], [0.25, -2, 7]
saved = io.BytesIO()
np.save(saved, record)
records = {"pickles": [base64.b64encode(pickle.dumps(record, protocol=p)).decode() for p in range(6)], "npy": base64.b64encode(saved.getvalue()).decode(),
           "fields": {f: [text(float(v)) for v in record[f]] for f in record.dtype.names}}
with gzip.GzipFile(sys.argv[1], "wb", 9, mtime=0) as f:
    f.write(json.dumps({"numpy": np.__version__, "arrays": out, "scalars": out_scalars, "records": records}, sort_keys=True).encode())
