/* metric, floor 8: a class is two bodies over a store. The verbs, the custom-metric interface, the table of classes.
 * Knows every floor below through its header; nothing of files, lines on a terminal, checkpoints. */
#ifndef TALLY__METRIC_H
#define TALLY__METRIC_H

#include <tally/metrics.h>
#include "../function/function.h"

/* ---- class.c: what a metric's schema carries in `opaque`: the class by value, its states, the config bytes behind it */
enum { TALLY__CLASS_OPERANDS = 4, TALLY__CLASS_STATES = 16 };
typedef struct tally__class {
    tally_metric_class face;            /* name and states point into the schema */
    int32_t            nan;             /* tally_nan_policy */
    int32_t            skipped;         /* cell that counts what the policy left out, or -1 */
    bool               own;             /* of this library: what goes wrong in its bodies is told at the user's line */
    size_t             config_size;
} tally__class;
const tally__class *tally__class_of(const tally__schema *s);
const void         *tally__config_of(const tally__class *k);
/* tally_metric_new; own: see above; name: for a NULL in o */
tally_metric       *tally__metric_make(const tally_metric_class *k, const void *config, size_t config_size, const tally_metric_options *o,
                                       bool own, const char *name, tally_error *err);
static inline tally_node tally__absent(void) { return (tally_node){ NULL, 0, 0 }; }
static inline tally_metric *tally__metric_of_store(tally__store *s) { return (tally_metric *)(void *)s; }
/* "values"; "y_true", "y_pred"; "operand 2"; the one behind the last is "sample_weight" */
const char         *tally__role(const tally__class *k, int operand);

/* ---- inside.c: an update body that is being recorded: what tally_update.inside points to */
struct tally__update {
    const tally__class *k;
    tally_metric_ref    self;
    tally_node          mask;           /* false where a NaN leaves an entry out; absent: all count */
    int                 reach;          /* the most axes that a value had which went into a state */
    tally__place        place;          /* of the user's update_state */
};
/* nan.c: the mask of an update (absent: nothing can be NaN); what the policy does with it before and after the body */
tally_node tally__nan_mask(const tally_node *x, int n, int n_operands, tally__place at);
void       tally__nan_before(tally_trace *t, struct tally__update *u, const tally_node *x, int n);
void       tally__nan_after(tally_trace *t, struct tally__update *u);
/* the mask for a value of this rank: `all` over the axes that it lacks */
tally_node tally__mask_to_rank(tally_node mask, int rank, tally__place at);
/* defined.c: 1 if no division on the way to this result has a zero denominator and it is not NaN (I64) */
tally_node tally__defined(tally_trace *t, tally_node result);

/* ---- eager.c: the functions behind the verbs outside, one set per context; lives as long as a metric of the context */
typedef enum tally__verb { TALLY__VERB_UPDATE, TALLY__VERB_RESULT, TALLY__VERB_SHAPE, TALLY__VERB_DEFINED, TALLY__VERBS } tally__verb;
tally_status    tally__eager_attach(tally__store *s, tally_error *err);      /* gives the store its share */
tally_function *tally__eager(const tally_metric *m, tally__verb verb);       /* borrowed */

/* ---- table.c, metric.def: one row per class */
typedef enum tally__metric_id {
#define METRIC(name, ...) TALLY__METRIC_##name,
#include "metric.def"
#undef METRIC
    TALLY__METRICS
} tally__metric_id;
typedef struct tally__metric_row {
    const char *keras_name;             /* "MeanSquaredError" */
    const char *name;                   /* "mean_squared_error": default name, middle of the constructor's */
    const char *options;                /* "mean": middle of tally_mean_options */
    const char *formula;
    int32_t     n_operands, n_states, direction;
    bool        batch;                  /* its value depends on how the samples were split into batches */
    const tally_state_spec *states;
    void       (*update)(tally_trace *t, const tally_update *u);
    tally_node (*result)(tally_trace *t, const tally_node *states, const void *config);
} tally__metric_row;
extern const tally__metric_row tally__metric_table[TALLY__METRICS];
const tally__metric_row *tally__metric_row_of(const char *keras_name);       /* or the default name; NULL: no such class */
/* the class of a row with its config; n_thresholds > 1: vector states of that size and a vector result */
tally_metric *tally__metric_from_row(const tally__metric_row *row, const void *config, size_t config_size, int n_thresholds,
                                     const tally_metric_options *head, tally_error *err);
