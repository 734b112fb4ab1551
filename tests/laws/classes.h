/* classes: every class of the library, with and without each option, and two own ones, as rows of one table: how to make it, what
 * it eats. The laws go over the table and name no class: a new one is under them by its row in metric.def. */
#ifndef TALLY_TESTS_CLASSES_H
#define TALLY_TESTS_CLASSES_H

#include "../support.h"
#include "../../src/selftest/selftest.h"
#include "oracle.h"

typedef struct class_row {
    const char   *name;             /* of a class of the library: the text that makes it */
    tally_metric *(*make)(const struct class_row *row, tally_context *c, int32_t nan, tally_error *err);
    tally__sort_id eats;
    bool          batch;            /* depends on how the samples were split */
} class_row;

extern const class_row *class_table;
extern int              class_count;

/* row->make, as a tally_selftest_make: user is the row */
tally_metric *class_make(void *user, tally_context *c, int32_t nan, tally_error *err);

/* random operands of n samples; the float ones are of this dtype. WEIGHT_ANY: also one weight per sample */
typedef enum weighting { WEIGHT_NONE, WEIGHT_ANY } weighting;
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
