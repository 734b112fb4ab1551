/* classes: every class of the library, with and without each option, and two own ones, as rows of one table: how to make it, what
 * it eats. The laws go over the table and name no class: a new one is under them by its row in metric.def. */
#ifndef TALLY_TESTS_CLASSES_H
#define TALLY_TESTS_CLASSES_H

#include "../support.h"
#include "oracle.h"

typedef enum diet {
    DIET_VALUES,        /* [n] */
    DIET_ROWS,          /* [n, 4] */
    DIET_PAIRS,         /* [n], [n] */
    DIET_PAIR_ROWS,     /* [n, 4], [n, 4] */
    DIET_COUNTS,        /* [n] 0, 1, ..., [n] above 0 */
    DIET_COUNT_ROWS,    /* [n, 4] the same */
    DIET_BINARY,        /* [n] 0 or 1, [n] in [0, 1] */
    DIET_BINARY_ROWS,   /* [n, 4] 0 or 1, [n, 4] in [0, 1] */
    DIET_ONE_HOT,       /* [n, 4] one-hot, [n, 4] scores */
    DIET_SPARSE,        /* [n] ids 0 .. 3, [n, 4] in (0, 1) */
    DIET_LABELS,        /* [n] ids 0 .. 3, [n] ids */
    DIET_HOT_LABELS     /* [n, 4] one-hot, [n] ids 0 .. 3 */
} diet;

typedef struct class_row {
    const char   *name;             /* of a class of the library: the text that makes it */
    tally_metric *(*make)(const struct class_row *row, tally_context *c, tally_error *err);
    diet          eats;
    bool          batch;            /* depends on how the samples were split */
} class_row;

extern const class_row *class_table;
extern int              class_count;

bool class_sized_late(const class_row *row);   /* a state takes its size from the first batch */
bool class_counts(const class_row *row);       /* a state counts values, whatever their weight: COUNT */

/* the same metric with another NaN policy; NULL for an own class */
tally_metric *class_with_policy(const class_row *row, const char *nan, tally_error *err);
bool class_same_states(const tally_metric *a, const tally_metric *b);          /* the class's states: not the count of what was skipped */

/* random operands of n samples; the float ones are of this dtype. weight: also one weight per sample.  Returns how many operands. */
typedef enum weighting { WEIGHT_NONE, WEIGHT_ANY, WEIGHT_ONE, WEIGHT_FOUR } weighting;
typedef struct meal {
    int    n;                       /* operands, the weight included */
    array *operand[3];
} meal;
meal meal_make(const class_row *row, test_rng *r, pool *p, int64_t n, int dtype, weighting w);
/* rows at[0 .. n-1] of a meal */
meal meal_rows(const meal *m, pool *p, const int64_t *at, int64_t n);
tally_status meal_update(tally_metric *m, const meal *f, tally_error *err);

typedef struct bytes {
    unsigned char *at;
    size_t         n;
} bytes;
bytes class_pack(pool *p, const tally_metric *m);
bool  bytes_equal(bytes a, bytes b);

#endif
