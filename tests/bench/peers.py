"""The classes of bench_classes in Keras, torchmetrics and scikit-learn, as far as these can be imported: an update of a batch of 1, 32,
4096 and 10^6 rows, the least of several rounds, and its ratio to the update of Tally that bench_classes printed.

    python3 tests/bench/peers.py [part of a class's name] < what bench_classes printed

Keras updates a stateful metric eagerly, with tensors of its backend; torchmetrics an object with tensors on the CPU, one thread;
scikit-learn has no state: its function of the batch counts. Optional: nothing of Tally needs it."""

import os
import re
import sys
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
warnings.filterwarnings("ignore")
SIZES, LABELS, ELEMENTS, ROUNDS, BUDGET = (1, 32, 4096, 1000000), 10, 10**7, 7, 0.5


def imported(name):
    try:
        return __import__(name)
    except ImportError:
        return None


numpy = imported("numpy")
keras, torch, torchmetrics = imported("keras"), imported("torch"), imported("torchmetrics")
sklearn = imported("sklearn.metrics")

# ---- data, as bench_classes makes it: y, p of each kind
RANDOM = numpy.random.default_rng(1) if numpy else None


def scores(n, columns=None):
    return RANDOM.random(n if columns is None else (n, columns), dtype="float32")


def ids(n, dtype="int64"):
    return RANDOM.integers(0, LABELS, n).astype(dtype)


def one_hot(n):
    return numpy.eye(LABELS, dtype="float32")[ids(n)]


KINDS = {
    "values": lambda n: (scores(n),),
    "numbers": lambda n: (scores(n), scores(n)),
    "column": lambda n: (scores(n, 1), scores(n, 1)),
    "counts": lambda n: (RANDOM.integers(0, 5, n).astype("float32"), scores(n)),
    "binary": lambda n: (RANDOM.integers(0, 2, n).astype("int32"), scores(n)),
    "classes": lambda n: (ids(n, "int32"), ids(n, "int32")),
    "ids": lambda n: (ids(n), scores(n, LABELS)),
    "one-hot": lambda n: (one_hot(n), scores(n, LABELS)),
    "vectors": lambda n: (scores(n, LABELS), scores(n, LABELS)),
}

# ---- what each library calls it. torchmetrics takes (p, y); scikit-learn a function of (y, p), with hard classes where it wants them
TORCH_BINARY, TORCH_CLASSES = {"task": "binary"}, {"task": "multiclass", "num_classes": LABELS}


def torch_class(name, **options):
    return lambda: getattr(torchmetrics, name)(**options)


def hard(f, **options):
    return lambda y, p: f(y, p > 0.5, **options)


def largest(f, **options):
    return lambda y, p: f(y.argmax(1) if y.ndim > 1 else y, p.argmax(1), **options)


def sk(name):
    return getattr(sklearn.metrics, name) if sklearn else None


