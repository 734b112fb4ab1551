/* selftest, a library of its own on the public headers: the laws, each a function of one trial. A trial is sticky as a trace is:
 * its first failure is kept, and everything that is asked of it from then on does nothing, so laws read straight down. Metrics
 * that a law makes, and memory, go when it ends. */
#ifndef TALLY__SELFTEST_H
#define TALLY__SELFTEST_H

#include <stdbool.h>
#include <string.h>

#include <tally/selftest.h>

/* ---- sorts.c: what operands look like, one row a sort; a class may take several */
enum { TALLY__SORT_WIDTH = 4, TALLY__SORT_OPERANDS = 4 };
typedef enum tally__sort_id {
    TALLY__SORT_VALUES, TALLY__SORT_VALUE_ROWS, TALLY__SORT_PAIRS, TALLY__SORT_PAIR_ROWS, TALLY__SORT_COUNTS,
    TALLY__SORT_COUNT_ROWS, TALLY__SORT_BINARY, TALLY__SORT_BINARY_ROWS, TALLY__SORT_ONE_HOT, TALLY__SORT_IDS,
    TALLY__SORT_LABELS, TALLY__SORT_HOT_LABELS, TALLY__SORTS
} tally__sort_id;
typedef struct tally__sort {
    const char            *name;
    int32_t                operands;         /* tally_metric_operands, or TALLY_NONE */
    int32_t                n;
    tally_selftest_operand operand[TALLY__SORT_OPERANDS];
    tally_selftest_sample  sample;
    void                  *user;
} tally__sort;
extern const tally__sort tally__sort_row[TALLY__SORTS];
uint64_t tally__mixed(uint64_t x);                                   /* a hash, and the next random number after x */

/* ---- trial.c */
enum { TALLY__TRIAL_METRICS = 64, TALLY__TRIAL_ROWS = 23 };
typedef struct tally__piece tally__piece;
typedef struct tally__trial {
    const tally_selftest_options *o;
    tally_selftest_make make;
    void               *user;
    tally_error        *err;
    tally_status        status;              /* not OK: the first failure, told in err */
    char                name[48];            /* of the metric */
    tally_context      *context[2];          /* of the metrics, in turn: such of different contexts may meet */
    tally_function     *cast[TALLY_F64 + 1]; /* float64 to this dtype */
    uint64_t            bits;
    /* the case */
    const tally__sort  *sort;
    tally_dtype         dtype;
    bool                weighted;
    uint64_t            random;
    const char         *law;
    tally_metric       *metric[TALLY__TRIAL_METRICS];
    int                 n_metrics;
    tally__piece       *memory;
} tally__trial;
void   tally__trial_end(tally__trial *c);                            /* metrics and memory of a law */
void   tally__broken(tally__trial *c, const char *format, ...);      /* the law is: "expected ..., found ..." */
void   tally__stopped(tally__trial *c, tally_status s, const char *format, ...);       /* for another reason */
void  *tally__room(tally__trial *c, size_t n);                       /* zeroed; NULL: the trial has stopped */
size_t tally__below(tally__trial *c, size_t n);                      /* a random number */
void   tally__shuffled(tally__trial *c, int64_t *at, int64_t n);     /* 0 to n - 1 in any order */
void   tally__meant(tally__trial *c, bool holds, const char *expected, const char *found);

/* metrics, of the trial until the law ends; NULL once it has failed */
tally_metric *tally__keep(tally__trial *c, tally_metric *m, const tally_error *why);
tally_metric *tally__fresh(tally__trial *c);
tally_metric *tally__fresh_with(tally__trial *c, tally_context *x, int32_t nan);
tally_metric *tally__copy(tally__trial *c, const tally_metric *m);
void          tally__must(tally__trial *c, tally_status s, const char *what, const tally_error *why);
/* equal bytes; else the first state that differs is told */
void          tally__same(tally__trial *c, const char *what, const tally_metric *got, const tally_metric *want);
void          tally__same_states(tally__trial *c, const char *what, const tally_metric *got, const tally_metric *want);
typedef struct tally__bytes {
    unsigned char *at;
    size_t         n;
} tally__bytes;
tally__bytes  tally__packed(tally__trial *c, const tally_metric *m);
void          tally__as_before(tally__trial *c, const char *what, const tally_metric *got, tally__bytes want);
/* the result as numbers */
typedef struct tally__values {
    double *at;
    int64_t n;
    int     rank;
} tally__values;
tally__values tally__result_of(tally__trial *c, const tally_metric *m);
void          tally__same_values(tally__trial *c, const char *what, tally__values got, tally__values want);
bool          tally__has_kind(const tally_metric *m, int32_t kind);

