/* metric, floor 8: a class is two bodies over a store. The verbs, the custom-metric interface, the table of classes.
 * Knows every floor below through its header; nothing of files, lines on a terminal, checkpoints. */
#ifndef TALLY__METRIC_H
#define TALLY__METRIC_H

#include <tally/metrics.h>
#include "../function/function.h"

/* ---- class.c: what a metric's schema carries in `opaque`: the class by value, its states, the config bytes behind it */
enum { TALLY__CLASS_OPERANDS = 4, TALLY__CLASS_STATES = 16 };
typedef struct tally__origin {
    bool                own;            /* of this library: what goes wrong in its bodies is told at the user's line */
    tally_sample_values body;           /* a MeanMetricWrapper's; else NULL */
} tally__origin;
typedef struct tally__class {
    tally_metric_class face;            /* name and states point into the schema */
    int32_t            nan;             /* tally_nan_policy */
    int32_t            skipped;         /* cell that counts what the policy left out, or -1 */
    tally__origin      origin;
    size_t             config_size;
} tally__class;
const tally__class *tally__class_of(const tally__schema *s);
const void         *tally__config_of(const tally__class *k);
/* tally_metric_new; name: for a NULL in o */
tally_metric       *tally__metric_make(const tally_metric_class *k, const void *config, size_t config_size, const tally_metric_options *o,
                                       tally__origin origin, const char *name, tally_error *err);
static inline tally_node tally__absent(void) { return (tally_node){ NULL, 0, 0 }; }
static inline tally_metric *tally__metric_of_store(tally__store *s) { return (tally_metric *)(void *)s; }
/* "values"; "y_true", "y_pred"; "operand 2"; the one behind the last is "sample_weight" */
const char         *tally__role(const tally__class *k, int operand);

/* ---- inside.c: an update body that is being recorded: what tally_update.inside points to */
struct tally__update {
    const tally__class *k;
    tally_metric_ref    self, batch;    /* batch: takes the same; absent: nobody does */
    tally_node          no_nan[TALLY__CLASS_OPERANDS + 1];     /* policy skip: of operands and weight what is none; absent: all */
    tally_node          mask;           /* of these, combined in the shape of the highest; absent: all count */
    int                 highest;        /* operand */
    bool                combined;
    int                 reach;          /* the most axes that a value had which went into a state */
    tally__place        place;          /* of the user's update_state */
};
/* nan.c: what the policy does before and after the body */
void       tally__nan_before(tally_trace *t, struct tally__update *u, const tally_node *x, int n);
void       tally__nan_after(tally_trace *t, struct tally__update *u);
/* true for the entries of a value of this rank that count; absent: all do */
tally_node tally__nan_mask(struct tally__update *u, int rank);
/* before a body of this library first adds: it makes one value of each line along this axis of operands of this rank, so a NaN leaves
 * out the line; it goes on with a view of an operand */
void       tally__nan_along(const tally_update *u, int rank, int axis);
void       tally__nan_operand(const tally_update *u, int operand, tally_node (*view)(tally_trace *t, tally_node x, int32_t at), int32_t at);
/* defined.c: 1 if no division on the way to this result has a zero denominator and it is not NaN (I64) */
tally_node tally__defined(tally_trace *t, tally_node result);

/* ---- eager.c: the functions behind the verbs outside, one set per context; lives as long as a metric of the context */
typedef enum tally__verb {
    TALLY__VERB_UPDATE, TALLY__VERB_FORWARD, TALLY__VERB_RESULT, TALLY__VERB_SHAPE, TALLY__VERB_DEFINED,
    TALLY__VERB_RESULTS, TALLY__VERB_RESET,      /* of many; a result that is no scalar is NaN */
    TALLY__VERBS
} tally__verb;
tally_status    tally__eager_attach(tally__store *s, tally_error *err);      /* gives the store its share */
tally_function *tally__eager(const tally_metric *m, tally__verb verb);       /* borrowed */
/* room for the arguments (and destinations, which are as large) of a call with many metrics, of which m is one; given back, it serves the
 * next such call */
