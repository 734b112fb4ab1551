from golden import *


def make(f):
    f.streams("Accuracy", none, [vector, columns_of_one, matrix, cube], lambda o, s: [f.few(s), f.few(s)], 11)
    threshold = lambda: f.rng.choice([{}, {"threshold": f.rng.choice([0., .25, .5, .75])}])
    f.streams("BinaryAccuracy", threshold, [vector, columns_of_one, matrix, cube], lambda o, s: [f.bits(s), f.scores(s)], 11)
    labels = lambda o, s: [f.rng.choice([f.one_hot, f.soft])(s), f.scores(s)]
    f.streams("CategoricalAccuracy", none, [lines, deep_lines], labels, 21)
    ids = lambda o, s: [f.few(f.rng.choice([s[:-1], s[:-1] + (1,)]), s[-1] + 1), f.scores(s)]
    f.streams("SparseCategoricalAccuracy", none, [lines, deep_lines], ids, 21)
