/* wrapper: MeanMetricWrapper: a mean over samples of what a user's body makes of labels and predictions. The body stands in the class
 * beside the library's own two, and so does its configuration. */
#include "metric.h"

tally_metric *tally_mean_metric_wrapper_new(tally_sample_values body, const void *config, size_t config_size, const tally_metric_options *o,
                                            tally_error *err)
{
    static const tally_state_spec states[] = { { "total", TALLY_STATE_SUM, 0, { 0, 0 } }, { "count", TALLY_STATE_SUM, 0, { 0, 0 } } };
    const tally_metric_class      k = { sizeof k, "MeanMetricWrapper", 2, 2, 0, 0, states, tally__update_wrapper, tally__result_ratio };
    if (!body) {
        tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "MeanMetricWrapper: body, expected one, found NULL");
        return NULL;
    }
    return tally__metric_make(&k, config, config_size, o, (tally__origin){ false, body }, "mean_metric_wrapper", err);
}

/* What the body gives has the samples on its first axis; a scalar is one. */
void tally__update_wrapper(tally_trace *t, const tally_update *u)
{
    tally_node v = u->inside->k->origin.body(t, u->operand[0], u->operand[1], u->config);
    if (tally__operands_of(t, &v, 1, 0, "MeanMetricWrapper", u->inside->place))
        tally__sample_mean(t, u, v, tally__absent(), TALLY_REDUCE_SAMPLES);
}
