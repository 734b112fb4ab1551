from fractions import Fraction

import numpy as np

from golden import *

outputs = (lambda n: (n, 2), [None, rows, column, full])


def log_cosh(options, y, p):
    """Keras takes ln 2 in float32: its float64 answers are off by 1.9e-9"""
    e = np.abs(p - y)
    return (e + np.log1p(np.exp(-2 * e)) - np.log(2)).mean(-1)


def r2(options, steps):
    """Keras's formula in rational arithmetic: its own S = squared_sum - sum * mean cancels"""
    n, s, q, e, count = all_sums(steps)
    S = [b - a * a / c for a, b, c in zip(s, q, count)]
    r = [1 - d / v if v else Fraction(0) if d else None for d, v in zip(e, S)]
    if None in r or 0 in count:
        return np.full(() if options.get("class_aggregation", "") is not None else (len(S),), np.nan)
    kind = options.get("class_aggregation", "uniform_average")
    r = [sum(r) / len(r)] if kind == "uniform_average" else [sum(a * b for a, b in zip(r, S)) / sum(S)] if kind else r
    p = options.get("num_regressors", 0)
    if p and n - p - 1 > 0:
        r = [1 - (1 - v) * (n - 1) / (n - p - 1) for v in r]
    return np.array([float(v) for v in r]) if kind is None else np.float64(r[0])


def add_rows(sums, step):
    x, w = step.keras("float64", {}, True)
    w = np.ones(1) if w is None else w
    w = np.broadcast_to(w.reshape(w.shape + (1,) * (2 - w.ndim)), x[0].shape)
    f = np.vectorize(Fraction, otypes=[object])
    y, p, w = f(x[0]), f(x[1]), f(w)
    new = [int(w.astype(bool).any(axis=1).sum())] + [list(v.sum(axis=0)) for v in (w * y, w * y * y, w * (y - p) ** 2, w)]
    return new if sums is None else [sums[0] + new[0]] + [[a + b for a, b in zip(v, d)] for v, d in zip(sums[1:], new[1:])]


def all_sums(steps):
    sums = None
    for step in steps:
        if step == "reset":
            sums = None
        elif not step.empty():
            sums = add_rows(sums, step)
    return sums


def count_rows(metric, steps):
    """from 3.16 on num_samples are the rows with a weight that is not 0; before they were all elements"""
    metric.num_samples.assign(all_sums(steps)[0])


def defined(steps):
    """labels that differ, in every column, so far that float32 does not cancel"""
    sums = all_sums(steps)
    if not sums:
        return False
    n, s, q, e, count = sums
    return all(c and b - a * a / c > b / 4 for a, b, c in zip(s, q, count))


def make(f):
    pairs = lambda o, s: [f.reals(s), f.reals(s)]
    for name in ("MeanSquaredError", "MeanAbsoluteError"):
        f.streams(name, none, averaged, pairs, 11, columns=True)
    f.streams("LogCoshError", none, averaged, pairs, 11, columns=True, exact=mean_of(log_cosh, True))
    f.streams("RootMeanSquaredError", none, [vector, columns_of_one, matrix, cube], pairs, 11)
    f.streams("MeanAbsolutePercentageError", none, averaged, lambda o, s: [f.positives(s), f.reals(s)], 11, columns=True)
    f.streams("MeanSquaredLogarithmicError", none, averaged,
              lambda o, s: [f.rng.choice([f.positives, f.reals])(s), f.positives(s)], 11, columns=True)
    along = lambda: f.rng.choice([{}, {"axis": 1}])
    f.streams("CosineSimilarity", along, [lines], pairs, 20)
    f.streams("CosineSimilarity", none, [(lambda n: (n,), [None]), deep_lines], pairs, 14)
    f.streams("CosineSimilarity", lambda: {"axis": -2}, [(lambda n: (n, 3, 2), [None, rows])], pairs, 6)
    options = lambda: f.rng.choice([{}, {"class_aggregation": "variance_weighted_average"}, {"class_aggregation": None},
                                    {"num_regressors": 1}, {"class_aggregation": None, "num_regressors": 2}])
    made = 0
    while made < 48:
        o = options()
        shape_of, kinds = f.rng.choice([columns_of_one, outputs, matrix])
        steps = f.stream("R2Score", o, shape_of, lambda s: pairs(o, s), kinds)
        if defined(steps):
            f.case("R2Score", o, steps, columns=True, exact=r2, mend=count_rows)
            made += 1