typedef struct tally__arguments {
    struct tally__arguments *next;
    int                      room;
    tally_value              in[];
} tally__arguments;
tally__arguments *tally__arguments_take(const tally_metric *m, int n, tally_error *err);
void              tally__arguments_give(const tally_metric *m, tally__arguments *a);

/* ---- table.c, metric.def: one row per class */
typedef enum tally__metric_id {
#define METRIC(name, ...) TALLY__METRIC_##name,
#include "metric.def"
#undef METRIC
    TALLY__METRICS
} tally__metric_id;
typedef struct tally__metric_row {
    const char *keras_name;             /* "MeanSquaredError" */
    const char *name;                   /* "mean_squared_error": default name */
    const char *others;                 /* "mse MSE": what metrics.get takes beside both and the snake case of the first */
    const char *formula;
    int32_t     family, operands;       /* tally__family_id, tally_metric_operands */
    int32_t     n_states, direction;
    bool        batch;                  /* its value depends on how the samples were split into batches */
    const tally_state_spec *states;
    void       (*update)(tally_trace *t, const tally_update *u);
    tally_node (*result)(tally_trace *t, const tally_node *states, const void *config);
} tally__metric_row;
extern const tally__metric_row tally__metric_table[TALLY__METRICS];
const tally__metric_row *tally__metric_row_of(const char *name);            /* any of its names; NULL: no such class */
static inline int32_t tally__operands_taken(const tally__metric_row *row) { return row->operands == TALLY_OPERANDS_VALUES ? 1 : 2; }

/* ---- options.c, options.def: one row per option */
typedef enum tally__family_id {
#define FAMILY(name, ...) TALLY__FAMILY_##name,
#define OPTION(...)
#define LIST(...)
#include "options.def"
#undef FAMILY
#undef OPTION
#undef LIST
    TALLY__FAMILIES
} tally__family_id;
typedef struct tally__family {
    const void *standard;               /* the options with their defaults */
    size_t      options_size, config_size;
    /* checks what concerns several options, completes the configuration, adapts the class about to be made: ranks and sizes of its
     * states, which it may change in place, and of its result */
    tally_status (*settle)(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states, tally_error *err);
} tally__family;
extern const tally__family tally__family_table[TALLY__FAMILIES];
typedef enum tally__option_type {
    TALLY__TYPE_REAL, TALLY__TYPE_WHOLE, TALLY__TYPE_OPTIONAL, TALLY__TYPE_OPTIONAL_REAL, TALLY__TYPE_FLAG, TALLY__TYPE_CHOICE,
    TALLY__TYPE_REALS, TALLY__TYPE_WHOLES
} tally__option_type;
typedef struct tally__option {
    tally_metric_option face;           /* a choice's type is its words */
    int32_t             family, type;
    size_t              options_at, count_at, config_at;
    double              least, most;    /* a choice: 0 to the last word's place */
    uint64_t            classes;        /* bits by tally__metric_id */
} tally__option;
const tally__option *tally__option_next(const tally__metric_row *row, const tally__option *o);  /* NULL: the first; NULL behind the last */
bool         tally__option_is_list(const tally__option *o);
bool         tally__option_may_be_none(const tally__option *o);              /* one value, or TALLY_NONE */
size_t       tally__option_size(const tally__option *o);                     /* of a value, or an entry */
tally_status tally__option_wrong(const tally__metric_row *row, tally_error *err, const char *format, ...);
/* checks the options, makes the configuration and the metric */
tally_metric *tally__metric_from_options(const tally__metric_row *row, const void *options, tally_error *err);
typedef struct tally__list { int32_t n, at; } tally__list;                   /* n entries `at` bytes behind the configuration's begin */
static inline const void    *tally__entries(const void *config, tally__list l) { return (const char *)config + l.at; }
static inline const double  *tally__reals(const void *config, tally__list l) { return tally__entries(config, l); }
static inline const int32_t *tally__wholes(const void *config, tally__list l) { return tally__entries(config, l); }