tally_status  tally__option_wrong(const tally__metric_row *row, tally_error *err, const char *format, ...);

/* ---- configuration of the built-in families: plain numbers */
typedef struct tally__mean_config { int32_t reduction, reserved; } tally__mean_config;
typedef struct tally__binary_accuracy_config { double threshold; } tally__binary_accuracy_config;
typedef struct tally__crossentropy_config {
    double  label_smoothing;
    int32_t from_logits, axis, ignore_class, skips_nan;
} tally__crossentropy_config;
typedef struct tally__threshold_config {
    int32_t n, even, top_k, class_id;   /* even: the thresholds are i/(n-1), the bucket rule decides */
    double  threshold[];                /* even: their places 0 to n-1 */
} tally__threshold_config;
/* one maker per options family */
tally_metric *tally__make_mean(const tally__metric_row *row, const tally_mean_options *o, tally_error *err);
tally_metric *tally__make_binary_accuracy(const tally__metric_row *row, const tally_binary_accuracy_options *o, tally_error *err);
tally_metric *tally__make_threshold(const tally__metric_row *row, const tally_threshold_options *o, tally_error *err);
tally_metric *tally__make_crossentropy(const tally__metric_row *row, const tally_crossentropy_options *o, tally_error *err);
/* one update body per class, and the results: named in metric.def */
#define METRIC(name, constructor, family, n_operands, states, result, ...) \
    void       tally__update_##constructor(tally_trace *t, const tally_update *u); \
    tally_node tally__result_##result(tally_trace *t, const tally_node *s, const void *config);
#include "metric.def"
#undef METRIC

/* ---- samples.c: what mean-like classes share. States TOTAL, COUNT are 0, 1 */
enum { TALLY__TOTAL, TALLY__COUNT_OF };
/* float64 if a float operand is, or if none is a float and one is a 64-bit integer; else float32 */
int32_t    tally__compute_type(const tally_update *u);
tally_node tally__as(tally_node x, int32_t dtype);                          /* x itself if it has the dtype */
/* x without an axis that must have size 1; role names it where that fails */
tally_node tally__without_one(tally_node x, int axis, const char *role);
/* ranks made equal: the longer one, by one axis, must end in size 1; then all sizes meet. false: noted */
bool       tally__align(tally_trace *t, const tally_update *u, tally_node *y, tally_node *p);
/* what a body of this library finds wrong, at the user's line */
void       tally__refuse(tally_trace *t, const tally_update *u, const char *format, ...);
/* mean over the axes from..rank-1 in float64; NaN over none */
tally_node tally__mean_from(tally_node x, int from);
/* total += values, count += 1 per sample, weighted; values of rank 2 and more are averaged over the inner axes to one per sample unless
 * reduction says that every element counts. keep (same sizes as values, or absent): entries that count at all */
void       tally__sample_mean(tally_trace *t, const tally_update *u, tally_node values, tally_node keep, int32_t reduction);
/* sample_weight for values of this rank: squeezed if it has one axis more; false: noted */
bool       tally__weight_fit(tally_trace *t, const tally_update *u, int rank, tally_node *weight);
/* a weight with an entry for each element of like: its missing axes repeat, and its sizes of 1 unless sample_weight has rank 1 */
tally_node tally__weight_like(const tally_update *u, tally_node weight, tally_node like);

/* ---- verbs.c */
tally_status tally__no_metric(const char *verb, int argument, tally_error *err);

#endif
