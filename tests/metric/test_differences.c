/* Every row of every table of differences in metrics.h, with the value here and Keras's beside it: Keras 3.15.1 on
 * TensorFlow 2.21 or, where only that one differs, on NumPy. A row of the header that is not shown fails, and a row here
 * that no table has. */
#include "feed.h"
#include <float.h>

#define FAILS (-DBL_MAX)          /* no value but an error, here or from Keras */
#define LATER (-DBL_MAX / 2)      /* from Keras: an error, but only when the result is asked for */
enum { RESULT = -1, ROOM = 512 };
#define BOOL TALLY_BOOL
#define U8   TALLY_U8
#define I32  TALLY_I32
#define F16  TALLY_F16
#define BF16 TALLY_BF16
#define F32  TALLY_F32
#define F64  TALLY_F64

typedef struct difference {
    const char  *of, *point;      /* tally_<of>_new has the table, or inherits it; "" is that of all classes; its first column */
    const char  *text;            /* makes the metric */
    const array *y, *p, *w;       /* no y: before any batch */
    double       here, keras;
    tally_dtype  dy, dp;
    int          read;            /* RESULT, or the number of a state */
    const char  *said;            /* where it fails here */
} difference;
#define TYPED(dy, dp, ...)   { __VA_ARGS__, dy, dp, RESULT, NULL }
#define VALUE(...)           { __VA_ARGS__, F32, F32, RESULT, NULL }
#define STATE(i, ...)        { __VA_ARGS__, F32, F32, i, NULL }
#define REFUSAL(said, ...)   { __VA_ARGS__, F32, F32, RESULT, said }

