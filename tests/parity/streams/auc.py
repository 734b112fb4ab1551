from golden import *


def make(f):
    curves = lambda: {"curve": f.rng.choice(["ROC", "PR", "PRGAIN"]),
                      "summation_method": f.rng.choice(["interpolation", "majoring", "minoring"])}
    grid = lambda: f.rng.choice([{"num_thresholds": 2}, {"num_thresholds": 3}, {"num_thresholds": 5}, {"num_thresholds": 11}, {}])
    lists = lambda: f.rng.choice([{"thresholds": [.5]}, {"thresholds": [.2, .7]}, {"thresholds": [.625, .25, .5]},
                                  {"thresholds": [.25, .5, .75]}])
    labels = lambda: f.rng.choice([{"multi_label": True}, {"multi_label": True, "num_labels": 3},
                                   {"multi_label": True, "label_weights": [.75, .25, 1.5]}, {"label_weights": [.75, .25, 1.5]}])
    operands = lambda o, s: [f.bits(s), (f.reals if o.get("from_logits") else f.scores)(s)]
    of = lambda *parts: lambda: {k: v for part in parts for k, v in part().items()}
    f.streams("AUC", of(grid, curves), [vector_of_rows, matrix, cube_of_rows], operands, 14)
    f.streams("AUC", of(lists, curves), [vector_of_rows, matrix], operands, 12)
    f.streams("AUC", of(grid, curves, lambda: {"from_logits": True}), [vector_of_rows, matrix], operands, 5)
    for shape in (narrow, matrix):
        made = 0
        while made < 16:
            o = of(grid, curves, labels)()
            steps = f.stream("AUC", o, shape[0], lambda s: operands(o, s), shape[1])
            if any(s != "reset" and not s.empty() for s in steps):              # else Keras has no sizes yet
                f.case("AUC", o, steps)
                made += 1
