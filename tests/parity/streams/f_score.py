from golden import *


def f_beta(options, steps):
    """in rational arithmetic, without the 1e-7 that Keras adds to each denominator"""
    micro, b2 = options.get("average") == "micro", Fraction(options.get("beta", 1.)) ** 2
    tp = fp = fn = labels = [Fraction(0)] * 3
    for step in steps:
        if step == "reset":
            tp = fp = fn = labels = [Fraction(0)] * 3
        elif not step.empty():
            (y, p), w = step.keras("float64", options, False)
            t = options.get("threshold")
            called = (p > t) if t is not None else (p == p.max(axis=1, keepdims=True)) & (np.abs(p) > 1e-9)
            w = np.ones(len(y)) if w is None else w
            def add(total, of):
                sums = [sum(Fraction(float(x)) * Fraction(float(weight)) for x, weight in zip(column, w)) for column in of.T]
                return [a + b for a, b in zip(total, sums)]
            tp, fp, fn, labels = add(tp, called * y), add(fp, called * (1 - y)), add(fn, (1 - called) * y), add(labels, y)
    if micro:
        tp, fp, fn, labels = [sum(tp)], [sum(fp)], [sum(fn)], [sum(labels)]
    den = [(1 + b2) * a + b2 * b + c for a, b, c in zip(tp, fn, fp)]
    score = [(1 + b2) * a / d if d else Fraction(0) for a, d in zip(tp, den)]
    if options.get("average") == "weighted":
        return float(sum(s * l for s, l in zip(score, labels)) / sum(labels)) if sum(labels) else 0.
    if options.get("average"):
        return float(sum(score) / len(score))
    return [float(s) for s in score]


def make(f):
    averages = lambda: f.rng.choice([{}, {"average": "micro"}, {"average": "macro"}, {"average": "weighted"}])
    thresholds = lambda: f.rng.choice([{}, {}, {"threshold": .5}, {"threshold": .3}, {"threshold": 1.}])
    operands = lambda o, s: [f.rng.choice([f.one_hot, f.bits])(s), f.rng.choice([f.scores, f.reals])(s)]
    for name, betas in (("FBetaScore", [.5, 1., 2.]), ("F1Score", [])):
        made = 0
        while made < 56:
            o = dict(averages(), **thresholds())
            if betas:
                o["beta"] = f.rng.choice(betas)
            steps = f.stream(name, o, lambda n: (n, 3), lambda s: operands(o, s), [None, rows, scalar])
            if any(s != "reset" and not s.empty() for s in steps):              # else Keras has no sizes yet
                f.case(name, o, steps, exact=f_beta)
                made += 1
