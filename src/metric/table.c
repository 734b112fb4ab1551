/* table: metric.def becomes the table of classes, the lookup by name and the constructors. A constructor is its row, its
 * options over the defaults, and its family's maker. */
#include "metric.h"

enum { UP = 1, DOWN = -1, NONE = 0, SPLIT = 0, BATCH = 1 };

#define SUM_STATE(name) { name, TALLY_STATE_SUM, 0, { 0, 0 } }
static const tally_state_spec states_TOTAL_COUNT[] = { SUM_STATE("total"), SUM_STATE("count") };
static const tally_state_spec states_TOTAL[] = { SUM_STATE("total") };
static const tally_state_spec states_TP_FP[] = { SUM_STATE("true_positives"), SUM_STATE("false_positives") };
static const tally_state_spec states_TP_FN[] = { SUM_STATE("true_positives"), SUM_STATE("false_negatives") };

const tally__metric_row tally__metric_table[TALLY__METRICS] = {
#define METRIC(keras, constructor, family, n_operands, states, result, direction, batch, formula)                                  \
    { #keras, #constructor, #family, formula, n_operands, (int32_t)TALLY__COUNT(states_##states), direction, batch,                 \
      states_##states, tally__update_##constructor, tally__result_##result },
#include "metric.def"
#undef METRIC
};

const tally__metric_row *tally__metric_row_of(const char *name)
{
    for (int i = 0; name && i < TALLY__METRICS; i++)
        if (!strcmp(tally__metric_table[i].keras_name, name) || !strcmp(tally__metric_table[i].name, name))
            return &tally__metric_table[i];
    return NULL;
}

tally_status tally__option_wrong(const tally__metric_row *row, tally_error *err, const char *format, ...)
{
    char        line[160];
    tally__text text = { line, sizeof line, 0 };
    va_list     list;
    va_start(list, format);
    tally__put_v(&text, format, list);
    va_end(list);
    return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: options.%s", row->keras_name, line);
}

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

#define INIT_mean TALLY_MEAN_OPTIONS_INIT
#define INIT_binary_accuracy TALLY_BINARY_ACCURACY_OPTIONS_INIT
#define INIT_threshold TALLY_THRESHOLD_OPTIONS_INIT
#define INIT_crossentropy TALLY_CROSSENTROPY_OPTIONS_INIT
#define METRIC(keras, constructor, family, ...)                                                             \
    tally_metric *tally_##constructor##_new(const tally_##family##_options *o, tally_error *err)            \
    {                                                                                                       \
        const tally__metric_row  *row = &tally__metric_table[TALLY__METRIC_##keras];                        \
        tally_##family##_options own = INIT_##family;                                                       \
        return copy_options(row, &own, o, err) ? tally__make_##family(row, &own, err) : NULL;               \
    }
#include "metric.def"
#undef METRIC

tally_metric *tally__metric_from_row(const tally__metric_row *row, const void *config, size_t config_size, int n_thresholds,
                                     const tally_metric_options *given, tally_error *err)
{
    tally_state_spec     states[2];
    tally_metric_options head = *given;
    tally_metric_class   k = { sizeof k, row->keras_name, row->n_operands, row->n_states, n_thresholds > 1, row->direction, states,
                               row->update, row->result };
    assert((size_t)row->n_states <= TALLY__COUNT(states));
    memcpy(states, row->states, (size_t)row->n_states * sizeof *states);
    for (int i = 0; i < row->n_states; i++) {
        states[i].rank = n_thresholds > 1;
        states[i].shape[0] = n_thresholds > 1 ? n_thresholds : 0;
    }
    head.size = sizeof head;
    return tally__metric_make(&k, config, config_size, &head, true, row->name, err);
}
