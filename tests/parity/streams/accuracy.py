import numpy as np

from golden import *

wide_lines = (lambda n: (n, 5), [None, rows, scalar])


def hits(options, y, p):
    """top k in whole numbers: TensorFlow takes float32 scores alone"""
    ids = y.argmax(-1) if y.shape == p.shape else y.reshape(p.shape[:-1]).astype(int)
    inside = ids < p.shape[-1]
    at = np.take_along_axis(p, np.where(inside, ids, 0)[..., None], -1)
    return inside & ((p > at).sum(-1) < options.get("k", 5))


def make(f):
    f.streams("Accuracy", none, [vector, columns_of_one, matrix, cube], lambda o, s: [f.few(s), f.few(s)], 11)
    threshold = lambda: f.rng.choice([{}, {"threshold": f.rng.choice([0., .25, .5, .75])}])
    f.streams("BinaryAccuracy", threshold, [vector, columns_of_one, matrix, cube], lambda o, s: [f.bits(s), f.scores(s)], 11)
    labels = lambda o, s: [f.rng.choice([f.one_hot, f.soft])(s), f.scores(s)]
    f.streams("CategoricalAccuracy", none, [lines, deep_lines], labels, 21)
    ids = lambda o, s: [f.few(f.rng.choice([s[:-1], s[:-1] + (1,)]), s[-1] + 1), f.scores(s)]
    f.streams("SparseCategoricalAccuracy", none, [lines, deep_lines], ids, 21)
    near = lambda: {"k": f.rng.choice([1, 2, 3])}
    f.streams("TopKCategoricalAccuracy", near, [wide_lines, deep_lines], labels, 21, exact=mean_of(hits))
    f.streams("SparseTopKCategoricalAccuracy", near, [wide_lines, deep_lines], ids, 11, exact=mean_of(hits))
    f.streams("SparseTopKCategoricalAccuracy", none, [(lambda n: (n, 7), [None, rows])], ids, 4, exact=mean_of(hits))
    first = lambda: {"k": f.rng.choice([1, 2, 3]), "from_sorted_ids": True}
    f.streams("SparseTopKCategoricalAccuracy", first, [wide_lines], lambda o, s: [f.few(s[:-1], 6), f.few(s, 6)], 16)