# class: kind of data, options of Keras, torchmetrics, scikit-learn (None: it has none)
CLASSES = {
    "Mean": ("values", {}, torch_class("MeanMetric"), None),
    "Sum": ("values", {}, torch_class("SumMetric"), None),
    "Accuracy": ("classes", {}, torch_class("Accuracy", average="micro", **TORCH_CLASSES), sk("accuracy_score")),
    "BinaryAccuracy": ("binary", {}, torch_class("Accuracy", **TORCH_BINARY), hard(sk("accuracy_score"))),
    "CategoricalAccuracy": ("one-hot", {}, None, largest(sk("accuracy_score"))),
    "SparseCategoricalAccuracy": ("ids", {}, torch_class("Accuracy", average="micro", **TORCH_CLASSES), largest(sk("accuracy_score"))),
    "TopKCategoricalAccuracy": ("one-hot", {}, None, None),
    "SparseTopKCategoricalAccuracy": (
        "ids", {}, torch_class("Accuracy", average="micro", top_k=5, **TORCH_CLASSES),
        lambda y, p: sk("top_k_accuracy_score")(y, p, k=5, labels=range(LABELS))),
    "Precision": ("binary", {}, torch_class("Precision", **TORCH_BINARY), hard(sk("precision_score"))),
    "Recall": ("binary", {}, torch_class("Recall", **TORCH_BINARY), hard(sk("recall_score"))),
    "TruePositives": ("binary", {}, None, hard(sk("confusion_matrix"), labels=(0, 1))),
    "TrueNegatives": ("binary", {}, None, hard(sk("confusion_matrix"), labels=(0, 1))),
    "FalsePositives": ("binary", {}, None, hard(sk("confusion_matrix"), labels=(0, 1))),
    "FalseNegatives": ("binary", {}, None, hard(sk("confusion_matrix"), labels=(0, 1))),
    "FBetaScore": ("one-hot", {"beta": 2.0}, None, largest(sk("fbeta_score"), beta=2, average=None, labels=range(LABELS))),
    "F1Score": ("one-hot", {}, None, largest(sk("f1_score"), average=None, labels=range(LABELS))),
    "MeanSquaredError": ("numbers", {}, torch_class("MeanSquaredError"), sk("mean_squared_error")),
    "RootMeanSquaredError": ("numbers", {}, torch_class("MeanSquaredError", squared=False), sk("root_mean_squared_error")),
    "MeanAbsoluteError": ("numbers", {}, torch_class("MeanAbsoluteError"), sk("mean_absolute_error")),
    "MeanAbsolutePercentageError": (
        "numbers", {}, torch_class("MeanAbsolutePercentageError"), sk("mean_absolute_percentage_error")),
    "MeanSquaredLogarithmicError": (
        "numbers", {}, torch_class("MeanSquaredLogError"), sk("mean_squared_log_error")),
    "LogCoshError": ("numbers", {}, torch_class("LogCoshError"), None),
    "CosineSimilarity": ("vectors", {}, None, None),        # torchmetrics keeps all rows
    "R2Score": ("column", {}, lambda: torchmetrics.R2Score(), sk("r2_score")),
    "PearsonCorrelation": ("vectors", {}, None, None),      # others: one correlation over all rows
    "ConcordanceCorrelation": ("vectors", {}, None, None),
    "Hinge": ("binary", {}, torch_class("HingeLoss", **TORCH_BINARY), lambda y, p: sk("hinge_loss")(y, p, labels=(0, 1))),
    "SquaredHinge": ("binary", {}, torch_class("HingeLoss", squared=True, **TORCH_BINARY), None),
    "CategoricalHinge": ("one-hot", {}, None, None),
    "KLDivergence": ("one-hot", {}, torch_class("KLDivergence"), None),
    "Poisson": ("counts", {}, None, None),
    "BinaryCrossentropy": ("binary", {}, None, lambda y, p: sk("log_loss")(y, p, labels=(0, 1))),
    "CategoricalCrossentropy": ("one-hot", {}, None, None),
    "SparseCategoricalCrossentropy": ("ids", {}, None, lambda y, p: sk("log_loss")(y, p, labels=range(LABELS))),
    "AUC": ("binary", {}, torch_class("AUROC", thresholds=200, **TORCH_BINARY), sk("roc_auc_score")),
    "SensitivityAtSpecificity": (
        "binary", {"specificity": 0.5}, torch_class("SensitivityAtSpecificity", min_specificity=0.5, thresholds=200, **TORCH_BINARY), None),
    "SpecificityAtSensitivity": (
        "binary", {"sensitivity": 0.5}, torch_class("SpecificityAtSensitivity", min_sensitivity=0.5, thresholds=200, **TORCH_BINARY), None),
    "PrecisionAtRecall": (
        "binary", {"recall": 0.5}, torch_class("PrecisionAtFixedRecall", min_recall=0.5, thresholds=200, **TORCH_BINARY), None),
    "RecallAtPrecision": (
        "binary", {"precision": 0.5}, torch_class("RecallAtFixedPrecision", min_precision=0.5, thresholds=200, **TORCH_BINARY), None),
    "BinaryIoU": ("binary", {}, torch_class("JaccardIndex", **TORCH_BINARY), hard(sk("jaccard_score"))),
    "IoU": ("classes", {"num_classes": LABELS, "target_class_ids": [0, 1]}, None, None),
    "MeanIoU": ("classes", {"num_classes": LABELS}, torch_class("JaccardIndex", **TORCH_CLASSES),
                lambda y, p: sk("jaccard_score")(y, p, average="macro")),
    "OneHotIoU": ("one-hot", {"num_classes": LABELS, "target_class_ids": [0, 1]}, None, None),
    "OneHotMeanIoU": ("one-hot", {"num_classes": LABELS}, None, None),
}


