"""What golden vectors are made of: random arrays that are exact in every dtype, streams of updates, and Keras's answers.

A line of a file in vectors/ is one of

    case Precision(thresholds=[0.1, 0.5])       the text that makes the metric
    update <operand> ... [w <weight>]           [dtype@]shape:scale:numbers, value = number / scale; "-" is the shape of a scalar
    reset
    float32 shape:numbers                       the answer with all operands in float32
    float64 shape:numbers                       the same in float64

An operand with a dtype has it in both; Keras is given its values in the dtype of the run. Left to Keras are only points that Tally
does alike; where the two differ on purpose, Keras is asked what the difference says:

    a scalar weight                 one weight for every sample
    a vector, where Keras averages over the last axis, or wants columns     (n, 1)
    weights with ignore_class       one for every label, 1 if there are none (not of the IoU family, which counts pairs)
    an empty batch                  nothing
"""
import os
import random
from fractions import Fraction

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")         # sums in one order on every machine
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf

VERSIONS = "Keras %s, TensorFlow %s" % (keras.__version__, tf.__version__)


class Array:
    """Whole numbers over a power of two: exact in every float type, and short as text."""

    def __init__(self, shape, scale, draw, dtypes=()):
        self.shape, self.scale, self.dtypes, self.dtype = tuple(shape), scale, dtypes, None
        self.v = [draw() for _ in range(int(np.prod(shape, dtype=int)))]

    def text(self):
        shape = "x".join(map(str, self.shape)) or "-"
        return "%s%s:%d:%s" % (self.dtype + "@" if self.dtype else "", shape, self.scale, ",".join(map(str, self.v)))

    def numpy(self, dtype):
        return (np.array(self.v, dtype="float64") / self.scale).reshape(self.shape).astype(dtype)


class Update:
    def __init__(self, operands, weight):
        self.operands, self.weight = operands, weight

    def rows(self):
        shape = self.operands[-1].shape
        return shape[0] if shape else 1

    def empty(self):
        return 0 in self.operands[-1].shape

    def text(self):
        return " ".join(["update"] + [o.text() for o in self.operands] + (["w", self.weight.text()] if self.weight else []))

    def keras(self, dtype, options, columns):
        """operands and weight as Keras is to be given them"""
        x = [o.numpy(dtype) for o in self.operands]
        if columns:
            x = [a.reshape(-1, 1) if a.ndim == 1 else a for a in x]
        w = self.weight.numpy(dtype) if self.weight else None
        if w is not None and w.ndim == 0 and x[-1].ndim:
            w = np.full((self.rows(),), w, dtype)
        if options.get("ignore_class") is not None and "num_classes" not in options:
            shape = x[-1].shape[:-1]
            w = np.ones(shape, dtype) if w is None else w[..., 0] if w.ndim > len(shape) else w
            w = np.broadcast_to(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)
        return x, w


def show(v):
    if isinstance(v, str):
        return '"%s"' % v
    return "[%s]" % ", ".join(map(show, v)) if isinstance(v, (list, tuple)) else repr(v)


def text_of(name, options):
    return "%s(%s)" % (name, ", ".join("%s=%s" % (k, show(v)) for k, v in options.items()))


# weights by shape: of the rows, a column, a row, everything, the outer axes, one for all
rows = lambda s: s[:1]
column = lambda s: s[:1] + (1,) * (len(s) - 1)
across = lambda s: (1,) + s[1:]
full = lambda s: s
outer = lambda s: s[:-1]
scalar = lambda s: ()


