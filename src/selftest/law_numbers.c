/* law_numbers: what the operands are: weights, NaN, strides. */
#include "selftest.h"

enum { ROWS = TALLY__TRIAL_ROWS };

static tally__batch unweighted(const tally__trial *c, const tally__batch *f)
{
    tally__batch g = *f;
    g.n = c->sort->n;
    return g;
}

/* A COUNT counts rows, whatever their weight, and a value of a whole batch may forget how much it weighed. */
static void weight_is_copies(tally__trial *c, const tally__batch *plain, const tally_metric *fours)
{
    tally_metric *m = tally__fresh(c);
    for (int k = 0; k < 4; k++)
        tally__eat(c, m, plain);
    if (!c->o->batch && !tally__has_kind(m, TALLY_STATE_COUNT))
        tally__same(c, "a weight of 4 for each row", fours, m);
}

void tally__law_weights(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, 11), plain = unweighted(c, &f), ones = tally__batch_weighed(c, &f, 1, true);
    const tally__batch fours = tally__batch_weighed(c, &f, 4, true), four = tally__batch_weighed(c, &f, 4, false);
    const tally__batch zeros = tally__batch_weighed(c, &f, 0, true);
    tally_metric      *m = tally__fed(c, &plain), *heavy = tally__fed(c, &fours);
    tally__same(c, "a weight of 1 for each row", tally__fed(c, &ones), m);
    weight_is_copies(c, &plain, heavy);
    tally__same(c, "one weight of 4 for all", tally__fed(c, &four), heavy);
    tally__eat(c, m, &zeros);
    tally__same(c, "rows of weight 0 added", m, tally__fed(c, &plain));
}

/* ---- NaN */

/* exactly, though each state is read as a double: what is left when one is taken away from the other is 0 */
static void same_but_for_the_policy(tally__trial *c, const char *what, const tally_metric *got, tally_metric *want)
{
    tally__same_states(c, what, got, want);
    tally_metric *left = tally__copy(c, got), *none = tally__copy(c, want);
    if (c->status || tally_metric_unmerge_state(left, &want, 1, NULL) || tally_metric_unmerge_state(none, &want, 1, NULL))
        return;
    tally__same_states(c, what, left, none);
}

static void skips(tally__trial *c, const tally__batch *bad, const tally__batch *rest)
{
    tally_metric *got = tally__fresh_with(c, c->context[0], TALLY_NAN_SKIP);
    tally_metric *want = tally__fresh_with(c, c->context[1], TALLY_NAN_SKIP);
    tally__eat(c, got, bad);
    tally__eat(c, want, rest);
    same_but_for_the_policy(c, "rows with a NaN skipped", got, want);
    tally__meant(c, c->status || (tally_metric_skipped(got) > 0 && tally_metric_skipped(want) == 0), "rows with a NaN counted",
                 "another number");
}

static void refuses(tally__trial *c, const tally__batch *bad, const tally__batch *rest)
{
    tally_metric      *m = tally__fresh_with(c, c->context[0], TALLY_NAN_ERROR), *want = tally__fresh(c);
    const tally__bytes before = tally__packed(c, m);
    const tally_status s = c->status ? TALLY_FAILED_PRECONDITION : tally__give(m, bad, NULL);
    tally__meant(c, s == TALLY_FAILED_PRECONDITION, "a NaN to be refused as the policy says", tally_status_name(s));
    tally__as_before(c, "after a NaN was refused", m, before);
    tally__eat(c, m, rest);
    tally__eat(c, want, rest);
    tally__same_states(c, "updated after a NaN was refused", m, want);
}

void tally__law_nan(tally__trial *c)
{
    const tally__batch f = tally__batch_make(c, ROWS);
    int64_t            good[ROWS], n = 0;
    for (int64_t k = 0; k < ROWS; k++)
        if (!tally__is_bad(k))
            good[n++] = k;
    const tally__batch rest = tally__batch_rows(c, &f, good, n);
    for (int i = 0; i < f.n && !c->status; i++) {
        if (!tally__may_be_nan(&f, i))
            continue;
        const tally__batch bad = tally__batch_with_nan(c, &f, i);
        if (!c->o->batch)
            skips(c, &bad, &rest);
        refuses(c, &bad, &rest);
    }
}

/* ---- strides */
void tally__law_layout(tally__trial *c)
{
    for (int turn = 0; turn < 12 && !c->status; turn++) {
        tally__batch       f = tally__batch_make(c, 6);
        const tally__batch g = tally__batch_scattered(c, &f);
        tally__same(c, "operands of other strides", tally__fed(c, &g), tally__fed(c, &f));
    }
}
