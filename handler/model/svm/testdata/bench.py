"""Times warm scikit-learn at what the Go benchmarks time, CPU time, one thread:
the comparison for BenchmarkDecision and forest's BenchmarkPathLengths.

Prints lines as Go's benchmarks do: name, rounds, and the least and the median
time. Needs scikit-learn; without it, says so and exits 0.
"""
import os
import sys

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import pickle
import statistics
import time

try:
    import numpy as np
    import sklearn
    from sklearn.ensemble import IsolationForest
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import OneClassSVM
except ImportError as e:
    print(f"no scikit-learn to compare with: {e}")
    sys.exit(0)


def measure(f, seconds=0.5, rounds=7):
    """Least and median CPU time of a call, of so many rounds."""
    f()
    times = []
    for _ in range(rounds):
        calls, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds / rounds or not calls:
            f()
            calls += 1
        times.append((time.process_time() - start) / calls)
    return min(times), statistics.median(times)


def report(name, f, per, unit):
    least, median = measure(f)
    print(f"sklearn-{sklearn.__version__}/{name}\t{least * 1e9:.0f} ns/op min\t{median * 1e9:.0f} ns/op median"
          f"\t{least * 1e9 / per:.3f} ns/{unit} min\t{median * 1e9 / per:.3f} median", flush=True)


def machine(count, d, rng):
    """A one-class machine behind a scaler, its support vectors replaced by
    exactly count random ones."""
    model = make_pipeline(StandardScaler(), OneClassSVM(kernel="rbf", gamma=1 / d))
    model.fit(rng.standard_normal((max(count, 10), d)))
    svm = model[-1]
    svm.support_ = np.arange(count, dtype=np.int32)
    svm.support_vectors_ = rng.standard_normal((count, d))
    svm.dual_coef_ = svm._dual_coef_ = rng.random((1, count))
    svm._n_support = np.array([count, count], dtype=np.int32)
    svm.shape_fit_ = (count, d)
    return model


rng = np.random.default_rng(1)
for d in (1, 8, 32):
    for count in (5, 500):
        model = machine(count, d, rng)
        for n in (1, 10_000):
            x = rng.standard_normal((n, d))
            report(f"Decision/d={d}/vectors={count}/rows={n}", lambda: model.predict(x), n * count, "row×SV")

forest = IsolationForest(n_estimators=100, max_samples=256, random_state=1).fit(rng.standard_normal((10_000, 8)))
for n in (1, 1_000):
    x = rng.standard_normal((n, 8))
    report(f"PathLengths/rows={n}", lambda: forest.predict(x), n * 100, "row×tree")

model = machine(2, 1, rng)
data = pickle.dumps(model)
report("Load/reference", lambda: pickle.loads(data), 1, "load")