static const difference row[] = {
    VALUE("", "state", "TruePositives", V(2, 1, 1), V(2, 1, 1), V(2, 16777216, 1), 16777217, 16777216),
    STATE(1, "", "scalar sample_weight", "Mean", V(3, 1, 2, 3), NULL, S0(2), 6, 2),
    TYPED(U8, U8, "", "dtypes", "MeanSquaredError", M(1, 1, 0), M(1, 1, 200), NULL, 40000, 64),
    REFUSAL("expected 2", "", "ranks", "MeanSquaredError", M(2, 2, 1, 2, 3, 4), M(1, 2, 1, 2), NULL, FAILS, 2),
    VALUE("", "NaN", "Mean(nan='skip')", V(2, 1, NAN), NULL, NULL, 1, NAN),
    VALUE("", "empty batch", "MeanSquaredError", V(0, 0), V(0, 0), NULL, 0, NAN),
    VALUE("", "empty batch", "CategoricalHinge", M(0, 2, 0), M(0, 2, 0), NULL, 0, FAILS),
    TYPED(BF16, BF16, "", "dtypes", "BinaryCrossentropy", M(1, 1, 0), M(1, 1, 1), NULL, 15.942384719848633, INFINITY),
    TYPED(F16, F16, "", "dtypes", "CosineSimilarity", M(1, 2, 0, 0), M(1, 2, 1, 1), NULL, 0, NAN),
    TYPED(F16, F16, "", "dtypes", "MeanAbsolutePercentageError", M(1, 1, 0), M(1, 1, 1), NULL, 1000000000, INFINITY),
    STATE(1, "mean", "[1,2,3], w = 2 (scalar)", "Mean", V(3, 1, 2, 3), NULL, S0(2), 6, 2),
    STATE(1, "mean", "2^24 ones, then 1", "Mean", V(2, 1, 1), NULL, V(2, 16777216, 1), 16777217, 16777216),
    VALUE("mean", "dtype option", "Mean", V(1, .1), NULL, NULL, .10000000149011612, .0999755859375),
    TYPED(I32, F32, "accuracy", "16777217 and float 16777216", "Accuracy", V(1, 16777217), V(1, 16777216), NULL, 0, 1),
    TYPED(F32, I32, "accuracy", "2.5 and integer 2", "Accuracy", V(1, 2.5), V(1, 2), NULL, 0, 1),
    REFUSAL("expected 1", "accuracy", "[4] against [4, 4]", "Accuracy", V(1, 4), V(2, 4, 4), NULL, FAILS, 1),
    TYPED(F32, F64, "binary_accuracy", "threshold .3, score .300000005", "BinaryAccuracy(threshold=0.3)", V(1, 1),
          V(1, .300000005), NULL, 1, 0),
    REFUSAL("expected a number", "binary_accuracy", "threshold nan", "BinaryAccuracy(threshold=nan)", V(1, 1),
          V(1, .9), NULL, FAILS, 0),
    VALUE("categorical_accuracy", "scores [-0.0, 0.0]", "CategoricalAccuracy", M(1, 2, 1, 0), M(1, 2, -0., 0), NULL,
          1, 0),
    VALUE("categorical_accuracy", "scores with NaN", "CategoricalAccuracy", M(1, 3, 0, 1, 0), M(1, 3, 9, NAN, NAN),
          NULL, 1, 0),
    REFUSAL("squeeze", "sparse_categorical_accuracy", "ids [2, 1], scores [1, 2, 3]", "SparseCategoricalAccuracy",
          V(2, 2, 1), V(3, 1, 2, 3), NULL, FAILS, .5),
    TYPED(F32, F64, "precision", "float64 scores", "Precision(thresholds=0.3)", V(1, 1), V(1, .300000005), NULL, 1, 0),
    VALUE("precision", "w [n, 1] with y [n]", "Precision", V(2, 1, 0), V(2, 1, 1), M(2, 1, 3, 1), .75, FAILS),
    REFUSAL("expected 0 to 1", "precision", "threshold nan", "Precision(thresholds=nan)", V(1, 1), V(1, .9), NULL,
          FAILS, 0),
    VALUE("precision", "top_k above the row length", "Precision(top_k=9)", M(1, 2, 1, 0), M(1, 2, .1, .2), NULL, .5,
          FAILS),
    VALUE("precision", "top_k and NaN scores", "Precision(top_k=1)", M(1, 3, 1, 0, 0), M(1, 3, .4, .3, NAN), NULL, 1,
          0),
    VALUE("precision", "w [n] with y [n, m, k]", "Precision", T3(2, 2, 2, 1, 1, 0, 1, 1, 0, 1, 1),
          T3(2, 2, 2, 1, 0, 1, 0, 1, 1, 1, 1), V(2, 1, .25), .5833333333333334, .6666666865348816),
    STATE(0, "precision", "w nan where no pair counts", "Precision(thresholds=[0, 0.5, 1])", V(2, 1, 0), V(2, .9, .9),
          V(2, 1, NAN), 1, NAN),
    VALUE("precision", "top_k and tied scores", "Precision(top_k=1)", M(1, 2, 1, 0), M(1, 2, .5, .5), NULL, 1, 0),
    VALUE("precision", "top_k and tied scores", "Precision(top_k=2)", M(1, 3, 1, 0, 0), M(1, 3, .5, .5, .5), NULL, .5,
          0),
    TYPED(F32, F64, "recall", "float64 scores", "Recall(thresholds=0.3)", V(1, 1), V(1, .300000005), NULL, 1, 0),
    VALUE("recall", "w [n, 1] with y [n]", "Recall", V(2, 1, 0), V(2, 1, 1), M(2, 1, 3, 1), 1, FAILS),
    REFUSAL("expected 0 to 1", "recall", "threshold nan", "Recall(thresholds=nan)", V(1, 1), V(1, .9), NULL, FAILS, 0),
    VALUE("recall", "top_k above the row length", "Recall(top_k=9)", M(1, 2, 1, 0), M(1, 2, .1, .2), NULL, 1, FAILS),
    VALUE("recall", "top_k and NaN scores", "Recall(top_k=1)", M(1, 3, 1, 0, 0), M(1, 3, .4, .3, NAN), NULL, 1, 0),
    STATE(1, "mean_squared_error", "[1,2,3] against [1,2,5]", "MeanSquaredError", V(3, 1, 2, 3), V(3, 1, 2, 5), NULL,
          3, 1),
    VALUE("mean_squared_error", "w [n] with y [n]", "MeanSquaredError", V(3, 1, 2, 3), V(3, 1, 2, 5), V(3, 1, 1, 2),
          2, FAILS),
    TYPED(U8, U8, "mean_squared_error", "uint8 200 against 0", "MeanSquaredError", M(1, 1, 0), M(1, 1, 200), NULL,
          40000, 64),
    REFUSAL("expected 2", "mean_squared_error", "[2, 2] against [1, 2]", "MeanSquaredError", M(2, 2, 1, 2, 3, 4),
          M(1, 2, 1, .5), NULL, FAILS, 4.625),
    TYPED(BOOL, BOOL, "mean_squared_error", "bool against bool", "MeanSquaredError", M(1, 2, 1, 0), M(1, 2, 0, 0),
          NULL, .5, FAILS),
    TYPED(U8, U8, "mean_absolute_error", "uint8 200 against 0", "MeanAbsoluteError", M(1, 1, 0), M(1, 1, 200), NULL,
          200, 56),
    TYPED(F32, I32, "mean_absolute_error", "labels [.75,.75], integer [1,1]", "MeanAbsoluteError", M(1, 2, .75, .75),
          M(1, 2, 1, 1), NULL, .25, 1),
    TYPED(BOOL, BOOL, "mean_absolute_error", "bool against bool", "MeanAbsoluteError", M(1, 2, 1, 0), M(1, 2, 0, 0),
          NULL, .5, FAILS),
    STATE(1, "binary_crossentropy", "[n] inputs", "BinaryCrossentropy", V(3, 1, 0, 1), V(3, .9, .2, .5), NULL, 3, 1),
    VALUE("binary_crossentropy", "ranks [n] and [n, 1]", "BinaryCrossentropy", V(3, 1, 0, 1), M(3, 1, .9, .2, .5),
          NULL, .34055042018493015, FAILS),
    VALUE("binary_crossentropy", "ranks [n] and [n, 1]", "BinaryCrossentropy", M(3, 1, 1, 0, 1), V(3, .9, .2, .5),
          NULL, .34055042018493015, FAILS),
    VALUE("binary_crossentropy", "logit -1000 for label 1", "BinaryCrossentropy(from_logits=True)", V(1, 1),
          V(1, -1000), NULL, 1000, 16.11809539794922),
    TYPED(F32, I32, "binary_crossentropy", "integer y_pred", "BinaryCrossentropy", V(2, 1, 0), V(2, 1, 0), NULL,
          1.1920930376163597e-07, FAILS),
    TYPED(F32, I32, "binary_crossentropy", "integer y_pred", "BinaryCrossentropy", M(1, 2, 1, 0), M(1, 2, 0, 0), NULL,
          8.059047758579261, FAILS),
    REFUSAL("expected a finite number", "binary_crossentropy", "label_smoothing nan or infinite",
          "BinaryCrossentropy(label_smoothing=nan)", V(2, 1, 0), V(2, .5, .5), NULL, FAILS, NAN),
    VALUE("sparse_categorical_crossentropy", "ignore_class without weights",
          "SparseCategoricalCrossentropy(ignore_class=0)", V(2, 0, 1), M(2, 2, .5, .5, .5, .5), NULL,
          .6931471824645996, .3465735912322998),
    REFUSAL("row 1", "sparse_categorical_crossentropy", "id outside 0 to C-1, or not whole",
          "SparseCategoricalCrossentropy", V(2, 0, -1), M(2, 2, .5, .5, .25, .75), NULL, FAILS, .3465735912322998),
    REFUSAL("row 1", "sparse_categorical_crossentropy", "id outside 0 to C-1, or not whole",
          "SparseCategoricalCrossentropy", V(2, 0, 1.5), M(2, 2, .5, .5, .25, .75), NULL, FAILS, .4904146194458008),
    VALUE("sparse_categorical_crossentropy", "a row of zeros", "SparseCategoricalCrossentropy", V(1, 0),
          M(1, 2, 0, 0), NULL, .6931471824645996, NAN),
    VALUE("sparse_categorical_crossentropy", "axis", "SparseCategoricalCrossentropy(axis=1)", M(1, 2, 0, 1),
          T3(1, 2, 2, .5, .25, .5, .75), NULL, .4904146194458008, FAILS),
    TYPED(F32, I32, "sparse_categorical_crossentropy", "integer y_pred", "SparseCategoricalCrossentropy", V(1, 1),
          M(1, 2, 1, 1), NULL, .6931471824645996, FAILS),
    REFUSAL("expected 2", "root_mean_squared_error", "[2, 2] against [1, 2]", "RootMeanSquaredError",
          M(2, 2, 1, 2, 3, 4), M(1, 2, 1, 2), NULL, FAILS, 1.4142135381698608),
    TYPED(U8, U8, "mean_absolute_percentage_error", "uint8 200 against 0", "MeanAbsolutePercentageError", M(1, 1, 0),
          M(1, 1, 200), NULL, 200000000000, INFINITY),
    TYPED(I32, I32, "mean_absolute_percentage_error", "integers [0,1] against [1,1]", "MeanAbsolutePercentageError",
          M(1, 2, 0, 1), M(1, 2, 1, 1), NULL, 500000000, INFINITY),
    VALUE("mean_squared_logarithmic_error", "1e-4 against 2e-4, float32", "MeanSquaredLogarithmicError",
          M(1, 1, .0001), M(1, 1, .0002), NULL, 9.997000560701963e-09, 1.0000317018921123e-08),
    VALUE("cosine_similarity", "axis in the configuration", "CosineSimilarity(axis=0)", M(2, 2, 3, 0, 4, 1),
          M(2, 2, 4, 1, 3, 0), NULL, .48, .9701425433158875),
    VALUE("cosine_similarity", "[1e20, 1e20] against itself", "CosineSimilarity", M(1, 2, 1e+20, 1e+20),
          M(1, 2, 1e+20, 1e+20), NULL, 1, 0),
    TYPED(F32, I32, "cosine_similarity", "integer y_pred", "CosineSimilarity", M(1, 2, 3, 4), M(1, 2, 4, 3), NULL,
          .96, FAILS),
    TYPED(I32, I32, "cosine_similarity", "integer y_pred", "CosineSimilarity", M(1, 2, 3, 4), M(1, 2, 4, 3), NULL,
          .96, FAILS),
    VALUE("cosine_similarity", "axis 0", "CosineSimilarity(axis=0)", M(2, 2, 3, 0, 4, 1), M(2, 2, 4, 1, 3, 0), NULL,
          .48, .48000001907348633),
    TYPED(U8, U8, "log_cosh_error", "uint8 200 against 0", "LogCoshError", M(1, 1, 0), M(1, 1, 200), NULL,
          199.30685424804688, FAILS),
    VALUE("log_cosh_error", "error 0.001, float32", "LogCoshError", M(1, 1, 0), M(1, 1, .001), NULL,
          4.999999418942025e-07, 4.76837158203125e-07),
    TYPED(F64, F64, "log_cosh_error", "any error, float64", "LogCoshError", M(1, 1, 0), M(1, 1, 1), NULL,
          .4337808304830272, .4337807893753052),
    TYPED(I32, I32, "log_cosh_error", "integers [0,1] against [1,1]", "LogCoshError", M(1, 2, 0, 1), M(1, 2, 1, 1),
          NULL, .21689042448997498, FAILS),
    VALUE("log_cosh_error", "an error of minus infinity", "LogCoshError", M(1, 1, 0), M(1, 1, -INFINITY), NULL,
          INFINITY, NAN),
    VALUE("r2_score", "[n] against [n]", "R2Score", V(3, 1, 4, 3), V(3, 2, 4, 4), NULL, .5714285714285714, FAILS),
    VALUE("r2_score", "result before any batch", "R2Score", NULL, NULL, NULL, NAN, FAILS),
    VALUE("r2_score", "num_samples (with num_regressors)", "R2Score(num_regressors=1)",
          M(4, 2, 0, 0, 1, 1, 2, 0, 3, 2), M(4, 2, .5, 0, 1, 1, 1.5, .5, 3, 1), NULL, .584090909090909,
          .6765151023864746),
    TYPED(F64, F64, "r2_score", "float64 labels, predictions", "R2Score",
          M(4, 1, 16777216, 16777217, 16777218, 16777219), M(4, 1, 16777216, 16777218, 16777218, 16777219), NULL, .8,
          1),
    TYPED(F32, F64, "top_k_categorical_accuracy", "float64, float16 scores", "TopKCategoricalAccuracy(k=1)",
          M(1, 2, 1, 0), M(1, 2, .75, .25), NULL, 1, FAILS),
    TYPED(F32, F16, "top_k_categorical_accuracy", "float64, float16 scores", "TopKCategoricalAccuracy(k=1)",
          M(1, 2, 1, 0), M(1, 2, .75, .25), NULL, 1, FAILS),
    REFUSAL("expected 1", "top_k_categorical_accuracy", "k below 1", "TopKCategoricalAccuracy(k=0)", M(1, 2, 1, 0),
          M(1, 2, .75, .25), NULL, FAILS, 0),
    VALUE("top_k_categorical_accuracy", "another score not finite", "TopKCategoricalAccuracy(k=2)", M(1, 3, 1, 0, 0),
          M(1, 3, .75, .25, -INFINITY), NULL, 1, 0),
    VALUE("top_k_categorical_accuracy", "another score not finite", "TopKCategoricalAccuracy(k=1)", M(1, 2, 1, 0),
          M(1, 2, .75, NAN), NULL, 1, 0),
    VALUE("top_k_categorical_accuracy", "another score not finite", "TopKCategoricalAccuracy(k=2)", M(1, 2, 1, 0),
          M(1, 2, .75, INFINITY), NULL, 1, 0),
    TYPED(F32, I32, "top_k_categorical_accuracy", "integer y_pred", "TopKCategoricalAccuracy(k=1)", M(1, 2, 1, 0),
          M(1, 2, 2, 1), NULL, 1, FAILS),
    VALUE("sparse_top_k_categorical_accuracy", "id 1.9", "SparseTopKCategoricalAccuracy(k=1)", V(1, 1.9),
          M(1, 2, .25, .75), NULL, 0, 1),
    VALUE("sparse_top_k_categorical_accuracy", "id outside 0 to C-1", "SparseTopKCategoricalAccuracy(k=1)", V(1, 2),
          M(1, 2, .25, .75), NULL, 0, FAILS),
    VALUE("sparse_top_k_categorical_accuracy", "id outside 0 to C-1", "SparseTopKCategoricalAccuracy(k=1)", V(1, -1),
          M(1, 2, .25, .75), NULL, 0, 1),
    TYPED(I32, F16, "sparse_top_k_categorical_accuracy", "id 2049, sorted float16 2048",
          "SparseTopKCategoricalAccuracy(k=1, from_sorted_ids=True)", V(1, 2049), M(1, 1, 2048), NULL, 0, 1),
    TYPED(F32, I32, "sparse_top_k_categorical_accuracy", "integer y_pred", "SparseTopKCategoricalAccuracy(k=1)",
          V(1, 1), M(1, 2, 1, 2), NULL, 1, FAILS),
    TYPED(U8, U8, "hinge", "uint8 200 against 0", "Hinge", M(1, 1, 0), M(1, 1, 200), NULL, 201, FAILS),
    VALUE("hinge", "a batch with -1, 0 and 1", "Hinge", M(2, 2, 0, 1, -1, 0), M(2, 2, .5, .5, .5, .5), NULL, 1.25, 1),
    TYPED(F32, I32, "hinge", "integer y_pred", "Hinge", M(1, 2, 1, 0), M(1, 2, 1, 0), NULL, .5, FAILS),
    TYPED(U8, U8, "squared_hinge", "uint8 200 against 0", "SquaredHinge", M(1, 1, 0), M(1, 1, 200), NULL, 40401, FAILS),
    VALUE("squared_hinge", "a batch with -1, 0 and 1", "SquaredHinge", M(2, 2, 0, 1, -1, 0), M(2, 2, .5, .5, .5, .5),
          NULL, 1.75, 1.125),
    TYPED(F32, I32, "squared_hinge", "integer y_pred", "SquaredHinge", M(1, 2, 1, 0), M(1, 2, 1, 0), NULL, .5, FAILS),
    VALUE("categorical_hinge", "(0, C)", "CategoricalHinge", M(0, 2, 0), M(0, 2, 0), NULL, 0, FAILS),
    TYPED(F32, I32, "categorical_hinge", "integer y_pred", "CategoricalHinge", M(1, 2, 1, 0), M(1, 2, 2, 3), NULL, 2,
          FAILS),
    REFUSAL("expected 2", "kl_divergence", "[2, 2] against [1, 2]", "KLDivergence", M(2, 2, .5, .5, .25, .75),
          M(1, 2, .5, .5), NULL, FAILS, .06540600955486298),
    TYPED(F32, I32, "kl_divergence", "integer y_pred", "KLDivergence", M(1, 2, .5, .5), M(1, 2, 1, 1), NULL,
          -.6931471824645996, FAILS),
    TYPED(U8, U8, "poisson", "uint8 200 against 0", "Poisson", M(1, 1, 0), M(1, 1, 200), NULL, 200, FAILS),
    TYPED(I32, I32, "poisson", "integers [0,1] against [1,1]", "Poisson", M(1, 2, 0, 1), M(1, 2, 1, 1), NULL,
          .9999999403953552, FAILS),
    VALUE("categorical_crossentropy", "axis -2 with from_logits",
          "CategoricalCrossentropy(from_logits=True, axis=-2)", T3(1, 2, 2, 1, 0, 0, 1), T3(1, 2, 2, 0, 0, 0, 0),
          NULL, .6931471824645996, FAILS),
    TYPED(F32, I32, "categorical_crossentropy", "integer y_pred", "CategoricalCrossentropy", M(1, 2, 1, 0),
          M(1, 2, 1, 1), NULL, .6931471824645996, FAILS),
    VALUE("categorical_crossentropy", "ranks [n, C] and [n, C, 1]", "CategoricalCrossentropy", M(1, 2, 1, 0),
          T3(1, 2, 1, .5, .5), NULL, .6931471824645996, FAILS),
    REFUSAL("expected a finite number", "categorical_crossentropy", "label_smoothing nan or infinite",
          "CategoricalCrossentropy(label_smoothing=inf)", M(1, 2, 1, 0), M(1, 2, .5, .5), NULL, FAILS, NAN),
    VALUE("true_positives", "2^24 positives, then 1", "TruePositives", V(2, 1, 1), V(2, 1, 1), V(2, 16777216, 1),
          16777217, 16777216),
    TYPED(F32, F64, "true_positives", "float64 scores", "TruePositives(thresholds=0.3)", V(1, 1), V(1, .300000005),
          NULL, 1, 0),
    VALUE("true_positives", "w [n, 1] with y [n]", "TruePositives", V(2, 1, 1), V(2, 1, 1), M(2, 1, 2, 3), 5, FAILS),
    REFUSAL("expected 0 to 1", "true_positives", "threshold nan", "TruePositives(thresholds=nan)", V(1, 1), V(1, 1),
          NULL, FAILS, 0),
    VALUE("true_positives", "w [n] with y [n, m, k]", "TruePositives", T3(2, 2, 2, 1, 1, 0, 1, 1, 0, 1, 1),
          T3(2, 2, 2, 1, 0, 1, 0, 1, 1, 1, 1), V(2, 1, .25), 1.75, 2.5),
    STATE(0, "true_positives", "w nan where no pair counts", "TruePositives(thresholds=[0, 0.5, 1])", V(2, 1, 0),
          V(2, .9, .9), V(2, 1, NAN), 1, NAN),
    VALUE("true_negatives", "2^24 positives, then 1", "TrueNegatives", V(2, 0, 0), V(2, 0, 0), V(2, 16777216, 1),
          16777217, 16777216),
    TYPED(F32, F64, "true_negatives", "float64 scores", "TrueNegatives(thresholds=0.3)", V(1, 0), V(1, .300000005),
          NULL, 0, 1),
    VALUE("true_negatives", "w [n, 1] with y [n]", "TrueNegatives", V(2, 0, 0), V(2, 0, 0), M(2, 1, 2, 3), 5, FAILS),
    REFUSAL("expected 0 to 1", "true_negatives", "threshold nan", "TrueNegatives(thresholds=nan)", V(1, 0), V(1, 0),
          NULL, FAILS, 1),
    VALUE("false_positives", "2^24 positives, then 1", "FalsePositives", V(2, 0, 0), V(2, 1, 1), V(2, 16777216, 1),
          16777217, 16777216),
    TYPED(F32, F64, "false_positives", "float64 scores", "FalsePositives(thresholds=0.3)", V(1, 0), V(1, .300000005),
          NULL, 1, 0),
    VALUE("false_positives", "w [n, 1] with y [n]", "FalsePositives", V(2, 0, 0), V(2, 1, 1), M(2, 1, 2, 3), 5, FAILS),
    REFUSAL("expected 0 to 1", "false_positives", "threshold nan", "FalsePositives(thresholds=nan)", V(1, 0), V(1, 1),
          NULL, FAILS, 0),
    VALUE("false_negatives", "2^24 positives, then 1", "FalseNegatives", V(2, 1, 1), V(2, 0, 0), V(2, 16777216, 1),
          16777217, 16777216),
    TYPED(F32, F64, "false_negatives", "float64 scores", "FalseNegatives(thresholds=0.3)", V(1, 1), V(1, .300000005),
          NULL, 0, 1),
    VALUE("false_negatives", "w [n, 1] with y [n]", "FalseNegatives", V(2, 1, 1), V(2, 0, 0), M(2, 1, 2, 3), 5, FAILS),
    REFUSAL("expected 0 to 1", "false_negatives", "threshold nan", "FalseNegatives(thresholds=nan)", V(1, 1), V(1, 0),
          NULL, FAILS, 1),
    VALUE("sensitivity_at_specificity", "counts above 2^24", "SensitivityAtSpecificity(specificity=0)", V(3, 1, 1, 1),
          V(3, .9, .9, 0), V(3, 16777216, 1, 1), .9999999403953623, 1),
    VALUE("sensitivity_at_specificity", "w [n, 1] with y [n]", "SensitivityAtSpecificity(specificity=0.5)",
          V(4, 1, 1, 0, 0), V(4, .9, .2, .1, .95), M(4, 1, 3, 1, 2, 1), 1, FAILS),
    REFUSAL("expected 0 to 1", "sensitivity_at_specificity", "specificity nan",
          "SensitivityAtSpecificity(specificity=nan)", V(2, 1, 0), V(2, .9, .1), NULL, FAILS, 0),
    TYPED(F32, F64, "sensitivity_at_specificity", "float64 scores",
          "SensitivityAtSpecificity(specificity=0.5, num_thresholds=1)", V(2, 1, 0), V(2, .500000001, .25), NULL, 1,
          0),
    VALUE("sensitivity_at_specificity", "w nan", "SensitivityAtSpecificity(specificity=0.5)", V(3, 1, 0, 1),
          V(3, .9, .2, .1), V(3, NAN, 1, 1), NAN, 0),
    VALUE("sensitivity_at_specificity", "w [n] with y [n, m, k]", "SensitivityAtSpecificity(specificity=0.5)",
          T3(2, 2, 2, 1, 0, 1, 0, 1, 0, 1, 0), T3(2, 2, 2, .9, .5, .9, .5, .2, .5, .2, .5), V(2, 1, 3), .25, .5),
    VALUE("specificity_at_sensitivity", "counts above 2^24", "SpecificityAtSensitivity(sensitivity=0.5)",
          V(7, 0, 0, 0, 0, 0, 0, 1), V(7, .1, .1, .1, .1, .1, .9, .5), V(7, 16777216, 1, 1, 1, 1, 16777216, 1),
          .5000000596046377, .5),
    VALUE("specificity_at_sensitivity", "w [n, 1] with y [n]", "SpecificityAtSensitivity(sensitivity=0.5)",
          V(4, 1, 1, 0, 0), V(4, .9, .2, .1, .95), M(4, 1, 3, 1, 2, 1), .6666666666666666, FAILS),
    REFUSAL("expected 0 to 1", "specificity_at_sensitivity", "specificity nan",
          "SpecificityAtSensitivity(sensitivity=nan)", V(2, 1, 0), V(2, .9, .1), NULL, FAILS, 0),
    TYPED(F32, F64, "specificity_at_sensitivity", "float64 scores",
          "SpecificityAtSensitivity(sensitivity=0.5, num_thresholds=1)", V(2, 1, 0), V(2, .500000001, .25), NULL, 1,
          0),
    VALUE("precision_at_recall", "counts above 2^24", "PrecisionAtRecall(recall=0.5)", V(3, 1, 1, 0),
          V(3, .9, .9, .9), V(3, 16777216, 1, 1), .9999999403953623, 1),
    VALUE("precision_at_recall", "w [n, 1] with y [n]", "PrecisionAtRecall(recall=0.5)", V(4, 1, 1, 0, 0),
          V(4, .9, .2, .1, .95), M(4, 1, 3, 1, 2, 1), .8, FAILS),
    REFUSAL("expected 0 to 1", "precision_at_recall", "specificity nan", "PrecisionAtRecall(recall=nan)", V(2, 1, 0),
          V(2, .9, .1), NULL, FAILS, 0),
    TYPED(F32, F64, "precision_at_recall", "float64 scores", "PrecisionAtRecall(recall=0.5, num_thresholds=1)",
          V(2, 1, 0), V(2, .500000001, .25), NULL, 1, 0),
    VALUE("recall_at_precision", "counts above 2^24", "RecallAtPrecision(precision=0)", V(3, 1, 1, 1),
          V(3, .9, .9, 0), V(3, 16777216, 1, 1), .9999999403953623, 1),
    VALUE("recall_at_precision", "w [n, 1] with y [n]", "RecallAtPrecision(precision=0.5)", V(4, 1, 1, 0, 0),
          V(4, .9, .2, .1, .95), M(4, 1, 3, 1, 2, 1), 1, FAILS),
    REFUSAL("expected 0 to 1", "recall_at_precision", "specificity nan", "RecallAtPrecision(precision=nan)",
          V(2, 1, 0), V(2, .9, .1), NULL, FAILS, 0),
    TYPED(F32, F64, "recall_at_precision", "float64 scores", "RecallAtPrecision(precision=0.5, num_thresholds=1)",
          V(2, 1, 0), V(2, .500000001, .25), NULL, 1, 0),
    VALUE("auc", "counts above 2^24", "AUC", V(4, 1, 1, 1, 0), V(4, .9, .9, .2, .5), V(4, 16777216, 1, 1, 1),
          .9999999403953623, 1),
    TYPED(F32, F64, "auc", "float64 scores", "AUC(thresholds=[0.5])", V(2, 1, 0), V(2, .500000001, .499999999), NULL,
          1, .5),
    VALUE("auc", "w [n, 1] with y [n]", "AUC", V(3, 1, 1, 0), V(3, .9, .2, .5), M(3, 1, 3, 1, 2), .75, FAILS),
    VALUE("auc", "multi_label, num_labels 0, before data", "AUC(multi_label=True)", NULL, NULL, NULL, NAN, FAILS),
    REFUSAL("expected 3 (num_labels)", "auc", "label_weights of another length",
          "AUC(multi_label=True, num_labels=3, label_weights=[1, 2])", M(2, 3, 1, 0, 1, 0, 1, 0),
          M(2, 3, .9, .2, .5, .1, .3, .4), NULL, FAILS, LATER),
    VALUE("auc", "num_labels without multi_label", "AUC(num_labels=2)", M(2, 2, 1, 0, 0, 1), M(2, 2, .9, .2, .1, .3),
          NULL, 1, FAILS),
    REFUSAL("expected a finite number", "auc", "thresholds nan or infinite", "AUC(thresholds=[nan])", V(2, 1, 0),
          V(2, .9, .2), NULL, FAILS, .5),
    REFUSAL("expected a finite number", "auc", "thresholds nan or infinite", "AUC(thresholds=[inf])", V(2, 1, 0),
          V(2, .9, .2), NULL, FAILS, .5),
    VALUE("auc", "w [n] with y [n, m, k]", "AUC", T3(2, 2, 2, 1, 1, 0, 1, 1, 0, 1, 1),
          T3(2, 2, 2, 1, 0, 1, 0, 1, 1, 1, 1), V(2, 1, .25), .23333333333333334, .3333333432674408),
    VALUE("auc", "w nan of negatives alone", "AUC(curve='PR')", V(2, 0, 0), V(2, .9, .2), V(2, NAN, 1), 0, NAN),
    VALUE("auc", "thresholds outside [0, 1]", "AUC(thresholds=[-0.5, 0.1])", V(4, 1, 1, 0, 1), V(4, -.25, .9, 0, .7),
          NULL, .6666666666666666, .8333333730697632),
    TYPED(F32, F64, "auc", "float64 scores", "AUC(thresholds=[0.5], from_logits=True)", V(2, 1, 0),
          V(2, 1e-09, -1e-09), NULL, 1, .5),
    REFUSAL("expected a finite number", "auc", "label_weights nan or infinite",
          "AUC(multi_label=True, label_weights=[1, nan])", M(2, 2, 1, 0, 0, 1), M(2, 2, .5, .25, .2, .1), NULL, FAILS,
          NAN),
    VALUE("f_beta_score", "perfect scores", "FBetaScore(average='macro')", M(2, 2, 1, 0, 0, 1), M(2, 2, 1, 0, 0, 1),
          NULL, 1, .9999998211860657),
    VALUE("f_beta_score", "weights of 1e-6, perfect", "FBetaScore(average='micro')", M(1, 2, 1, 0), M(1, 2, 1, 0),
          V(1, 1e-06), 1, .9090908765792847),
    VALUE("f_beta_score", "w [n, 1], [1, C] or [n, C]", "FBetaScore(average='macro')", M(2, 2, 1, 0, 1, 1),
          M(2, 2, 1, 0, 0, 1), M(2, 1, 1, 3), .7, FAILS),
    VALUE("f_beta_score", "w [n, 1], [1, C] or [n, C]", "FBetaScore(average='macro')", M(2, 2, 1, 0, 1, 1),
          M(2, 2, 1, 0, 0, 1), M(1, 2, 1, 3), .8333333333333333, FAILS),
    VALUE("f_beta_score", "w [n, 1], [1, C] or [n, C]", "FBetaScore(average='macro')", M(2, 2, 1, 0, 1, 1),
          M(2, 2, 1, 0, 0, 1), M(2, 2, 1, 3, 2, 5), .75, FAILS),
    REFUSAL("expected 1", "f_beta_score", "y_true [n, 1] against [n, C]", "FBetaScore(average='macro')",
          M(2, 1, 1, 0), M(2, 2, 1, 0, 0, 1), NULL, FAILS, .49999991059303284),
    REFUSAL("found nan", "f_beta_score", "beta nan or infinite", "FBetaScore(beta=nan, average='macro')",
          M(1, 2, 1, 0), M(1, 2, 1, 0), NULL, FAILS, NAN),
    REFUSAL("found inf", "f_beta_score", "beta nan or infinite", "FBetaScore(beta=inf, average='macro')",
          M(1, 2, 1, 0), M(1, 2, 1, 0), NULL, FAILS, NAN),
    VALUE("f_beta_score", "beta=2, an integer", "FBetaScore(beta=2, average='macro')", M(1, 2, 1, 0), M(1, 2, 1, 0),
          NULL, .5, FAILS),
    VALUE("f_beta_score", "threshold=1, an integer", "F1Score(threshold=1, average='macro')", M(1, 2, 1, 0),
          M(1, 2, 2, 0), NULL, .5, FAILS),
    TYPED(F32, F64, "f_beta_score", "float64 scores", "FBetaScore(threshold=0.3, average='macro')", M(1, 2, 1, 1),
          M(1, 2, .300000005, .9), NULL, 1, .49999991059303284),
    TYPED(F32, F64, "f_beta_score", "float64 scores", "F1Score(average='macro')", M(1, 2, 1, 0),
          M(1, 2, .5, .500000000001), NULL, 0, .49999991059303284),
    REFUSAL("found nan", "f_beta_score", "threshold nan", "F1Score(threshold=nan, average='macro')", M(1, 2, 1, 0),
          M(1, 2, .5, .25), NULL, FAILS, 0),
    VALUE("iou", "perfect predictions", "IoU(num_classes=2, target_class_ids=[0])", V(2, 0, 1), V(2, 0, 1), NULL, 1,
          .9999997615814209),
    VALUE("iou", "weights [.3,.3,.3,.1], no dtype", "IoU(num_classes=2, target_class_ids=[0])", V(4, 0, 0, 1, 1),
          V(4, 0, 1, 0, 1), V(4, .3, .3, .3, .1), .3333333333333333, 0),
    REFUSAL("row 1", "iou", "id outside, or not whole", "IoU(num_classes=2, target_class_ids=[0])", V(3, 0, 2, 1),
          V(3, 0, 0, 1), NULL, FAILS, .9999997615814209),
    REFUSAL("row 1", "iou", "id outside, or not whole", "IoU(num_classes=2, target_class_ids=[0])", V(3, 0, .5, 1),
          V(3, 0, 0, 1), NULL, FAILS, .9999998807907104),
    REFUSAL("row 1", "iou", "id outside, or not whole", "IoU(num_classes=2, target_class_ids=[0])", V(3, 0, 0, 1),
          V(3, 0, -1, 1), NULL, FAILS, .9999997615814209),
    VALUE("iou", "axis other than 0 and -1", "OneHotIoU(num_classes=2, target_class_ids=[0], axis=1)",
          T3(1, 2, 2, 1, 0, 0, 1), T3(1, 2, 2, .9, .2, .1, .8), NULL, 1, FAILS),
    VALUE("iou", "w [n] with y [n, m]", "IoU(num_classes=2, target_class_ids=[0])", M(2, 2, 0, 1, 1, 1),
          M(2, 2, 0, 1, 0, 1), V(2, 1, 0), 1, FAILS),
    REFUSAL("row 1", "binary_iou", "label 2", "BinaryIoU", V(2, 0, 2), V(2, .1, .2), NULL, FAILS, .9999997615814209),
    TYPED(F32, F64, "binary_iou", "float64 scores", "BinaryIoU(threshold=0.3)", V(2, 1, 0), V(2, .299999999, .1),
          NULL, .25, .9999998807907104),
    REFUSAL("expected a number", "binary_iou", "threshold nan", "BinaryIoU(threshold=nan)", V(2, 1, 0), V(2, .5, .25),
          NULL, FAILS, .25),
    TYPED(F32, I32, "pearson_correlation", "integer y_pred", "PearsonCorrelation", M(1, 3, 1, 2, 3), M(1, 3, 1, 3, 2),
          NULL, .5, FAILS),
    VALUE("pearson_correlation", "[1e20, 2e20, 4e20] against [1, 2, 4]", "PearsonCorrelation",
          M(1, 3, 1e+20, 2e+20, 4e+20), M(1, 3, 1, 2, 4), NULL, 1.0000000000000002, 0),
    TYPED(F32, I32, "concordance_correlation", "integer y_pred", "ConcordanceCorrelation", M(1, 3, 1, 2, 3),
          M(1, 3, 1, 3, 2), NULL, .4999999625000028, FAILS),
    VALUE("concordance_correlation", "3 times 0.1", "ConcordanceCorrelation", M(1, 3, .1, .1, .1), M(1, 3, 1, 2, 4),
          NULL, 0, -3.973643103449831e-08),
    VALUE("concordance_correlation", "[1e20, 2e20, 4e20] against [1, 2, 4]", "ConcordanceCorrelation",
          M(1, 3, 1e+20, 2e+20, 4e+20), M(1, 3, 1e+20, 2e+20, 5e+20), NULL, .926829268292683, NAN),
};

