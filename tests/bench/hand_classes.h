/* What a good C programmer writes for each class of the library: one pass over float32 scores, sums in double or counts in int64
 * that go on from batch to batch, the library's own exp and log inlined. Classes of one family share a loop. */
#ifndef BENCH_HAND_CLASSES_H
#define BENCH_HAND_CLASSES_H
#include <stddef.h>
#include <stdint.h>

enum { HAND_THRESHOLDS = 200, HAND_CLASSES = 16 };
/* labels and scores: [n] or [n, columns] as the loop has it; ids lie below columns. w: [n], of the loops that take it */
typedef struct hand_batch {
    const void  *y, *p;
    const float *w;
    size_t       columns;
} hand_batch;
typedef struct hand_state {
    double   sum[4];
    int64_t  count[2][HAND_THRESHOLDS];         /* by label, of scores above so many thresholds */
    double   weight[2][HAND_THRESHOLDS];
    int64_t  hit[3][HAND_CLASSES];              /* by class: true and false positives, false negatives */
    int64_t *pair;                              /* [columns, columns] label and prediction */
    size_t   columns;
} hand_state;
typedef void   hand_add(hand_state *s, const hand_batch *b, size_t n);
typedef double hand_result(const hand_state *s);

#define HAND_LOOPS(X)                                                                                  \
    /* sums of one value a row, and how many */                                                        \
    X(values) X(weighted) X(squared_error) X(absolute_error) X(percentage_error) X(log_error) X(log_cosh) \
    X(hinge) X(squared_hinge) X(poisson) X(crossentropy)                                               \
    /* counts of one outcome and of another, of int32 labels */                                        \
    X(equal) X(side) X(weighted_side) X(precision) X(recall)                                           \
    X(true_positives) X(true_negatives) X(false_positives) X(false_negatives)                          \
    /* of rows of scores, with rows of float32 labels or an int64 id */                                \
    X(argmax) X(argmax_id) X(top5) X(top5_id) X(categorical_hinge) X(divergence)                       \
    X(categorical_crossentropy) X(sparse_crossentropy) X(sparse_logits) X(cosine) X(pearson) X(concordance) \
    /* sums and counts of their own */                                                                 \
    X(r2) X(buckets) X(weighted_buckets) X(f_score) X(pairs) X(pairs_side) X(pairs_of_largest)
typedef enum hand_loop {
#define X(name) HAND_##name,
    HAND_LOOPS(X)
#undef X
    HAND_LOOPS_COUNT
} hand_loop;
/* one source, compiled twice: with the flags of the library's release build, and for the machine that it runs on, where sums in
 * double may be added in any order */
extern hand_add *const hand_plain[HAND_LOOPS_COUNT], *const hand_native[HAND_LOOPS_COUNT];

/* what the states give; of several values their mean. Operating points: the best at 0.5 of the other, or more */
hand_result hand_ratio, hand_total, hand_root, hand_r2_score, hand_area, hand_f1, hand_f2, hand_mean_iou, hand_iou_of_two;
hand_result hand_sensitivity, hand_specificity, hand_precision_at_recall, hand_recall_at_precision;

#endif
