from golden import *


def iou(options, steps):
    """in rational arithmetic, without the 1e-7 that Keras adds to each denominator"""
    c = options.get("num_classes", 2)
    cells = {}
    for step in steps:
        if step == "reset":
            cells = {}
        elif not step.empty():
            (y, p), w = step.keras("float64", options, False)
            if options["kind"] == "binary":
                p = p >= options.get("threshold", .5)
            else:
                y = y if options["kind"] == "ids" and options.get("sparse_y_true", True) else y.argmax(options.get("axis", -1))
                p = p if options.get("sparse_y_pred", options["kind"] == "ids") else p.argmax(options.get("axis", -1))
            w = np.broadcast_to(1. if w is None else w, y.shape)
            for a, b, weight in zip(y.ravel(), p.ravel(), w.ravel()):
                if a != options.get("ignore_class"):
                    cells[int(a), int(b)] = cells.get((int(a), int(b)), 0) + Fraction(float(weight))
    parts = []
    for k in options.get("target_class_ids", range(c)):
        both = cells.get((k, k), 0)
        either = sum(v for (a, b), v in cells.items() if a == k or b == k)
        parts += [both / either] if either else []
    return float(sum(parts) / len(parts)) if parts else 0.


def make(f):
    pairs = [(lambda n: (n,), [None, rows, scalar]), (lambda n: (n, 3), [None, full])]
    ignored = lambda: f.rng.choice([{}, {}, {"ignore_class": 1}, {"ignore_class": 4}])
    targets = lambda: {"target_class_ids": f.rng.choice([[0], [1, 3], [0, 1, 2, 3], [2, 2]])}
    def of(name, kind, options, shapes, operands, times):
        f.streams(name, options, shapes, operands, times, exact=lambda o, steps: iou(dict(o, kind=kind), steps))
    ids = lambda o, s: [f.few(s, 5 if o.get("ignore_class") == 4 else 4), f.few(s)]
    hot = lambda o, s: [f.rng.choice([f.one_hot, f.soft])(s), f.scores(s)]
    for name, given in (("IoU", targets), ("MeanIoU", dict)):
        of(name, "ids", lambda: dict(num_classes=4, **given(), **ignored()), pairs, ids, 16)
        of(name, "ids", lambda: dict(num_classes=4, sparse_y_pred=False, **given(), **ignored()),
           [(lambda n: (n, 4), [None, rows])], lambda o, s: [f.few(s[:-1], 5 if o.get("ignore_class") == 4 else 4), f.scores(s)], 6)
        of(name, "ids", lambda: dict(num_classes=4, sparse_y_true=False, **given()), [(lambda n: (n, 4), [None, rows])],
           lambda o, s: [f.one_hot(s), f.few(s[:-1])], 6)
    for name, given in (("OneHotIoU", targets), ("OneHotMeanIoU", dict)):
        of(name, "hot", lambda: dict(num_classes=4, **given(), **f.rng.choice([{}, {}, {"ignore_class": 1}])),
           [(lambda n: (n, 4), [None, rows, scalar]), (lambda n: (n, 2, 4), [None, outer])], hot, 16)
        of(name, "hot", lambda: dict(num_classes=4, axis=0, **given()), [(lambda n: (4, n), [None])], lambda o, s: [f.scores(s), f.scores(s)], 6)
        of(name, "hot", lambda: dict(num_classes=4, sparse_y_pred=True, **given()), [(lambda n: (n, 4), [None, rows])],
           lambda o, s: [f.one_hot(s), f.few(s[:-1])], 6)
    binary = lambda: dict(f.rng.choice([{}, {"threshold": .25}, {"threshold": .75}]), **f.rng.choice([{}, {"target_class_ids": [1]}]))
    of("BinaryIoU", "binary", binary, pairs, lambda o, s: [f.bits(s), f.scores(s)], 22)