/* ---- batch.c: dense operands, the weight behind them where the case has one */
typedef struct tally__batch {
    int          n;                          /* operands */
    int64_t      rows;
    tally_tensor x[TALLY__SORT_OPERANDS + 1];
} tally__batch;
tally__batch tally__batch_make(tally__trial *c, int64_t rows);
tally__batch tally__batch_rows(tally__trial *c, const tally__batch *f, const int64_t *at, int64_t n);
tally__batch tally__batch_part(tally__trial *c, const tally__batch *f, int64_t from, int64_t n);
tally__batch tally__batch_weighed(tally__trial *c, const tally__batch *f, double w, bool each);  /* w for each row, or for all */
tally__batch tally__batch_scattered(tally__trial *c, tally__batch *f);       /* of f's values, which it may change: other strides */
tally__batch tally__batch_with_nan(tally__trial *c, const tally__batch *f, int operand);         /* in the bad rows of an operand */
bool         tally__is_bad(int64_t row);                                     /* 1, 4, 7 ... */
bool         tally__may_be_nan(const tally__batch *f, int operand);
tally_status tally__give(tally_metric *m, const tally__batch *f, tally_error *err);              /* an update */
void         tally__eat(tally__trial *c, tally_metric *m, const tally__batch *f);
tally_metric *tally__fed(tally__trial *c, const tally__batch *f);            /* a fresh one */

/* ---- law_*.c */
#define TALLY__LAWS(X) \
    X(zero_rows, "zero rows", 0) X(order, "order", TALLY__LAW_SPLITS | TALLY__LAW_ANY_ORDER) X(split, "split", TALLY__LAW_SPLITS) \
    X(merge, "merge", TALLY__LAW_ANY_ORDER) \
    X(unmerge, "unmerge", 0) X(clone, "clone", 0) X(reset, "reset", 0) X(pack, "pack", 0) X(text, "text", 0) \
    X(equal, "equal", TALLY__LAW_ANY_ORDER) X(traced, "traced", 0) X(read, "read", 0) X(forward, "forward", 0) X(alias, "alias", 0) \
    X(sizes, "sizes", 0) X(failure, "failure", 0) X(together, "together", 0) X(one_trace, "one trace", 0) \
    X(weights, "weights", 0) X(nan, "NaN", 0) X(layout, "layout", 0) X(steady, "steady", 0) \
    X(memory, "memory", TALLY__LAW_ONCE) X(threads, "threads", TALLY__LAW_ONCE | TALLY__LAW_ANY_ORDER)
enum { TALLY__LAW_SPLITS = 1, TALLY__LAW_ONCE = 2, TALLY__LAW_ANY_ORDER = 4 };   /* not with batch; in one case of a sort; not with a LAST state */
#define TALLY__LAW_DECLARED(id, name, flags) void tally__law_##id(tally__trial *c);
TALLY__LAWS(TALLY__LAW_DECLARED)

/* a function of a body; NULL once the trial has failed */
typedef struct tally__body_user {
    int           way, n;                    /* what the body does; operands */
    tally_metric *captured;
    tally_node    x[TALLY__SORT_OPERANDS + 1];
} tally__body_user;
void tally__update_recorded(tally_trace *t, void *user);             /* (operands, metric) -> metric */
/* a call with a batch and metrics */
void tally__call_body(tally__trial *c, tally_function *f, const tally__batch *b, tally_metric *const *m, int n,
                      const tally_slot *out, int n_out);
#endif