/* ---- configuration of the families: plain numbers under the options' names, and what their settle adds */
typedef struct tally__mean_config { int32_t reduction, reserved; } tally__mean_config;
typedef struct tally__binary_accuracy_config { double threshold; int32_t reduction, reserved; } tally__binary_accuracy_config;
typedef struct tally__axis_config { int32_t axis, reduction; } tally__axis_config;
typedef struct tally__correlation_config {
    tally__list axis;                   /* none: the last */
    int32_t     reduction, reserved;
} tally__correlation_config;
typedef struct tally__top_k_config { int32_t k, from_sorted_ids, reduction, reserved; } tally__top_k_config;
typedef struct tally__r2_config { int32_t class_aggregation, num_regressors; } tally__r2_config;
typedef struct tally__crossentropy_config {
    double  label_smoothing;
    int32_t from_logits, axis, ignore_class, reduction;
} tally__crossentropy_config;
typedef struct tally__threshold_config {
    tally__list thresholds;
    int32_t     top_k, class_id;
    int32_t     even, reserved;         /* even: the thresholds are i/(n-1), the bucket rule decides */
} tally__threshold_config;
tally_status tally__settle_r2(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states, tally_error *err);
tally_status tally__settle_threshold(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                                     tally_error *err);
typedef struct tally__operating_point_config {
    double  specificity, sensitivity, recall, precision;    /* the class's own is wanted, the others are absent */
    int32_t num_thresholds, class_id;
} tally__operating_point_config;
typedef struct tally__auc_config {
    tally__list thresholds, label_weights;
    int32_t     num_thresholds, curve, summation_method, multi_label, num_labels, from_logits;
    int32_t     even, reserved;         /* even: the thresholds between the ends are i/(n-1), the bucket rule decides */
} tally__auc_config;
typedef struct tally__f_beta_config {
    double  beta, threshold;
    int32_t average, reserved;
} tally__f_beta_config;
typedef struct tally__iou_config {
    double      threshold;
    tally__list target_class_ids;       /* none: all */
    int32_t     num_classes, ignore_class, sparse_y_true, sparse_y_pred, axis, reserved;
} tally__iou_config, tally__one_hot_iou_config, tally__binary_iou_config;
tally_status tally__settle_operating_point(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                                           tally_error *err);
tally_status tally__settle_auc(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                               tally_error *err);
tally_status tally__settle_f_beta(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                                  tally_error *err);
tally_status tally__settle_iou(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                               tally_error *err);
tally_status tally__settle_binary_iou(const tally__metric_row *row, void *config, tally_metric_class *k, tally_state_spec *states,
                                      tally_error *err);
/* one update body per class, and the results: named in metric.def */
#define METRIC(keras, constructor, name, others, family, operands, states, result, ...) \
    void       tally__update_##constructor(tally_trace *t, const tally_update *u); \
    tally_node tally__result_##result(tally_trace *t, const tally_node *s, const void *config);
#include "metric.def"
#undef METRIC

void       tally__update_wrapper(tally_trace *t, const tally_update *u);

#define TALLY__EPSILON 1e-7             /* keras.config.epsilon() */

