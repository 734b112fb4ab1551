/* mean: Mean and Sum: values straight into the state, in their own dtype. */
#include "metric.h"

tally_metric *tally__make_mean(const tally__metric_row *row, const tally_mean_options *o, tally_error *err)
{
    const tally__mean_config config = { o->reduction, 0 };
    if (o->reduction != TALLY_REDUCE_SAMPLES && o->reduction != TALLY_REDUCE_ELEMENTS) {
        tally__option_wrong(row, err, "reduction, expected TALLY_REDUCE_SAMPLES or _ELEMENTS, found %d", (int)o->reduction);
        return NULL;
    }
    return tally__metric_from_row(row, &config, sizeof config, 1, (const tally_metric_options *)(const void *)o, err);
}

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
