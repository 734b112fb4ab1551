from golden import *


def make(f):
    logits = lambda o: o.get("from_logits", False)
    binary = lambda: f.rng.choice([{}, {"from_logits": True}, {"label_smoothing": .125}, {"from_logits": True, "label_smoothing": .25}])
    f.streams("BinaryCrossentropy", binary, averaged,
              lambda o, s: [f.rng.choice([f.bits, f.scores])(s), (f.reals if logits(o) else f.scores)(s)], 11, columns=True)
    sparse = lambda: f.rng.choice([{}, {"from_logits": True}, {"ignore_class": 2}, {"from_logits": True, "ignore_class": 1}])
    f.streams("SparseCategoricalCrossentropy", sparse, [lines, deep_lines],
              lambda o, s: [f.few(f.rng.choice([s[:-1], s[:-1] + (1,)]), s[-1]), (f.reals if logits(o) else f.probabilities)(s)], 21)
