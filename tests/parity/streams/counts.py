from golden import *


def make(f):
    lists = [{}, {"thresholds": [.25]}, {"thresholds": [.1, .5, .7]}, {"thresholds": [0., .5, 1.]}, {"thresholds": [.7, .2]},
             {"thresholds": [0., .25, .5, .75, 1.]}]
    operands = lambda o, s: [f.rng.choice([f.bits, f.few])(s), f.scores(s)]
    for name in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"):
        for options in lists:
            f.streams(name, lambda: options, [vector_of_rows, matrix], operands, 4)