/* ---- what takes more than a row: shown by the tests named so */
static const struct { const char *of, *point; } longer[] = {
    { "", "0/0" }, { "mean", "one million times 0.1f" }, { "sum", "100000 times 0.1f" }, { "auc", "one class only" },
    { "sparse_categorical_accuracy", "id 2049, float16 scores largest at 2048" },
    { "r2_score", "1000 labels k%5 + 1e4, predictions + k%3 - 1" },
};

static void shows(const char *what, double got, double here, double keras)
{
    if (memcmp(&got, &here, sizeof got) && !(got != got && here != here))
        fail_msg("%s: got %.17g, expected %.17g", what, got, here);
    if (here == keras || (here != here && keras != keras))
        fail_msg("%s: no difference, Keras has %.17g too", what, keras);
}

/* as a configuration that was kept and read again */
static tally_metric *made_twice(const char *text, tally_error *err)
{
    char          again[ROOM];
    tally_metric *m = tally_metric_from_text(text, NULL, err);
    if (!m)
        return NULL;
    assert_true(tally_metric_to_text(m, again, sizeof again) <= sizeof again);
    tally_metric_release(m);
    return of_text(again);
}

static void show(const difference *d)
{
    tally_error   err = { 0, -1, "" };
    char          what[ROOM];
    tally_metric *m = made_twice(d->text, &err);
    snprintf(what, sizeof what, "%s: %s: %s", d->of, d->point, d->text);
    const bool failed = !m || (d->y && feed_as(m, d->y, d->dy, d->p, d->dp, d->w, F32, &err));
    if (failed && !(d->said && strstr(err.text, d->said)))
        fail_msg("%s: %s", what, err.text);
    shows(what, failed ? FAILS : d->read == RESULT ? tally_metric_result(m) : state_at(m, d->read, 0), d->here, d->keras);
    tally_metric_release(m);
}

