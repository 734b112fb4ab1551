/* What the benches of calls and plans share: the bodies that they record, and the end of a run that goes wrong. */
#ifndef BENCH_BODIES_H
#define BENCH_BODIES_H
#include <stdio.h>
#include <stdlib.h>
#include <tally/tally.h>

static inline void must(tally_status s)
{
    if (s) {
        fprintf(stderr, "%s\n", tally_status_name(s));
        exit(1);
    }
}

static inline void mean_body(tally_trace *t, void *user)
{
    (void)user;
    tally_update_state(t, tally_arg_metric(t, 1), tally_arg(t, 0));
}

/* so many metrics over the same two operands */
static inline void pairs_body(tally_trace *t, void *user)
{
    tally_node y = tally_arg(t, 0), p = tally_arg(t, 1);
    for (int i = 0; i < *(const int *)user; i++)
        tally_update_state(t, tally_arg_metric(t, 2 + i), y, p);
}

#endif
