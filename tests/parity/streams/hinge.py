from golden import *


def make(f):
    sides = lambda s, binary: f.bits(s) if binary else f.signs(s)
    for name in ("Hinge", "SquaredHinge"):
        for binary in (True, False):
            f.streams(name, none, averaged, lambda o, s: [sides(s, binary), f.reals(s)], 6, columns=True)
    labels = lambda o, s: [f.rng.choice([f.one_hot, f.soft])(s), f.rng.choice([f.scores, f.reals])(s)]
    f.streams("CategoricalHinge", none, [lines, deep_lines, (lambda n: (4,), [None])], labels, 14)
