from golden import *


def make(f):
    for name in ("MeanSquaredError", "MeanAbsoluteError"):
        f.streams(name, none, averaged, lambda o, s: [f.reals(s), f.reals(s)], 11, columns=True)
