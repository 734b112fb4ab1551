/** selftest: a metric class of your own under all laws of the library, by one call, for your tests.
 *
 *      static const tally_metric_class brier = { sizeof(tally_metric_class), "Brier", 2, ... };
 *      tally_selftest_options o = TALLY_SELFTEST_OPTIONS_INIT;
 *      tally_error            err;
 *      o.operands = TALLY_OPERANDS_BINARY;
 *      if (tally_metric_selftest(&brier, NULL, 0, &o, &err)) return puts(err.text), 1;
 *
 *  A library of its own, tally-selftest, which <tally/tally.h> does not include. The laws, in the order in which they are tried;
 *  all compare bytes, none has a tolerance:
 *
 *      zero rows   an update with 0 rows is no error and changes nothing
 *      order       the rows of a batch in any order                                                      (not with batch)
 *      split       the batch cut into any batches, empty ones too                                        (not with batch)
 *      merge       batches given to several metrics in any order, merged in any tree; a metric merged with itself
 *      unmerge     what was merged can be taken away; a class with a MIN, MAX or LAST state refuses
 *      clone       clones and snapshots have the state, and keep to themselves
 *      reset       after a reset it is as a new one
 *      pack        bytes come back as the same metric, also over another state
 *      text        the text of a metric makes it anew; where tally_metric_to_text has one
 *      equal       tally_metric_equal and the fingerprint say what the bytes say
 *      traced      eager, recorded, inlined, in a branch, captured, row by row in both forms of a loop   (with batch: no rows)
 *      read        update, result, reset, update in one body and in its loop are as eager
 *      forward     an update that gives the value of its batch, outside and in a body, gives that of a new metric
 *      alias       a metric given twice, or given and captured, is as eager
 *      sizes       the sizes of a first batch outlive a reset in the same call
 *      failure     a call that fails after its updates leaves every byte
 *      together    metrics fed in one pass are as fed alone
 *      one trace   any number of rows and any instance take one recording
 *      weights     1 is none, 0 is no row, 4 for all is 4 for each and four copies (COUNT states and batch: no copies)
 *      NaN         a row with a NaN in any operand is left out and counted, or refused, as the policy says
 *      layout      strided, turned and repeated operands are as dense ones
 *      steady      after some updates, results and resets, more of them allocate nothing
 *      memory      each allocation refused in its turn, and all from there on: a status, the state as before; the next try works
 *      threads     updates and calls from several threads at once are as one after the other             (a build with threads)
 *
 *  A class with a LAST state depends on order by what it is: order, merge, equal and threads are not tried on it.
 */
#ifndef TALLY_SELFTEST_H
#define TALLY_SELFTEST_H
#include "metrics.h"
TALLY_BEGIN_DECLS

/** An operand of your own: dtype of its elements, and sizes, behind the rows, of rank - 1 axes. */
#define TALLY_SELFTEST_FLOATS 0           /* float32, float64, float16, bfloat16 in turn */
#define TALLY_SELFTEST_WHOLES (-1)        /* int32, int64, uint8 in turn */
typedef struct tally_selftest_operand {
    int32_t dtype, rank;                  /* rank 1 to TALLY_MAX_RANK, the rows included */
    int64_t shape[TALLY_MAX_RANK - 1];
} tally_selftest_operand;

/** One sample: the numbers of operand i at row[i]. The same for the same seed. */
typedef void (*tally_selftest_sample)(void *user, uint64_t seed, double *const *row);

/** What is tried. Start from the initializer. */
typedef struct tally_selftest_options {
    size_t size;
    uint64_t seed;                        /* another one takes other numbers */
    const char *law;                      /* this one alone; NULL: all */
    int32_t operands;                     /* tally_metric_operands; TALLY_NONE: each sort, of rank 1 and 2, that the class takes */
    int32_t dtype;                        /* of TALLY_SELFTEST_FLOATS; 0: each that the class takes */
    int32_t batch;                        /* 1: the value depends on how samples are split into batches */
    int32_t percent;                      /* of the cases and of the refused allocations, for slow machines; at least one case */
    const tally_selftest_operand *operand;   /* operands of your own, instead of `operands`; with n_operands and sample */
    int32_t n_operands, reserved;
    tally_selftest_sample sample;
    void *user;                           /* of sample */
    uint64_t *bits;                       /* gets a hash of states and results: the same on every machine; NULL: not wanted */
} tally_selftest_options;
#define TALLY_SELFTEST_OPTIONS_INIT { sizeof(tally_selftest_options), 1, NULL, TALLY_NONE, 0, 0, 100, NULL, 0, 0, NULL, NULL, NULL }

/** A metric to be tested, without a sample in it: of this context (NULL: a private one), with this tally_nan_policy. */
typedef tally_metric *(*tally_selftest_make)(void *user, tally_context *c, int32_t nan, tally_error *err);

/** Puts a class under all laws.
 *
 *  In:      k, config   as for tally_metric_new
 *           o           NULL: as the initializer
 *  Returns: TALLY_OK
 *           FAILED_PRECONDITION  a law does not hold: the text names class, law, what was expected and what was found, the seed and
 *                                the case: the sort of the operands, their float dtype, with weights or without
 *           INVALID_ARGUMENT     options, a class that tally_metric_new refuses, operands that it does not take (the text is what
 *                                it says to the last ones) or that leave its states as they are
 *           RESOURCE_EXHAUSTED   no memory for the test itself
 *  Threads: any; the class's bodies run on up to four
 *  Cost:    some tenths of a second for a sort of operands
 */
TALLY_API TALLY_CHECKED tally_status tally_metric_selftest(const tally_metric_class *k, const void *config, size_t config_size,
                                                           const tally_selftest_options *o, tally_error *err);

/** The same of whatever makes metrics: a constructor, a text. All must be of one class and configuration, but for the policy.
 *
 *  Returns: as tally_metric_selftest
 *  Threads: any; make is called on the calling thread only
 */
TALLY_API TALLY_CHECKED tally_status tally_metric_selftest_made(tally_selftest_make make, void *user, const tally_selftest_options *o,
                                                                tally_error *err);
TALLY_END_DECLS
#endif
