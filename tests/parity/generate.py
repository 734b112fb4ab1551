"""Golden vectors: what Keras itself answers. Writes vectors.txt beside this file; the tests read that and need no Python.

    python3 -m venv v && v/bin/pip install tensorflow-cpu keras numpy && v/bin/python generate.py

Each case is a class, its options and some updates with random operands; the answers are Keras's with everything in
float32, and with everything in float64. Left out is what Tally does otherwise on purpose (a scalar weight, vectors into
functions that average over the last axis, ignore_class without weights, shapes that broadcast by accident).
"""
import os
import random

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf

SEED = 20261122
rng = random.Random(SEED)


class Array:
    """Whole numbers over a power of two: exact in every float type, and short as text."""

    def __init__(self, shape, scale, draw):
        self.shape, self.scale = shape, scale
        self.v = [draw() for _ in range(int(np.prod(shape)))]

    def text(self):
        return "%s:%d:%s" % ("x".join(map(str, self.shape)), self.scale, ",".join(map(str, self.v)))

    def numpy(self, dtype):
        return (np.array(self.v, dtype="float64") / self.scale).reshape(self.shape).astype(dtype)


def reals(shape):
    return Array(shape, 64, lambda: rng.randint(-640, 640))


def scores(shape):
    return Array(shape, 1024, lambda: rng.choice([0, 512, 1024, rng.randint(1, 1023), rng.randint(1, 1023), rng.randint(1, 1023)]))


def few(shape, n=4):
    return Array(shape, 1, lambda: rng.randrange(n))


def bits(shape):
    return few(shape, 2)


def probabilities(shape):
    return Array(shape, 1024, lambda: rng.randint(1, 1023))


def weights(shape):
    return Array(shape, 8, lambda: rng.choice([0, 8, 8, rng.randint(1, 40)]))


def one_hot(shape):
    a = Array(shape, 1, lambda: 0)
    for row in range(0, len(a.v), shape[-1]):
        a.v[row + rng.randrange(shape[-1])] = 1
    return a


def answer(name, options, updates, dtype):
    keras.config.set_floatx(dtype)
    m = getattr(keras.metrics, name)(dtype=dtype, **options)
    for operands, w in updates:
        args = [o.numpy(dtype) for o in operands]
        m.update_state(*args, sample_weight=None if w is None else w.numpy(dtype))
    return np.atleast_1d(np.array(m.result(), dtype="float64"))


def option_text(options):
    show = lambda v: "|".join(repr(float(x)) for x in v) if isinstance(v, list) else repr(float(v))
    return " ".join("%s=%s" % (k, show(v)) for k, v in sorted(options.items()))


def case(out, name, options, updates):
    a32, a64 = (answer(name, options, updates, d) for d in ("float32", "float64"))
    out.append(("case %s %s" % (name, option_text(options))).rstrip())
    for operands, w in updates:
        out.append(" ".join(["update"] + [o.text() for o in operands] + ([] if w is None else ["w", w.text()])))
    out.append("float32 " + " ".join(repr(float(v)) for v in a32))
    out.append("float64 " + " ".join(float(v).hex() for v in a64))


def batches(shape_of, operands_of, weight_shapes):
    """two updates with different numbers of rows, one kind of weights"""
    kind = rng.choice(weight_shapes)
    updates = []
    for _ in range(2):
        n = rng.randint(1, 5)
        shape = shape_of(n)
        w = None if kind is None else weights(kind(shape))
        updates.append((operands_of(shape), w))
    return updates


rows = lambda s: s[:1]
columns = lambda s: (s[0], 1)
across = lambda s: (1,) + s[1:]
full = lambda s: s


def elementwise(out, name, options, make, times):
    for shape_of, kinds in [(lambda n: (n,), [None, rows]), (lambda n: (n, 1), [None, rows, columns]),
                            (lambda n: (n, 3), [None, rows, columns, across, full])]:
        for _ in range(times):
            case(out, name, options(), batches(shape_of, make, kinds))


