from golden import *


def along(value):
    """value: of two rows of fractions"""
    def values(options, y, p):
        axis = options.get("axis", -1)
        y, p = np.moveaxis(y, axis, -1), np.moveaxis(p, axis, -1)
        rows = [value([Fraction(float(v)) for v in a], [Fraction(float(v)) for v in b])
                for a, b in zip(y.reshape(-1, y.shape[-1]), p.reshape(-1, p.shape[-1]))]
        return np.array(rows).reshape(y.shape[:-1])
    return values


def moments(y, p):
    n, my, mp = len(y), sum(y) / len(y), sum(p) / len(p)
    cov = sum((a - my) * (b - mp) for a, b in zip(y, p)) / n
    return cov, sum((a - my) ** 2 for a in y) / n, sum((b - mp) ** 2 for b in p) / n, my - mp


def pearson(y, p):
    cov, vy, vp, _ = moments(y, p)
    return float(cov) / float(vy * vp) ** .5


def concordance(y, p):
    cov, vy, vp, apart = moments(y, p)
    return float(2 * cov / (vy + vp + apart ** 2 + Fraction(1e-7)))


def varied(a, axis):
    v = np.array(a.v).reshape(a.shape)
    return not v.size or bool((v.max(axis) > v.min(axis)).all())


def make(f):
    for name, formula in (("PearsonCorrelation", pearson), ("ConcordanceCorrelation", concordance)):
        def numbers(o, s):
            while True:
                a = f.rng.choice([f.reals, f.reals, f.few])(s)
                if formula is concordance or varied(a, o.get("axis", -1)):      # else Keras's own value is left to rounding
                    return a
        operands = lambda o, s: [numbers(o, s), numbers(o, s)]
        exact = mean_of(along(formula))
        f.streams(name, lambda: f.rng.choice([{}, {"axis": 1}]), [lines], operands, 20, exact=exact)
        f.streams(name, none, [deep_lines], operands, 14, exact=exact)
        f.streams(name, lambda: {"axis": -2}, [(lambda n: (n, 3, 2), [None, rows])], operands, 10, exact=exact)
