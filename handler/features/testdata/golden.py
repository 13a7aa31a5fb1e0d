"""Writes the rows that pandas makes, which golden_test.go compares with.

    python golden.py DIRECTORY

writes DIRECTORY/pandas-VERSION.json.gz: the readings, and for each case its
features file and the rows of the pandas code beside it. Run it with several
versions of pandas.
"""
import gzip
import json
import os
import random
import sys

import numpy as np
import pandas as pd

FROM = int(pd.Timestamp("2026-03-28T22:00:00Z").value // 10**6)  # Berlin turns to summer time that night


def usual():
    """Three sensors every 10 s, or nearly: gaps, a sensor that stays out, repeats."""
    rnd = random.Random(13)
    rows, t = [], FROM
    for i in range(260):
        t += rnd.choice([10000, 10000, 10000, 10000, 5000, 9999, 30000])
        if i in (70, 150):
            t += 1000 * 60 * 47
        if i == 200:
            t += 1000 * 3600 * 3
        for sensor, mean, sigma in (("t", 20, 0.3), ("v", 4, 0.5), ("p", 101325, 40)):
            if rnd.random() < 0.12 or sensor == "v" and 100 < i < 112:
                continue
            value = rnd.choice([rnd.gauss(mean, sigma), round(rnd.gauss(mean, sigma)), rnd.gauss(0, sigma)])
            rows.append((t, sensor, value))
            if rnd.random() < 0.05:
                rows.append((t, sensor, value))  # sent twice
    return rows


ONE = [(FROM + 1234, "t", 20.5), (FROM + 1234, "v", 4.25), (FROM + 1234, "p", 101300.0)]
READINGS = {"usual": usual(), "one": ONE, "empty": []}


def frame(rows):
    df = pd.DataFrame(rows, columns=["TS", "Sensor", "Val"]).drop_duplicates(["TS", "Sensor"])
    df["TS"] = pd.to_datetime(df["TS"].astype("int64"), unit="ms", utc=True)
    df["Val"] = df["Val"].astype("float64")
    return df


def wide(df):
    return df.pivot(index="TS", columns="Sensor", values="Val").reindex(columns=["t", "v", "p"])


def sensor(df, name):
    return df[df["Sensor"] == name].set_index("TS")["Val"].rename(name)


CASES = []
TOGETHER = {"together": ["t", "v", "p"]}


def tolerance(exact):
    """0 where rows are equal to the bit, else what a value may differ by, relative."""
    return {True: 0, False: 1e-12}.get(exact, exact)


def case(file, exact=True):
    def add(f):
        CASES.append((f.__name__, file, exact, f))
        return f
    return add


def derived(name, columns, f, exact=True, **more):
    """A case of columns made of df = wide.dropna()."""
    file = dict({"rows": TOGETHER, "columns": columns, "features": [c["name"] for c in columns]}, **more)

    def rows(df):
        return f(wide(df).dropna()).dropna()
    CASES.append((name, file, exact, rows))


@case({"rows": TOGETHER})
def together(df):
    return wide(df).dropna()


@case({"rows": TOGETHER, "missing": "nan"})
def together_nan(df):
    return wide(df)


@case({"rows": {"carried": ["t", "v", "p"], "on": "t", "tolerance": "15s"}})
def merge_asof(df):
    rows = sensor(df, "t").reset_index()
    for name in ("v", "p"):
        rows = pd.merge_asof(rows, sensor(df, name).reset_index(), on="TS", tolerance=pd.Timedelta("15s"))
    return rows.set_index("TS").dropna()


@case({"rows": {"carried": ["t", "v", "p"], "on": "v", "tolerance": "10min"}, "missing": "nan"})
def merge_asof_nan(df):
    rows = sensor(df, "v").reset_index()
    for name in ("t", "p"):
        rows = pd.merge_asof(rows, sensor(df, name).reset_index(), on="TS", tolerance=pd.Timedelta("10min"))
    return rows.set_index("TS")[["t", "v", "p"]]


@case({"rows": {"carried": ["t", "v", "p"], "tolerance": "1min"}})
def carried(df):
    rows = pd.DataFrame({"TS": wide(df).index})
    for name in ("t", "v", "p"):
        rows = pd.merge_asof(rows, sensor(df, name).reset_index(), on="TS", tolerance=pd.Timedelta("1min"))
    return rows.set_index("TS").dropna()


AGGREGATES = ["mean", "min", "max", "std", "sum", "count", "median", "first", "last"]


def resampled(df, every, columns, ffill=0):
    grid = wide(df).resample(every)
    out = pd.DataFrame({name: getattr(grid[s], f)() for name, s, f in columns})
    there = grid.size() > 0
    if ffill:  # pandas ends with the last reading; values are carried on after it
        index = pd.date_range(out.index[0], periods=len(out) + ffill, freq=every)
        there = there.reindex(index, fill_value=False)
        counts = {n: 0 for n, _, f in columns if f in ("sum", "count")}
        out = out.reindex(index).fillna(counts)
        out = out.ffill(limit=ffill)
        there |= out.drop(columns=[n for n, _, f in columns if f in ("sum", "count")]).notna().any(axis=1)
    return out, there


def on_grid(name, aggregates, exact=True, every="5min", **more):
    columns = [(s + "_" + f, s, f) for s, f in aggregates]
    file = {"rows": {"grid": every, "columns": [{"sensor": s, "aggregate": f} for _, s, f in columns]}, "missing": "nan"}
    file["rows"].update(more)

    def rows(df):
        out, there = resampled(df, every, columns, **more)
        return out[there]
    CASES.append((name, file, exact, rows))


VERSION = tuple(int(x) for x in pd.__version__.split(".")[:2])
SUMS_ARE_COMPENSATED = VERSION >= (1, 2)  # by Kahan's method, in groupby and resample
for a in AGGREGATES:
    on_grid("resample_" + a, [("t", a), ("p", a)], exact=SUMS_ARE_COMPENSATED or a not in ("sum", "mean", "std"))
on_grid("resample_several", [("t", "mean"), ("t", "max"), ("v", "count"), ("p", "std")], exact=SUMS_ARE_COMPENSATED, every="1min")
on_grid("resample_ffill", [("t", "mean"), ("v", "last"), ("v", "sum")], exact=SUMS_ARE_COMPENSATED, every="1min", ffill=3)


def on_grid_derived(name, columns, f, exact=True):
    file = {"rows": {"grid": "1min", "columns": [{"name": "m", "sensor": "t", "aggregate": "max"}, {"name": "v", "sensor": "v", "aggregate": "min"}]},
            "columns": columns, "features": ["m"] + [c["name"] for c in columns]}

    def rows(df):
        out, there = resampled(df, "1min", [("m", "t", "max"), ("v", "v", "min")])
        return f(out)[there].dropna()
    CASES.append((name, file, exact, rows))


on_grid_derived("grid_shift", [{"name": "x", "of": "m", "shift": 2}, {"name": "y", "of": "v", "diff": 1}],
                lambda d: d[["m"]].assign(x=d.m.shift(2), y=d.v.diff(1)))
on_grid_derived("grid_rolling", [{"name": "x", "of": "m", "rolling": 5, "aggregate": "max", "min_periods": 2}, {"name": "y", "of": "v", "rolling": "4min", "aggregate": "min"}],
                lambda d: d[["m"]].assign(x=d.m.rolling(5, min_periods=2).max(), y=d.v.rolling("4min").min()))
on_grid_derived("grid_rolling_mean", [{"name": "x", "of": "m", "rolling": 5, "aggregate": "mean", "min_periods": 2}],
                lambda d: d[["m"]].assign(x=d.m.rolling(5, min_periods=2).mean()), exact=False)

for a in ("mean", "min", "max", "std", "var", "sum", "count", "median"):
    # In pandas' own std and var stands the rounding of values that have left the window.
    same = 1e-9 if a in ("std", "var") else a in ("min", "max", "count", "median")
    derived("rolling_time_" + a, [{"name": "x", "of": "t", "rolling": "3min", "aggregate": a}, {"name": "y", "of": "p", "rolling": "1h", "aggregate": a, "min_periods": 7}],
            lambda d, a=a: pd.DataFrame({"x": getattr(d.t.rolling("3min"), a)(), "y": getattr(d.p.rolling("1h", min_periods=7), a)()}), exact=same)
    derived("rolling_rows_" + a, [{"name": "x", "of": "t", "rolling": 12, "aggregate": a, "min_periods": 12}, {"name": "y", "of": "v", "rolling": 5, "aggregate": a, "min_periods": 1}],
            lambda d, a=a: pd.DataFrame({"x": getattr(d.t.rolling(12, min_periods=12), a)(), "y": getattr(d.v.rolling(5, min_periods=1), a)()}), exact=same, within="7D")
for a in ("std", "var"):  # each window by itself
    derived("window_time_" + a, [{"name": "x", "of": "t", "rolling": "3min", "aggregate": a}, {"name": "y", "of": "p", "rolling": 9, "aggregate": a}],
            lambda d, a=a: pd.DataFrame({"x": d.t.rolling("3min").apply(lambda w: getattr(w, a)(), raw=False), "y": d.p.rolling(9).apply(lambda w: getattr(w, a)(), raw=False)}), exact=False, within="7D")
for n, kw in enumerate(({"span": 12}, {"span": 12, "adjust": False}, {"alpha": 0.3}, {"halflife": 4}, {"alpha": 0.05, "adjust": False}, {"halflife": 1.5, "adjust": False}, {"alpha": 1.0})):
    derived("ewm_%d" % n, [{"name": "x", "of": "t", "ewm": kw}, {"name": "y", "of": "p", "ewm": kw, "min_periods": 5}],
            lambda d, kw=kw: pd.DataFrame({"x": d.t.ewm(**kw).mean(), "y": d.p.ewm(min_periods=5, **kw).mean()}), within="7D", exact=False)
def over_nan(name, columns, f, exact=False):
    """A case of columns made of wide, with its gaps."""
    file = {"rows": TOGETHER, "missing": "nan", "columns": columns, "features": [c["name"] for c in columns], "within": "7D"}
    CASES.append((name, file, exact, lambda df: f(wide(df))))


for n, kw in enumerate(({"span": 12}, {"span": 12, "adjust": False}, {"alpha": 0.3}, {"halflife": 4, "adjust": False})):
    over_nan("ewm_nan_%d" % n, [{"name": "x", "of": "t", "ewm": kw}, {"name": "y", "of": "v", "ewm": kw, "min_periods": 5}],
             lambda d, kw=kw: pd.DataFrame({"x": d.t.ewm(**kw).mean(), "y": d.v.ewm(min_periods=5, **kw).mean()}))
over_nan("rolling_nan", [{"name": "x", "of": "t", "rolling": 6, "aggregate": "mean", "min_periods": 2}, {"name": "y", "of": "v", "rolling": "2min", "aggregate": "sum"}],
         lambda d: pd.DataFrame({"x": d.t.rolling(6, min_periods=2).mean(), "y": d.v.rolling("2min").sum()}))
over_nan("shift_nan", [{"name": "x", "of": "t", "shift": 2}, {"name": "y", "of": "v", "diff": 1}, {"name": "z", "of": "p", "rolling": 4, "aggregate": "max", "min_periods": 1}],
         lambda d: pd.DataFrame({"x": d.t.shift(2), "y": d.v.diff(1), "z": d.p.rolling(4, min_periods=1).max()}), exact=True)
derived("shift", [{"name": "x", "of": "t", "shift": 1}, {"name": "y", "of": "v", "shift": 7}], lambda d: pd.DataFrame({"x": d.t.shift(1), "y": d.v.shift(7)}), within="7D")
derived("diff", [{"name": "x", "of": "t", "diff": 1}, {"name": "y", "of": "v", "diff": 3}], lambda d: pd.DataFrame({"x": d.t.diff(1), "y": d.v.diff(3)}), within="7D")
derived("pct_change", [{"name": "x", "of": "p", "pct_change": 1}, {"name": "y", "of": "v", "pct_change": 4}],
        lambda d: pd.DataFrame({"x": d.p.pct_change(1), "y": d.v.pct_change(4)}), within="7D", inf_as_nan=True)
CASES[-1] = CASES[-1][:3] + (lambda df, f=CASES[-1][3]: f(df).replace([np.inf, -np.inf], np.nan).dropna(),)
derived("arithmetic", [{"name": "s", "sum": ["t", "v"]}, {"name": "d", "difference": ["t", "v"]}, {"name": "m", "product": ["t", "p"]}, {"name": "q", "ratio": ["p", "t"]}],
        lambda d: pd.DataFrame({"s": d.t + d.v, "d": d.t - d.v, "m": d.t * d.p, "q": d.p / d.t}))
derived("functions", [{"name": "a", "abs": "v"}, {"name": "c", "clip": "t", "lower": 0, "upper": 20.1}, {"name": "l", "clip": "v", "lower": 3}],
        lambda d: pd.DataFrame({"a": d.v.abs(), "c": d.t.clip(0, 20.1), "l": d.v.clip(lower=3)}))
derived("log1p", [{"name": "a", "abs": "v"}, {"name": "l", "log1p": "a"}], lambda d: pd.DataFrame({"a": d.v.abs(), "l": np.log1p(d.v.abs())}), exact=False)
derived("chain", [{"name": "m", "of": "t", "rolling": "5min", "aggregate": "max"}, {"name": "d", "difference": ["t", "m"]}, {"name": "x", "of": "d", "shift": 1}, {"name": "r", "of": "x", "rolling": 3, "aggregate": "min"}],
        lambda d: pd.DataFrame({"m": d.t.rolling("5min").max()}).assign(d=lambda e: d.t - e.m).assign(x=lambda e: e.d.shift(1)).assign(r=lambda e: e.x.rolling(3).min()), within="2D")
FIELDS = {"hour": 24, "minute": 60, "dayofweek": 7, "day": 31, "dayofyear": 366, "month": 12}
for zone in ("UTC", "Europe/Berlin", "Asia/Kathmandu"):
    def clock(d, zone=zone):
        local = d.index.tz_convert(zone)
        return pd.DataFrame({f: np.asarray(getattr(local, f), dtype="float64") for f in FIELDS}, index=d.index)

    def waves(d, zone=zone):
        c = clock(d, zone)
        return pd.DataFrame({f + a: getattr(np, a)(2 * np.pi * c[f] / n) for f, n in FIELDS.items() for a in ("sin", "cos")})
    derived("clock_" + zone, [{"name": f, "clock": f} for f in FIELDS], clock, tz=zone)
    derived("waves_" + zone, [{"name": f + a, "clock": f, "as": a} for f in FIELDS for a in ("sin", "cos")], waves, tz=zone, exact=False)
derived("attribute", [{"name": "age", "attribute": "age"}], lambda d: d[["t"]].assign(age=7.5)[["age"]])


def main(directory):
    cases = []
    for name, file, exact, f in CASES:
        for readings, rows in READINGS.items():
            out = f(frame(rows)) if rows else None
            text = lambda v: "nan" if np.isnan(v) else float(v).hex()
            cases.append({
                "name": name, "readings": readings, "file": file, "tolerance": tolerance(exact),
                "columns": [] if out is None else list(out.columns),
                "rows": [] if out is None else [[int(t.value // 10**6)] + [text(v) for v in x]
                                                for t, x in zip(out.index.as_unit("ns") if hasattr(out.index, "as_unit") else out.index, out.to_numpy(dtype="float64"))],
            })
    name = os.path.join(directory, "pandas-%s.json.gz" % pd.__version__)
    readings = {k: [[t, s, float(v).hex()] for t, s, v in rows] for k, rows in READINGS.items()}
    with open(name, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
        out.write(json.dumps({"pandas": pd.__version__, "readings": readings, "cases": cases}).encode())


main(sys.argv[1])
