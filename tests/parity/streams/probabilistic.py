from golden import *


def make(f):
    logits = lambda o: o.get("from_logits", False)
    binary = lambda: f.rng.choice([{}, {"from_logits": True}, {"label_smoothing": .125}, {"from_logits": True, "label_smoothing": .25}])
    f.streams("BinaryCrossentropy", binary, averaged,
              lambda o, s: [f.rng.choice([f.bits, f.scores])(s), (f.reals if logits(o) else f.scores)(s)], 11, columns=True)
    sparse = lambda: f.rng.choice([{}, {"from_logits": True}, {"ignore_class": 2}, {"from_logits": True, "ignore_class": 1}])
    f.streams("SparseCategoricalCrossentropy", sparse, [lines, deep_lines],
              lambda o, s: [f.few(f.rng.choice([s[:-1], s[:-1] + (1,)]), s[-1]), (f.reals if logits(o) else f.rng.choice([f.probabilities, f.scores]))(s)], 21)
    labels = lambda s: f.rng.choice([f.one_hot, f.soft])(s)
    categorical = lambda: f.rng.choice([{}, {"from_logits": True}, {"label_smoothing": .125}, {"from_logits": True, "label_smoothing": .25},
                                        {"axis": 1}, {"axis": 1, "from_logits": True}])
    for shape in (lines, deep_lines):
        for _ in range(24):
            o = categorical()
            if shape is lines:
                o.pop("axis", None)
            steps = f.stream("CategoricalCrossentropy", o, shape[0], lambda s: [labels(s), (f.reals if logits(o) else f.rng.choice([f.probabilities, f.scores]))(s)],
                             [None, rows] if "axis" in o else shape[1])
            f.case("CategoricalCrossentropy", o, steps)
    f.streams("KLDivergence", none, [lines, deep_lines, (lambda n: (4,), [None])], lambda o, s: [f.rng.choice([labels, f.scores])(s), f.scores(s)], 14)
    f.streams("Poisson", none, averaged, lambda o, s: [f.few(s, 9), f.positives(s)], 11, columns=True)