# ---- one update of each
def by_keras(name, row, data):
    metric = getattr(keras.metrics, name)(**row[1])
    batch = [keras.ops.convert_to_tensor(x) for x in data]
    return lambda: metric.update_state(*batch)


def by_torchmetrics(name, row, data):
    metric = row[2]()
    batch = [torch.from_numpy(x) for x in reversed(data)]
    if name == "KLDivergence":
        batch = [x / x.sum(1, keepdim=True) for x in batch]
    return lambda: metric.update(*batch)


def by_sklearn(name, row, data):
    return lambda: row[3](*data)


PEERS = {
    "keras": (keras, by_keras, lambda row: True),
    "torchmetrics": (torchmetrics, by_torchmetrics, lambda row: row[2]),
    "scikit-learn": (sklearn, by_sklearn, lambda row: row[3]),
}


def least(update):
    """seconds of one update: the least of several rounds, within the budget"""
    update()
    start = time.perf_counter()
    update()
    once = max(time.perf_counter() - start, 1e-7)
    times, best = max(1, int(2e-3 / once)), once
    for _ in range(max(1, min(ROUNDS, int(BUDGET / (once * times))))):
        start = time.perf_counter()
        for _ in range(times):
            update()
        best = min(best, (time.perf_counter() - start) / times)
    return best


def of_tally(lines):
    """{(class, rows): seconds} of the plan: each class's first row"""
    found = {}
    for line in lines:
        match = re.match(r"(\w+)(.*?) +(\d+) +([\d.]+) .*ns a (row|call)", line)
        if match and "weighted" not in match.group(2):
            rows = int(match.group(3))
            seconds = float(match.group(4)) * 1e-9 * (rows if match.group(5) == "row" else 1)
            found.setdefault((match.group(1), rows), seconds)
    return found


def measure(name, row, rows, tally):
    data = KINDS[row[0]](rows)
    line = f"{name:32}{rows:9}"
    for title, (module, make, has) in PEERS.items():
        if not module:
            continue
        try:
            seconds = least(make(name, row, data)) if has(row) else None
        except Exception as error:      # a class that this version does not have, a batch that it does not take
            print(f"    {title}, {rows} rows of {name}: {type(error).__name__}: {str(error)[:100]}", file=sys.stderr)
            seconds = None
        ratio = f"{seconds / tally[name, rows]:9.1f}" if seconds and (name, rows) in tally else " " * 9
        line += f"{1e6 * seconds:14.1f}{ratio}" if seconds else f"{'-':>14}{'':9}"
    print(line, flush=True)


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    tally = {} if sys.stdin.isatty() else of_tally(sys.stdin)
    if not numpy:
        sys.exit("numpy, expected it, found none: there are no peers to time")
    if torch:
        torch.set_num_threads(1)
    print("us an update, and times what Tally takes\n" + f"{'class':32}{'rows':>9}"
          + "".join(f"{title:>14}{'':9}" for title, (module, _, _) in PEERS.items() if module))
    for name, row in CLASSES.items():
        for rows in SIZES:
            if wanted in name and rows * (LABELS if row[0] in ("ids", "one-hot", "vectors") else 1) <= ELEMENTS:
                measure(name, row, rows, tally)


if __name__ == "__main__":
    main()
