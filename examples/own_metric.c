/* A metric of your own, and its self-test: one call puts it under all laws of the library. */
#include <stdio.h>
#include <tally/selftest.h>
#include <tally/tally.h>

/* Expected calibration error (Naeini et al., 2015): in ten bins of the scores, how far their mean lies from the share of positive
 * labels; the mean over all samples. From labels of 0 and 1, and scores in [0, 1]. */
enum { SCORES, POSITIVES, COUNT, BINS = 10 };
static const tally_state_spec states[] = {
    { "scores", TALLY_STATE_SUM, 1, { BINS, 0 } }, { "positives", TALLY_STATE_SUM, 1, { BINS, 0 } },
    { "count", TALLY_STATE_SUM, 0, { 0, 0 } } };

static void update(tally_trace *t, const tally_update *u)
{
    tally_node y = u->operand[0], p = u->operand[1];
    tally_node bin = tally_minimum(tally_cast(tally_mul(p, tally_num(BINS)), TALLY_I32), tally_num(BINS - 1));
    tally_accumulate_at(t, u, SCORES, 0, bin, p, u->weight);
    tally_accumulate_at(t, u, POSITIVES, 0, bin, y, u->weight);
    tally_accumulate(t, u, COUNT, tally_ones_like(p), u->weight);
}

static tally_node result(tally_trace *t, const tally_node *s, const void *config)
{
    (void)t; (void)config;
    return tally_div_no_nan(tally_reduce_sum(tally_abs(tally_sub(s[SCORES], s[POSITIVES]))), s[COUNT]);
}

static const tally_metric_class calibration_error = { sizeof(tally_metric_class), "CalibrationError", 2, 3, 0, -1,
    states, update, result };

int main(void)
{
    const float            label[] = { 0, 0, 1, 0, 1, 1, 1, 0 }, score[] = { .1f, .15f, .3f, .35f, .6f, .65f, .95f, .9f };
    tally_tensor           y = tally_vector(label, 8), p = tally_vector(score, 8);
    tally_error            err;
    tally_selftest_options o = TALLY_SELFTEST_OPTIONS_INIT;
    tally_metric          *m = tally_metric_new(&calibration_error, NULL, 0, NULL, &err);

    if (!m || tally_metric_update_state(m, &y, &p)) return fprintf(stderr, "no update\n"), 1;
    printf("calibration error: %.4f\n", tally_metric_result(m));
    tally_metric_release(m);

    o.operands = TALLY_OPERANDS_BINARY;
    if (tally_metric_selftest(&calibration_error, NULL, 0, &o, &err)) return puts(err.text), 1;
    puts("all laws hold");
    return 0;
}
