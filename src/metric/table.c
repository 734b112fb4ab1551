/* table: metric.def becomes the table of classes, the lookup by name and the constructors. A constructor is its row and
 * its options over the defaults. */
#include "metric.h"

enum { UP = 1, DOWN = -1, NONE = 0, SPLIT = 0, BATCH = 1 };

#define OUTPUTS(name) { name, TALLY_STATE_SUM, 1, { TALLY_DIM_OPERAND(1, 1), 0 } }     /* one for each column of y_pred */
#define SUM_STATE(name) { name, TALLY_STATE_SUM, 0, { 0, 0 } }
static const tally_state_spec states_TOTAL_COUNT[] = { SUM_STATE("total"), SUM_STATE("count") };
static const tally_state_spec states_TOTAL[] = { SUM_STATE("total") };
static const tally_state_spec states_R2[] = {
    { "num_samples", TALLY_STATE_COUNT, 0, { 0, 0 } }, OUTPUTS("squared_sum"), OUTPUTS("sum"), OUTPUTS("residual"), OUTPUTS("count") };
static const tally_state_spec states_TP_FP[] = { SUM_STATE("true_positives"), SUM_STATE("false_positives") };
static const tally_state_spec states_TP_FN[] = { SUM_STATE("true_positives"), SUM_STATE("false_negatives") };
static const tally_state_spec states_ACCUMULATOR[] = { SUM_STATE("accumulator") };
static const tally_state_spec states_CURVE[] = { SUM_STATE("histogram") };
static const tally_state_spec states_CLASS_COUNTS[] = {
    OUTPUTS("true_positives"), OUTPUTS("false_positives"), OUTPUTS("intermediate_weights") };
static const tally_state_spec states_CONFUSION[] = { { "total_confusion_matrix", TALLY_STATE_SUM, 2, { 1, 1 } } };

const tally__metric_row tally__metric_table[TALLY__METRICS] = {
#define METRIC(keras, constructor, name, others, family, operands, states, result, direction, batch, formula)                        \
    { #keras, #name, others, formula, TALLY__FAMILY_##family, TALLY_OPERANDS_##operands, (int32_t)TALLY__COUNT(states_##states),      \
      direction, batch, states_##states, tally__update_##constructor, tally__result_##result },
#include "metric.def"
#undef METRIC
};

/* ---- names */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_upper(char c)
{
    return c != lower(c);
}

static bool is_small(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Keras's snake case: a line before a capital that a small letter or digit follows, or a small letter precedes: IoU is io_u, AUC auc. */
static bool is_snake_of(const char *class_name, const char *name)
{
    for (const char *c = class_name; *c; c++) {
        const bool parts = c > class_name && is_upper(*c) && (is_small(c[1]) || (is_small(c[-1]) && c[-1] > '9'));
        if (parts && *name++ != '_')
            return false;
        if (*name++ != lower(*c))
            return false;
    }
    return !*name;
}

static bool is_among(const char *names, const char *name)
{
    const size_t n = strlen(name);
    for (; n && (names = strstr(names, name)); names += n)
        if ((names[n] == 0 || names[n] == ' ') && !strchr(name, ' '))
            return true;
    return false;
}

static bool has_name(const tally__metric_row *row, const char *name)
{
    return !strcmp(row->keras_name, name) || !strcmp(row->name, name) || is_among(row->others, name) || is_snake_of(row->keras_name, name);
}

const tally__metric_row *tally__metric_row_of(const char *name)
{
    for (int i = 0; name && i < TALLY__METRICS; i++)
        if (has_name(&tally__metric_table[i], name))
            return &tally__metric_table[i];
    return NULL;
}

/* ---- the list that a program walks */
int tally_metric_classes(void)
{
    return TALLY__METRICS;
}

tally_status tally_metric_describe(const char *name, int i, tally_metric_description *out)
{
    const tally__metric_row *row = name ? tally__metric_row_of(name) : i >= 0 && i < TALLY__METRICS ? &tally__metric_table[i] : NULL;
    if (!row || !out)
        return TALLY_INVALID_ARGUMENT;
    *out = (tally_metric_description){ row->keras_name, row->name, row->others, row->formula, row->operands, row->direction, row->batch, 0 };
    for (const tally__option *o = NULL; (o = tally__option_next(row, o)); out->n_options++)
        continue;
    return TALLY_OK;
}

const tally_metric_option *tally_metric_option_at(const char *name, int i)
{
    const tally__metric_row *row = tally__metric_row_of(name);
    const tally__option     *o = row && i >= 0 ? tally__option_next(row, NULL) : NULL;
    for (; o && i > 0; i--)
        o = tally__option_next(row, o);
    return o ? &o->face : NULL;
}

/* ---- constructors */

/* Both begin with a size: what the caller's lacks keeps its default, what it has beyond is newer than this library. */
static bool copy_options(const tally__metric_row *row, void *to, const void *from, tally_error *err)
{
    size_t have, given;
    if (!from)
        return true;
    memcpy(&have, to, sizeof have);
    memcpy(&given, from, sizeof given);
    if (given < sizeof(tally_metric_options)) {
        tally__option_wrong(row, err, "size, expected %z as the initializer sets it, found %z", have, given);
        return false;
    }
    memcpy(to, from, TALLY__MIN(have, given));
    memcpy(to, &have, sizeof have);
    return true;
}

#define METRIC(keras, constructor, name, others, family, ...)                                               \
    tally_metric *tally_##constructor##_new(const tally_##family##_options *o, tally_error *err)            \
    {                                                                                                       \
        const tally__metric_row  *row = &tally__metric_table[TALLY__METRIC_##keras];                        \
        tally_##family##_options own;                                                                       \
        memcpy(&own, tally__family_table[TALLY__FAMILY_##family].standard, sizeof own);                     \
        return copy_options(row, &own, o, err) ? tally__metric_from_options(row, &own, err) : NULL;         \
    }
#include "metric.def"
#undef METRIC