def main():
    out = ["# Keras %s, TensorFlow %s, seed %d: made by generate.py" % (keras.__version__, tf.__version__, SEED),
           "# update: operands as shape:scale:numbers (value = number / scale), then w and sample_weight"]
    none = dict
    elementwise(out, "Mean", none, lambda s: [reals(s)], 4)
    elementwise(out, "Sum", none, lambda s: [reals(s)], 3)
    for name in ("Mean", "Sum"):
        for _ in range(3):
            case(out, name, {}, batches(lambda n: (n, 2, 3), lambda s: [reals(s)], [None, rows, full, lambda s: s[:2]]))
    elementwise(out, "Accuracy", none, lambda s: [few(s), few(s)], 4)
    elementwise(out, "BinaryAccuracy", lambda: {"threshold": rng.choice([.5, .25, .75])}, lambda s: [bits(s), scores(s)], 4)
    for _ in range(8):
        case(out, "CategoricalAccuracy", {}, batches(lambda n: (n, 4), lambda s: [one_hot(s), scores(s)], [None, rows, columns]))
        case(out, "SparseCategoricalAccuracy", {},
             batches(lambda n: (n, 4), lambda s: [few(rng.choice([s[:1], (s[0], 1)])), scores(s)], [None, rows]))
        case(out, "CategoricalAccuracy", {}, batches(lambda n: (n, 2, 3), lambda s: [one_hot(s), scores(s)], [None, rows, lambda s: s[:2]]))
    for name in ("MeanSquaredError", "MeanAbsoluteError"):
        for _ in range(8):
            case(out, name, {}, batches(lambda n: (n, 3), lambda s: [reals(s), reals(s)], [None, rows, columns]))
            case(out, name, {}, batches(lambda n: (n, 1), lambda s: [reals(s), reals(s)], [None, rows, columns]))
        for _ in range(4):
            case(out, name, {}, batches(lambda n: (n, 2, 2), lambda s: [reals(s), reals(s)], [None, rows, lambda s: s[:2]]))
    for _ in range(12):
        logits = rng.choice([True, False])
        options = {"from_logits": logits, "label_smoothing": rng.choice([0., 0., .125, .25])}
        case(out, "BinaryCrossentropy", options,
             batches(lambda n: (n, 3), lambda s: [bits(s), reals(s) if logits else scores(s)], [None, rows, columns]))
    for _ in range(14):
        logits = rng.choice([True, False])
        case(out, "SparseCategoricalCrossentropy", {"from_logits": logits},
             batches(lambda n: (n, 4), lambda s: [few(s[:1]), reals(s) if logits else probabilities(s)], [None, rows]))
        case(out, "SparseCategoricalCrossentropy", {"from_logits": logits, "ignore_class": 2},
             batches(lambda n: (n, 4), lambda s: [few(s[:1]), reals(s) if logits else probabilities(s)], [rows]))
    for name in ("Precision", "Recall"):
        lists = [{}, {"thresholds": [.25]}, {"thresholds": [.1, .5, .7]}, {"thresholds": [0., .5, 1.]},
                 {"thresholds": [0., .25, .5, .75, 1.]}, {"top_k": 2}, {"thresholds": [.3], "top_k": 2}, {"class_id": 1},
                 {"class_id": -1, "thresholds": [.2, .6]}, {"top_k": 1, "class_id": 0}, {"thresholds": [0., .5, 1.], "top_k": 2}]
        for options in lists:
            kinds = [None, rows] if "class_id" in options else [None, rows, columns, across, full]
            for _ in range(3):
                case(out, name, options, batches(lambda n: (n, 3), lambda s: [bits(s), scores(s)], kinds))
            if "class_id" not in options and "top_k" not in options:
                case(out, name, options, batches(lambda n: (n,), lambda s: [bits(s), scores(s)], [None, rows]))
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "vectors.txt"), "w") as f:
        f.write("\n".join(out) + "\n")


main()