class Family:
    """The streams of one family; each has numbers of its own, so that another family changes nothing here."""

    def __init__(self, name, seed):
        self.name, self.seed, self.rng, self.out = name, seed, random.Random("%s %d" % (name, seed)), []

    # ---- arrays
    def reals(self, shape):
        return Array(shape, 64, lambda: self.rng.randint(-640, 640), ("f16",))

    def positives(self, shape):
        return Array(shape, 64, lambda: self.rng.choice([0, self.rng.randint(1, 640), self.rng.randint(1, 640)]), ("f16",))

    def scores(self, shape):
        """in [0, 1], with 0, 1, halves and ties"""
        return Array(shape, 1024, lambda: self.rng.choice([0, 512, 1024] + [self.rng.randint(1, 1023) for _ in range(5)]), ("f16",))

    def probabilities(self, shape):
        return Array(shape, 1024, lambda: self.rng.randint(1, 1023), ("f16",))

    def few(self, shape, n=4):
        return Array(shape, 1, lambda: self.rng.randrange(n), ("i32", "u8", "i64", "f16", "bf16"))

    def bits(self, shape):
        a = self.few(shape, 2)
        a.dtypes += ("bool",)
        return a

    def signs(self, shape):
        return Array(shape, 1, lambda: self.rng.choice([-1, 1]), ("i8", "i32", "f16"))

    def one_hot(self, shape):
        a = Array(shape, 1, lambda: 0, ("i32", "u8", "bool", "bf16"))
        for row in range(0, len(a.v), shape[-1]):
            a.v[row + self.rng.randrange(shape[-1])] = 1
        return a

    def soft(self, shape):
        """rows of sixteenths that add to 1"""
        a = Array(shape, 16, lambda: 0, ("f16", "bf16"))
        for row in range(0, len(a.v), shape[-1]):
            for _ in range(16):
                a.v[row + self.rng.randrange(shape[-1])] += 1
        return a

    def weights(self, shape, least=0):
        kind = self.rng.random()
        draw = lambda: self.rng.choice([0, 8, 8, self.rng.randint(max(least, 1), 40)] + ([self.rng.randint(least, 0)] if least < 0 else []))
        if kind < .1:
            return Array(shape, 8, lambda: 0)
        if kind < .2:
            return Array(shape, 1, lambda: self.rng.randrange(2), ("bool", "u8", "i32"))
        return Array(shape, 8, draw, ("f16",))

    # ---- streams
    def stream(self, name, options, shape_of, make, kinds, most=3, least=0):
        """some updates with different numbers of rows, one kind of weights, sometimes a reset or an empty batch between"""
        kind, steps = self.rng.choice(kinds), []
        tags = self.rng.random() < .3
        for i in range(self.rng.randint(1, most)):
            shape = shape_of(self.rng.randint(1, 5) if self.rng.random() < .9 else 0)
            operands = make(shape)
            if len(operands) > 1 and operands[0].shape[1:] == (1,) and self.rng.random() < .3:
                operands[0].shape = operands[0].shape[:1]           # labels (n,) for predictions (n, 1)
            weight = self.weights(kind(shape), least) if kind and (kind != across or shape[0]) else None
            if tags:
                self.tag(operands, weight)
            steps.append(Update(operands, weight))
        if len(steps) > 1 and self.rng.random() < .2:
            steps.insert(self.rng.randrange(1, len(steps)), "reset")
        return steps

    def tag(self, operands, weight):
        """one operand of a dtype of its own: another keeps the run's, which decides how the class computes"""
        for a in [self.rng.choice(operands)] + ([weight] if weight and self.rng.random() < .5 else []):
            if a.dtypes and (len(operands) > 1 or a is weight or a.scale == 1 or "f16" in a.dtypes):
                a.dtype = self.rng.choice(a.dtypes)

    def answer(self, name, options, steps, dtype, columns, mend):
        keras.config.set_floatx(dtype)
        m = getattr(keras.metrics, name)(dtype=dtype, **options)
        for step in steps:
            if step == "reset":
                m.reset_state()
            elif not step.empty():
                x, w = step.keras(dtype, options, columns)
                m.update_state(*x, sample_weight=w)
        if mend:
            mend(m, steps)
        return np.array(m.result(), dtype="float64")

    def case(self, name, options, steps, columns=False, exact=None, mend=None):
        """exact: the float64 answer by a formula of its own, where Keras cannot give it; mend: what a later Keras does to the states"""
        a32 = self.answer(name, options, steps, "float32", columns, mend)
        a64 = np.array(exact(options, steps), dtype="float64") if exact else self.answer(name, options, steps, "float64", columns, mend)
        self.out.append("case " + text_of(name, options))
        self.out += ["reset" if s == "reset" else s.text() for s in steps]
        for dtype, a, spell in (("float32", a32, lambda v: "%.9g" % v), ("float64", a64, lambda v: float(v).hex())):
            shape = "x".join(map(str, a.shape)) or "-"
            self.out.append("%s %s:%s" % (dtype, shape, ",".join(spell(v) for v in a.ravel())))

    def streams(self, name, options, shapes, make, times=1, columns=False, exact=None, **how):
        """shapes: (shape for n rows, kinds of weights); options: a function of nothing; make: operands of a shape"""
        for shape_of, kinds in shapes:
            for _ in range(times):
                o = options()
                steps = self.stream(name, o, shape_of, lambda s: make(o, s), kinds, **how)
                self.case(name, o, steps, columns, exact)

    def write(self, folder):
        head = ["# %s, seed %d: made by generate.py from streams/%s.py" % (VERSIONS, self.seed, self.name)]
        with open(os.path.join(folder, self.name + ".txt"), "w") as f:
            f.write("\n".join(head + self.out) + "\n")


def mean_of(values, columns=False):
    """a float64 answer in rational arithmetic from values(options, *operands), which have one axis or more"""
    def exact(options, steps):
        total = count = Fraction(0)
        for step in steps:
            if step == "reset":
                total = count = Fraction(0)
            elif not step.empty():
                x, w = step.keras("float64", options, columns)
                v = values(options, *x)
                w = np.ones(v.shape) if w is None else w[..., 0] if w.ndim > v.ndim else w
                w = np.broadcast_to(w.reshape(w.shape + (1,) * (v.ndim - w.ndim)), v.shape)
                for row, weight in zip(v.reshape(len(v), -1), w.reshape(len(v), -1)):
                    total += sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(row, weight)) / len(row)
                    count += sum(Fraction(float(b)) for b in weight) / len(row)
        return np.float64(total / count) if count else np.float64(0)
    return exact


none = dict
vector = (lambda n: (n,), [None, rows, scalar])
columns_of_one = (lambda n: (n, 1), [None, rows, column, scalar])
matrix = (lambda n: (n, 3), [None, rows, column, across, full])
cube = (lambda n: (n, 2, 3), [None, rows, outer, full])
# without weights that Keras refuses
vector_of_rows = (lambda n: (n,), [None, rows])
cube_of_rows = (lambda n: (n, 2, 3), [None, outer, full])
narrow = (lambda n: (n, 3), [None, rows])
# where a class makes one value of the last axis: its weights lack it
lines = (lambda n: (n, 3), [None, rows, column, scalar])
deep_lines = (lambda n: (n, 2, 3), [None, rows, outer])
averaged = [vector, columns_of_one, lines, deep_lines]
