"""Writes parquet.jsonl: files of Parquet as pandas, Arrow and Spark write them, in base64.

    python -m venv v && v/bin/pip install pandas==3.0.* pyarrow==22.* && v/bin/python parquet.py > parquet.jsonl

What they come to ("want") is written by `go test ./handler/tabular -run Products -update`, and is to be read.
"""
import base64, datetime, decimal, io, json
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

at = pd.to_datetime(["2026-11-27T07:00:00.0", "2026-11-27T07:00:01.5"])
temp = [21.5, None]


def write(name, content):
    print(json.dumps({"name": name + ".parquet", "raw": base64.b64encode(content).decode(), "want": ""}))


def pandas(name, frame, **options):
    b = io.BytesIO()
    frame.to_parquet(b, **options)
    write(name, b.getvalue())


def arrow(name, columns, **options):
    b = io.BytesIO()
    pq.write_table(pa.table(columns), b, **options)
    write(name, b.getvalue())


pandas("index", pd.DataFrame({"temp": temp, "rpm": [900, 901]}, index=at))
pandas("index-named", pd.DataFrame({"temp": temp}, index=at.rename("timestamp")))
pandas("index-utc", pd.DataFrame({"temp": temp}, index=at.tz_localize("UTC")))
pandas("index-berlin", pd.DataFrame({"temp": temp}, index=(at + pd.Timedelta("1h")).tz_localize("Europe/Berlin")))
pandas("range-index", pd.DataFrame({"ts": at, "device": ["d", "e"], "sensor": "s", "value": temp}))
pandas("int-index", pd.DataFrame({"ts": at, "device": ["d", "e"], "temp": temp}, index=[5, 7]))
pandas("category", pd.DataFrame({"ts": at, "device": pd.Categorical(["d", "e"]), "sensor": pd.Categorical(["s", "s"]), "value": temp}))
pandas("multi-index", pd.DataFrame({"temp": temp}, index=pd.MultiIndex.from_arrays([["d", "e"], at], names=["device", "ts"])))
pandas("int96", pd.DataFrame({"ts": at, "device": "d", "temp": temp}), use_deprecated_int96_timestamps=True)
pandas("zstd", pd.DataFrame({"ts": at, "device": "d", "temp": temp}), compression="zstd")
pandas("brotli", pd.DataFrame({"ts": at, "device": "d", "temp": temp}), compression="brotli")
pandas("lz4", pd.DataFrame({"ts": at, "device": "d", "temp": temp}), compression="lz4")
pandas("nullable", pd.DataFrame({"ts": at, "device": "d", "n": pd.array([1, None], "Int64"), "on": pd.array([True, None], "boolean"), "f": pd.array([1.5, None], "Float32")}))
pandas("float16", pd.DataFrame({"ts": at, "device": "d", "h": pd.array([1.5, -2.5e-7], "float16")}))
pandas("strings", pd.DataFrame({"ts": ["2026-11-27 07:00:00", "1795762801.5"], "device": "d", "sensor": "s", "value": ["21.5", "Bad"]}))
pandas("epoch", pd.DataFrame({"ts": [1795762800000, 1795762801500], "device": [7, 8], "sensor": [1, 2], "value": temp}))
pandas("quality", pd.DataFrame({"ts": at, "device": "d", "sensor": "s", "value": [1.0, 2.0], "is_good": [True, False]}))
pandas("notes", pd.DataFrame({"ts": at, "device": "d", "temp": temp, "state": ["on", "off"]}))
pandas("tags", pd.DataFrame({"ts": at, "tag": ["a", "b"], "x": [1.0, 2.0]}))
arrow("milliseconds", {"ts": pa.array(at.to_pydatetime(), pa.timestamp("ms")), "device": ["d", "d"], "temp": temp}, coerce_timestamps="ms")
arrow("version-1", {"ts": pa.array(at.to_pydatetime(), pa.timestamp("us")), "device": ["d", "d"], "temp": temp}, version="1.0")
arrow("decimal", {"ts": pa.array(at.to_pydatetime()), "device": ["d", "d"], "temp": pa.array([decimal.Decimal("21.50"), decimal.Decimal("-0.25")], pa.decimal128(10, 2))})
arrow("decimal-256", {"ts": pa.array(at.to_pydatetime()), "device": ["d", "d"], "temp": pa.array([decimal.Decimal("21.50"), None], pa.decimal256(50, 2))})
arrow("date-and-time", {"date": pa.array([datetime.date(2026, 11, 27)] * 2), "time": pa.array([datetime.time(7), datetime.time(7, 0, 1, 500000)]), "device": ["d", "d"], "temp": temp})
arrow("struct", {"ts": pa.array(at.to_pydatetime()), "device": ["d", "d"], "motor": [{"temp": 21.5, "rpm": 900}, {"temp": None, "rpm": 901}]})
arrow("lists", {"ts": pa.array(at.to_pydatetime()), "device": ["d", "d"], "temp": temp, "spectrum": [[1.0, 2.0], [3.0]]})
arrow("unsigned", {"ts": pa.array(at.to_pydatetime()), "device": ["d", "d"], "n": pa.array([1, 2**63 + 1], pa.uint64()), "m": pa.array([1, 2**32 - 1], pa.uint32())})
arrow("pages-v2", {"ts": pa.array(at.to_pydatetime()), "device": ["d", "d"], "temp": temp}, data_page_version="2.0", use_dictionary=False, column_encoding={"temp": "BYTE_STREAM_SPLIT", "ts": "DELTA_BINARY_PACKED"})
