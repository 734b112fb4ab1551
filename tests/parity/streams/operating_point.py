from golden import *


def make(f):
    operands = lambda o, s: [f.bits(s), f.scores(s)]
    for name, given in (("SensitivityAtSpecificity", "specificity"), ("SpecificityAtSensitivity", "sensitivity"),
                        ("PrecisionAtRecall", "recall"), ("RecallAtPrecision", "precision")):
        few = lambda: {given: f.rng.choice([0., .25, .5, .625, .75, 1.]), "num_thresholds": f.rng.choice([1, 2, 3, 5, 11])}
        many = lambda: {given: f.rng.choice([.25, .5, .75])}
        f.streams(name, few, [vector_of_rows, matrix], operands, 14)
        f.streams(name, many, [vector_of_rows, matrix], operands, 5)
        f.streams(name, lambda: dict(few(), class_id=f.rng.choice([0, 1, -1])), [narrow], operands, 8)