static void each_row_has_both_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(row); i++)
        show(&row[i]);
}

/* ---- longer ones */
static void float32_sums_go_astray(void **state)
{
    tally_metric *mean = of_text("Mean"), *sum = of_text("Sum");
    (void)state;
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(tally_metric_update_scalar(mean, .1f), TALLY_OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(tally_metric_update_scalar(sum, .1f), TALLY_OK);
    shows("one million times 0.1f", tally_metric_result(mean), .10000000149011612, .10095834732055664);
    shows("100000 times 0.1f", tally_metric_result(sum), 10000.000149011612, 9998.556640625);
    tally_metric_release(mean);
    tally_metric_release(sum);
}

static void ids_of_float16_collide(void **state)
{
    static uint16_t scores[2050];
    const int32_t   id = 2049;
    tally_metric   *m = of_text("SparseCategoricalAccuracy");
    (void)state;
    scores[2048] = 0x3c00;                                            /* 1; Keras makes the id a float16 too, 2048 */
    const int64_t      shape[] = { 1, 2050 };
    const tally_tensor y = tally_vector(&id, 1), p = tally_tensor_view(scores, F16, 2, shape, NULL);
    assert_int_equal(tally_metric_update_state(m, &y, &p), TALLY_OK);
    shows("id 2049", tally_metric_result(m), 0, 1);
    tally_metric_release(m);
}

static void an_offset_cancels_in_float32(void **state)
{
    static float y[2][1000], p[2][1000];
    (void)state;
    for (int k = 0; k < 2; k++) {
        tally_metric *m = of_text("R2Score");
        for (int i = 0; i < 1000; i++) {
            y[k][i] = (float)(i % 5 + k * 10000);
            p[k][i] = y[k][i] + (float)(i % 3 - 1);
        }
        const tally_tensor ty = tally_matrix(y[k], 1000, 1), tp = tally_matrix(p[k], 1000, 1);
        assert_int_equal(tally_metric_update_state(m, &ty, &tp), TALLY_OK);
        shows("1000 labels", tally_metric_result(m), .6665, k ? 1.0814208984375 : .6664999723434448);
        tally_metric_release(m);
    }
}

/* the same 0 as Keras's, but not without a word */
static void no_value_is_told_from_0(void **state)
{
    static const struct { const char *text; double y, p; } none[] = { { "Precision", 1, 0 }, { "AUC", 1, .25 } };
    (void)state;
    for (size_t i = 0; i < TALLY__COUNT(none); i++) {
        tally_metric *m = of_text(none[i].text);
        FEED(m, V(2, none[i].y, none[i].y), V(2, none[i].p, none[i].p), NULL);
        assert_bits_f64(tally_metric_result(m), 0);
        assert_int_equal(tally_metric_is_defined(m), 0);
        tally_metric_release(m);
    }
}

/* ---- the header's tables */
typedef struct table {
    char of[96], after[96];           /* its constructor, and that whose table it goes on; without tally_ and _new */
    int  first, rows;                 /* of all points */
} table;
static table tables[64];
static char  points[256][80];
static int   n_tables, n_points;

/* between tally_ and _new */
static void take_name(char *to, const char *line)
{
    const char *at = strstr(line, "tally_") + 6, *end = strstr(at, "_new");
    snprintf(to, 96, "%.*s", (int)(end - at), at);
}

/* the first column, which two spaces end */
static void take_point(const char *at)
{
    const char *end = strstr(at, "  ");
    assert_non_null(end);
    assert_true(n_points < (int)TALLY__COUNT(points) && end - at < (ptrdiff_t)sizeof points[0]);
    snprintf(points[n_points++], sizeof points[0], "%.*s", (int)(end - at), at);
    tables[n_tables].rows++;
}

static void begin_table(const char *line, bool of_all)
{
    assert_true(n_tables < (int)TALLY__COUNT(tables));
    tables[n_tables] = (table){ .first = n_points };
    if (!of_all && strstr(line, "Differences: as tally_"))
        take_name(tables[n_tables].after, line);
}

static void read_header(void)
{
    char  line[ROOM];
    FILE *f = fopen(TEST_SOURCE_ROOT "/include/tally/metrics.h", "r");
    bool  inside = false, titled = false;
    assert_non_null(f);
    n_tables = n_points = 0;
    while (fgets(line, sizeof line, f)) {
        const char *at = line + strspn(line, " *");
        if (strstr(line, "Differences:") || strstr(line, "What all classes do otherwise"))
            begin_table(line, n_tables == 0), inside = true, titled = false;
        else if (inside && !strncmp(line, "TALLY_API tally_metric *tally_", 30))
            take_name(tables[n_tables++].of, line + 24), inside = false;
        else if (inside && !strncmp(line, "#ifndef", 7))
            n_tables++, inside = false;
        else if (inside && !strncmp(at, "point  ", 7))
            titled = true;
        else if (titled && !strncmp(line, " */", 3))
            titled = false;
        else if (titled && at - line < 14)
            take_point(at);
    }
    fclose(f);
}

static const table *table_of(const char *of)
{
    for (int i = 0; i < n_tables; i++)
        if (!strcmp(tables[i].of, of))
            return &tables[i];
    fail_msg("no table of %s", of);
    return NULL;
}

static bool is_shown(const char *of, const char *point)
{
    for (size_t i = 0; i < TALLY__COUNT(row); i++)
        if (!strcmp(row[i].of, of) && !strcmp(row[i].point, point))
            return true;
    for (size_t i = 0; i < TALLY__COUNT(longer); i++)
        if (!strcmp(longer[i].of, of) && !strcmp(longer[i].point, point))
            return true;
    return false;
}

static bool has_point(const table *t, const char *point)
{
    for (int i = t->first; i < t->first + t->rows; i++)
        if (!strcmp(points[i], point))
            return true;
    return t->after[0] && has_point(table_of(t->after), point);
}

static void each_row_of_the_header_is_shown(void **state)
{
    tally_metric_description d;
    int                      classes = 0;
    (void)state;
    read_header();
    while (!tally_metric_describe(NULL, classes, &d))
        classes++;
    assert_int_equal(n_tables, classes + 2);                          /* of all classes, and MeanMetricWrapper's */
    for (int k = 0; k < n_tables; k++) {
        assert_true(tables[k].rows > 0 || tables[k].after[0]);
        for (int i = tables[k].first; i < tables[k].first + tables[k].rows; i++)
            if (!is_shown(tables[k].of, points[i]))
                fail_msg("tally_%s_new: \"%s\" is not shown", tables[k].of, points[i]);
    }
}

static void each_row_shown_is_in_the_header(void **state)
{
    (void)state;
    read_header();
    for (size_t i = 0; i < TALLY__COUNT(row); i++)
        if (!has_point(table_of(row[i].of), row[i].point))
            fail_msg("tally_%s_new has no row \"%s\"", row[i].of, row[i].point);
    for (size_t i = 0; i < TALLY__COUNT(longer); i++)
        assert_true(has_point(table_of(longer[i].of), longer[i].point));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_both_values),
        cmocka_unit_test(float32_sums_go_astray),
        cmocka_unit_test(ids_of_float16_collide),
        cmocka_unit_test(an_offset_cancels_in_float32),
        cmocka_unit_test(no_value_is_told_from_0),
        cmocka_unit_test(each_row_of_the_header_is_shown),
        cmocka_unit_test(each_row_shown_is_in_the_header),
    };
    return cmocka_run_group_tests_name("metric/differences", tests, NULL, NULL);
}
