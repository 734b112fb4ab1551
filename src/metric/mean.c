/* mean: Mean and Sum: values straight into the state, in their own dtype. */
#include "metric.h"

void tally__update_mean(tally_trace *t, const tally_update *u)
{
    const tally__mean_config *c = u->config;
    tally__sample_mean(t, u, u->operand[0], tally__absent(), c->reduction);
}

/* The sum of the rows' sums is the sum of all: no row is rounded on the way. */
void tally__update_sum(tally_trace *t, const tally_update *u)
{
    tally_accumulate(t, u, TALLY__TOTAL, u->operand[0], u->weight);
}