/* ---- samples.c: what mean-like classes share. States TOTAL, COUNT are 0, 1 */
enum { TALLY__TOTAL, TALLY__COUNT_OF };
/* float64 if a float operand is, or if none is a float and one is a 64-bit integer; else float32 */
int32_t    tally__compute_type(const tally_update *u);
tally_node tally__as(tally_node x, int32_t dtype);                          /* x itself if it has the dtype */
/* x without an axis that must have size 1; role and place name it where that fails */
tally_node tally__without_one(tally_node x, int axis, const char *role, tally__place at);
/* ranks made equal: the longer one, by one axis, must end in size 1; then all sizes meet. false: noted */
bool       tally__align(tally_trace *t, const tally_update *u, tally_node *y, tally_node *p);
/* y_true and y_pred aligned and in the compute type; false: noted */
bool       tally__pair(tally_trace *t, const tally_update *u, tally_node *y, tally_node *p);
/* an option's axis, negative from the end, for this rank; false: noted */
bool       tally__axis_of(tally_trace *t, const tally_update *u, int option, int rank, int *axis);
/* what a body of this library finds wrong, at the user's line */
void       tally__refuse(tally_trace *t, const tally_update *u, const char *format, ...);
/* mean over the axes from..rank-1 in float64; NaN over none */
tally_node tally__mean_from(tally_node x, int from);
/* total += values, count += 1 per sample, weighted; values of rank 2 and more are averaged over the inner axes to one per sample unless
 * reduction says that every element counts. keep (same sizes as values, or absent): entries that count at all */
void       tally__sample_mean(tally_trace *t, const tally_update *u, tally_node values, tally_node keep, int32_t reduction);
/* of elements e: each row of the last axis gives factor times its mean; of one axis, each entry */
void       tally__add_mean_of_last(tally_trace *t, const tally_update *u, tally_node e, double factor, int32_t reduction);
/* v: one value for each vector that `like` had along the axis */
void       tally__add_of_vectors(tally_trace *t, const tally_update *u, tally_node v, tally_node like, int axis, int32_t reduction);
/* sample_weight for values of this rank: squeezed if it has one axis more; false: noted */
bool       tally__weight_fit(tally_trace *t, const tally_update *u, int rank, tally_node *weight);
/* a weight with an entry for each element of like: its missing axes repeat, and its sizes of 1 unless sample_weight has rank 1 */
tally_node tally__weight_like(const tally_update *u, tally_node weight, tally_node like);
/* a / b, and 0 where b is 0 by right: it leaves the result defined */
tally_node tally__part_or_zero(tally_node a, tally_node b);

/* ---- threshold.c: what lies above which threshold */
typedef struct tally__picks {
    int32_t top_k, class_id;            /* or TALLY_NONE */
    bool    from_logits;
} tally__picks;
typedef struct tally__scores {
    tally_node label, score, kept;      /* is y_true positive; y_pred; is it one of the top_k, absent without */
} tally__scores;
/* NumPy's allclose with Keras's tolerance, from 0 to 1 if as many ends as said stand beside the list: then the bucket rule decides, not
 * the comparison */
bool tally__evenly_spread(const double *t, int n, int ends);
/* y_true and y_pred aligned, of class_id alone where it is one; false: noted */
bool tally__scores_of(tally_trace *t, const tally_update *u, const tally__picks *c, tally__scores *s);

/* ---- curve.c: histograms of scores over a grid of thresholds */
typedef struct tally__grid {
    int32_t       n;                    /* thresholds, in rising order */
    const double *at;                   /* NULL: evenly spread from 0 to 1, n > 1 */
    bool          all_above_first;      /* the first of evenly spread ones lies below all scores */
} tally__grid;
enum { TALLY__TP_AT, TALLY__FP_AT, TALLY__POSITIVES, TALLY__NEGATIVES };
/* the only state: [2 (n+1)], or for each label [labels, 2 (n+1)] */
void tally__settle_curve(tally_state_spec *state, int32_t n, bool by_label, int64_t labels);
void tally__add_scores(tally_trace *t, const tally_update *u, const tally__grid *g, const tally__scores *s, bool by_label, tally_node value);
tally_node tally__last_part(tally_trace *t, tally_node x, int from, int to);        /* x[..., from:to] */
/* true and false positives at each threshold [..., n], positives and negatives [...] */
void tally__points_of(tally_trace *t, tally_node histogram, int32_t n, tally_node points[4]);

/* ---- verbs.c */
tally_status tally__no_metric(const char *verb, int argument, tally_error *err);
tally_status tally__room_given(const char *name, const double *out, int n, tally_error *err);    /* for n values */

#endif
