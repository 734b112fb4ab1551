from golden import *


def make(f):
    lists = [{}, {"thresholds": [.25]}, {"thresholds": [.1, .5, .7]}, {"thresholds": [0., .5, 1.]}, {"thresholds": [0., .25, .5, .75, 1.]}]
    tops = [{"top_k": 2}, {"thresholds": [.3], "top_k": 2}, {"thresholds": [0., .5, 1.], "top_k": 2}]
    columns = [{"class_id": 1}, {"class_id": -1, "thresholds": [.2, .6]}, {"top_k": 1, "class_id": 0}]
    operands = lambda o, s: [f.bits(s), f.scores(s)]
    for name in ("Precision", "Recall"):
        for options in lists:
            f.streams(name, lambda: options, [(lambda n: (n,), [None, rows]), matrix], operands, 3)
        for options in tops:
            f.streams(name, lambda: options, [matrix], operands, 3)
        for options in columns:
            f.streams(name, lambda: options, [narrow], operands, 3)
