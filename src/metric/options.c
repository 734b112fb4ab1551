/* options: options.def becomes the tables of families and options. From them, for every class: whether what was given may be,
 * and the configuration: the options as plain numbers without pointers, lists behind, by which metrics are compared. */
#include "metric.h"

#include <float.h>
#include <math.h>

#define ALL      UINT64_MAX
#define ONLY(id) (UINT64_C(1) << TALLY__METRIC_##id)
_Static_assert(TALLY__METRICS <= 64, "a class is one bit in an option's row");

const tally__option tally__option_table[] = {
#define FAMILY(...)
#define ROW(family, name, type, words, least, most, standard, example, classes, count)                                                 \
    { { #name, TALLY__TYPE_##type == TALLY__TYPE_CHOICE ? words : #type, standard, example }, TALLY__FAMILY_##family, TALLY__TYPE_##type,   \
      offsetof(tally_##family##_options, name), count, offsetof(tally__##family##_config, name), least, most, classes },
#define OPTION(family, name, ...) ROW(family, name, __VA_ARGS__, 0)
#define LIST(family, name, ...)   ROW(family, name, __VA_ARGS__, offsetof(tally_##family##_options, n_##name))
#include "options.def"
#undef FAMILY
#undef OPTION
#undef LIST
};
enum { OPTION_ROWS = TALLY__COUNT(tally__option_table) };

#define OPTION(...)
#define LIST(...)
#define FAMILY(name, initializer, ...) static const tally_##name##_options standard_##name = initializer;
#include "options.def"
#undef FAMILY

const tally__family tally__family_table[TALLY__FAMILIES] = {
#define FAMILY(name, initializer, settle) { &standard_##name, sizeof(tally_##name##_options), sizeof(tally__##name##_config), settle },
#include "options.def"
#undef FAMILY
};
#undef OPTION
#undef LIST

const tally__option *tally__option_next(const tally__metric_row *row, const tally__option *o)
{
    const tally__option *end = tally__option_table + OPTION_ROWS;
    for (o = o ? o + 1 : tally__option_table; o < end; o++)
        if (o->family == row->family && (o->classes >> (row - tally__metric_table) & 1))
            return o;
    return NULL;
}

tally_status tally__option_wrong(const tally__metric_row *row, tally_error *err, const char *format, ...)
{
    char        line[220];
    tally__text text = { line, sizeof line, 0 };
    va_list     list;
    va_start(list, format);
    tally__put_v(&text, format, list);
    va_end(list);
    return tally__fail(err, TALLY_INVALID_ARGUMENT, 0, "%s: options.%s", row->keras_name, line);
}

/* ---- what an option holds */
size_t tally__option_size(const tally__option *o)
{
    const bool real = o->type == TALLY__TYPE_REAL || o->type == TALLY__TYPE_OPTIONAL_REAL || o->type == TALLY__TYPE_REALS;
    return real ? sizeof(double) : sizeof(int32_t);
}

bool tally__option_may_be_none(const tally__option *o)
{
    return o->type == TALLY__TYPE_OPTIONAL || o->type == TALLY__TYPE_OPTIONAL_REAL;
}

bool tally__option_is_list(const tally__option *o)
{
    return o->type == TALLY__TYPE_REALS || o->type == TALLY__TYPE_WHOLES;
}

static double number_at(const tally__option *o, const void *p)
{
    double  v;
    int32_t whole;
    if (tally__option_size(o) == sizeof v) {
        memcpy(&v, p, sizeof v);
        return v;
    }
    memcpy(&whole, p, sizeof whole);
    return whole;
}

static int32_t count_of(const tally__option *o, const void *options)
{
    int32_t n;
    memcpy(&n, (const char *)options + o->count_at, sizeof n);
    return n;
}

static const char *list_of(const tally__option *o, const void *options)
{
    const char *list;
    memcpy(&list, (const char *)options + o->options_at, sizeof list);
    return list;
}

/* ---- checks */
static void put_bounds(tally__text *t, const tally__option *o)
{
    if (o->type == TALLY__TYPE_CHOICE)
        tally__put(t, "one of %s", o->face.type);
    else if (o->least == DBL_TRUE_MIN && o->most == DBL_MAX)
        tally__put(t, "more than 0, and finite");
    else if (o->least == DBL_TRUE_MIN)
        tally__put(t, "more than 0, and %g at most", o->most);
    else if (o->least == -INFINITY)
        tally__put(t, "a number");
    else if (o->least == -DBL_MAX)
        tally__put(t, "a finite number");
    else if (o->most >= INT32_MAX)
        tally__put(t, "%g or more", o->least);
    else
        tally__put(t, "%g to %g", o->least, o->most);
    if (tally__option_may_be_none(o))
        tally__put(t, ", or TALLY_NONE");
}

/* place: in a list; below 0: a value of its own */
static tally_status check_bounds(const tally__metric_row *row, const tally__option *o, double v, int place, tally_error *err)
{
    char        expected[128], found[32];
    tally__text text = { expected, sizeof expected, 0 }, value = { found, sizeof found, 0 };
    if ((v >= o->least && v <= o->most) || (tally__option_may_be_none(o) && v == TALLY_NONE))
        return TALLY_OK;
    put_bounds(&text, o);
    tally__put(&value, v == TALLY_NONE ? "none" : "%g", v);
    if (place >= 0)
        return tally__option_wrong(row, err, "%s[%d], expected %s, found %s", o->face.name, place, expected, found);
    return tally__option_wrong(row, err, "%s, expected %s, found %s", o->face.name, expected, found);
}

static tally_status check_list(const tally__metric_row *row, const tally__option *o, const void *options, tally_error *err)
{
    const char  *list = list_of(o, options);
    const int    n = count_of(o, options);
    tally_status status = TALLY_OK;
    if (!list != (n == 0) || n < 0)
        return tally__option_wrong(row, err, "%s, expected a list and its length, or neither, found %s and %d", o->face.name,
                                   list ? "a list" : "NULL", n);
    for (int i = 0; i < n && !status; i++)
        status = check_bounds(row, o, number_at(o, list + (size_t)i * tally__option_size(o)), i, err);
    return status;
}

/* A class that lacks an option of its family takes the default alone. */
static tally_status check_lacking(const tally__metric_row *row, const tally__option *o, const void *options, tally_error *err)
{
    const char *standard = tally__family_table[row->family].standard;
    const void *given = (const char *)options + o->options_at;
    if (!memcmp(given, standard + o->options_at, tally__option_is_list(o) ? sizeof(void *) : tally__option_size(o)))
        return TALLY_OK;
    return tally__option_wrong(row, err, "%s, expected %s (the class has no such option), found %g", o->face.name,
                               strcmp(o->face.standard, "None") ? o->face.standard : "TALLY_NONE",
                               tally__option_is_list(o) ? count_of(o, options) : number_at(o, given));
}

static tally_status check_options(const tally__metric_row *row, const void *options, tally_error *err)
{
    tally_status status = TALLY_OK;
    for (const tally__option *o = tally__option_table; o < tally__option_table + OPTION_ROWS && !status; o++) {
        if (o->family != row->family)
            continue;
        if (!(o->classes >> (row - tally__metric_table) & 1))
            status = check_lacking(row, o, options, err);
        else if (tally__option_is_list(o))
            status = check_list(row, o, options, err);
        else if (o->type != TALLY__TYPE_FLAG)
            status = check_bounds(row, o, number_at(o, (const char *)options + o->options_at), -1, err);
    }
    return status;
}

/* ---- the configuration */
static size_t list_bytes(const tally__option *o, const void *options)
{
    return tally__option_is_list(o) ? ((size_t)count_of(o, options) * tally__option_size(o) + 7) / 8 * 8 : 0;
}

static size_t config_bytes(const tally__metric_row *row, const void *options)
{
    size_t n = (tally__family_table[row->family].config_size + 7) / 8 * 8;
    for (const tally__option *o = tally__option_table; o < tally__option_table + OPTION_ROWS; o++)
        if (o->family == row->family)
            n += list_bytes(o, options);
    return n;
}

static void fill_list(char *config, size_t at, const tally__option *o, const void *options)
{
    const tally__list list = { count_of(o, options), (int32_t)at };
    memcpy(config + o->config_at, &list, sizeof list);
    if (list.n)
        memcpy(config + at, list_of(o, options), (size_t)list.n * tally__option_size(o));
}

static void fill_value(char *to, const tally__option *o, const void *from)
{
    const int32_t flag = number_at(o, from) != 0;
    memcpy(to, o->type == TALLY__TYPE_FLAG ? &flag : from, tally__option_size(o));
}

static void fill_config(const tally__metric_row *row, char *config, const void *options)
{
    size_t at = (tally__family_table[row->family].config_size + 7) / 8 * 8;
    for (const tally__option *o = tally__option_table; o < tally__option_table + OPTION_ROWS; o++) {
        if (o->family != row->family)
            continue;
        if (tally__option_is_list(o)) {
            fill_list(config, at, o, options);
            at += list_bytes(o, options);
        } else {
            fill_value(config + o->config_at, o, (const char *)options + o->options_at);
        }
    }
}

/* ---- the metric */
static tally_metric *make_settled(const tally__metric_row *row, char *config, size_t size, const tally_metric_options *head, tally_error *err)
{
    const tally__family *family = &tally__family_table[row->family];
    tally_state_spec     states[TALLY__CLASS_STATES];
    tally_metric_class   k = { sizeof k, row->keras_name, tally__operands_taken(row), row->n_states, 0, row->direction, states, row->update,
                               row->result };
    memcpy(states, row->states, (size_t)row->n_states * sizeof *states);
    if (family->settle && family->settle(row, config, &k, states, err))
        return NULL;
    return tally__metric_make(&k, config, size, head, (tally__origin){ true, NULL }, row->name, err);
}

tally_metric *tally__metric_from_options(const tally__metric_row *row, const void *options, tally_error *err)
{
    tally_metric_options head;
    memcpy(&head, options, sizeof head);
    head.size = sizeof head;
    if (check_options(row, options, err))
        return NULL;
    tally_context *x = tally__context_for(head.context, err);
    if (!x)
        return NULL;
    const size_t  size = config_bytes(row, options);
    char         *config = tally__zalloc(x, size);
    tally_metric *m = NULL;
    head.context = x;
    if (config) {
        fill_config(row, config, options);
        m = make_settled(row, config, size, &head, err);
        tally__free(x, config, size);
    } else {
        tally__fail_memory(err, size);
    }
    tally_context_release(x);
    return m;
}
