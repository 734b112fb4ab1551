from golden import *


def make(f):
    for name in ("Mean", "Sum"):
        values = lambda o, s: [f.reals(s)]
        f.streams(name, none, [vector, columns_of_one], values, 10, least=-40)
        f.streams(name, none, [matrix, cube], values, 10)
