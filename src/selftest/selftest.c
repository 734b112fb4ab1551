/* selftest: which cases there are (sorts of operands that the class takes, float dtypes, with weights and without), and the laws
 * over each. */
#include "selftest.h"

#include <stdio.h>

typedef struct law_row {
    const char *name;
    int         flags;
    void      (*check)(tally__trial *c);
} law_row;
static const law_row law[] = {
#define LAW_ROW(id, name, flags) { name, flags, tally__law_##id },
    TALLY__LAWS(LAW_ROW)
};
enum { LAWS = sizeof law / sizeof law[0], DTYPES = 4, CASES_MOST = TALLY__SORTS * DTYPES * 2 };
static const tally_dtype float_dtype[DTYPES] = { TALLY_F32, TALLY_F64, TALLY_F16, TALLY_BF16 };

typedef struct a_case {
    const tally__sort *sort;
    tally_dtype        dtype;
    bool               weighted;
} a_case;
typedef struct cases {
    a_case      at[CASES_MOST];
    int         n;
    tally_error why;                     /* of operands that were not taken */
    bool        unmoved;                 /* they were, but reached no state */
} cases;

/* ---- options */
static tally_status wrong_text(tally_error *err, const char *option, const char *expected, const char *found)
{
    if (err) {
        *err = (tally_error){ TALLY_INVALID_ARGUMENT, -1, "" };
        snprintf(err->text, sizeof err->text, "selftest: options.%s, expected %s, found %.100s", option, expected, found);
    }
    return TALLY_INVALID_ARGUMENT;
}

static tally_status wrong_option(tally_error *err, const char *option, const char *expected, long long found)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", found);
    return wrong_text(err, option, expected, text);
}

static bool is_law(const char *name)
{
    for (int i = 0; i < LAWS; i++)
        if (!strcmp(law[i].name, name))
            return true;
    return false;
}

static tally_status check_operand(const tally_selftest_operand *s, tally_error *err)
{
    if (s->dtype < TALLY_SELFTEST_WHOLES || s->dtype > TALLY_F64)
        return wrong_option(err, "operand.dtype", "TALLY_SELFTEST_FLOATS, _WHOLES or a dtype", s->dtype);
    if (s->rank < 1 || s->rank > TALLY_MAX_RANK)
        return wrong_option(err, "operand.rank", "1 to 6, the rows included", s->rank);
    for (int a = 1; a < s->rank; a++)
        if (s->shape[a - 1] < 1 || s->shape[a - 1] > 1 << 16)
            return wrong_option(err, "operand.shape", "sizes of 1 to 65536", (long long)s->shape[a - 1]);
    return TALLY_OK;
}

static tally_status check_own(const tally_selftest_options *o, tally_error *err)
{
    if (!o->operand != !o->sample)
        return wrong_option(err, o->sample ? "operand" : "sample", "both of operand and sample, or none", 1);
    if (o->operand && (o->n_operands < 1 || o->n_operands > TALLY__SORT_OPERANDS))
        return wrong_option(err, "n_operands", "1 to 4", o->n_operands);
    for (int i = 0; o->operand && i < o->n_operands; i++)
        if (check_operand(&o->operand[i], err))
            return TALLY_INVALID_ARGUMENT;
    return TALLY_OK;
}

static tally_status check_options(const tally_selftest_options *o, tally_error *err)
{
    if (o->size < sizeof *o)
        return wrong_option(err, "size", "what the initializer sets", (long long)o->size);
    if (o->operands != TALLY_NONE && (o->operands < 0 || o->operands > TALLY_OPERANDS_IDS))
        return wrong_option(err, "operands", "one of tally_metric_operands, or TALLY_NONE", o->operands);
    if (o->dtype && (o->dtype < TALLY_F16 || o->dtype > TALLY_F64))
        return wrong_option(err, "dtype", "0 or a float dtype", o->dtype);
    if (o->percent < 1 || o->percent > 100)
        return wrong_option(err, "percent", "1 to 100", o->percent);
    if (o->law && !is_law(o->law))
        return wrong_text(err, "law", "NULL or the name of a law", o->law);
    return check_own(o, err);
}

/* ---- cases */
static void set_case(tally__trial *c, a_case of)
{
    c->sort = of.sort;
    c->dtype = of.dtype;
    c->weighted = of.weighted;
    c->random = tally__mixed(c->o->seed ^ tally__mixed((uint64_t)of.dtype * 2 + of.weighted));
}

/* Does it take these, and with a weight as well (so none of them is its weight), and do they reach a state? */
static bool is_taken(tally__trial *c, cases *list, a_case of)
{
    tally_error why;
    bool        taken = false, moved = false;
    set_case(c, of);
    const tally__batch f = tally__batch_make(c, TALLY__TRIAL_ROWS), weighed = tally__batch_weighed(c, &f, 1, true);
    tally_metric      *m = tally__fresh(c), *none = tally__fresh(c);
    if (!c->status)
        taken = !tally__give(none, &weighed, &why) && !tally__give(m, &f, &why);
    tally_metric_reset_state(none);
    moved = taken && !tally_metric_equal(m, none);
    list->unmoved |= taken && !moved;
    if (!c->status && !taken)
        list->why = why;
    tally__trial_end(c);
    return moved;
}

static void add_sort(tally__trial *c, cases *list, const tally__sort *sort)
{
    for (int d = 0; d < DTYPES; d++) {
        const a_case of = { sort, float_dtype[d], false };
        if ((c->o->dtype && (tally_dtype)c->o->dtype != of.dtype) || !is_taken(c, list, of))
            continue;
        list->at[list->n++] = (a_case){ sort, of.dtype, true };
        list->at[list->n++] = of;
    }
}

static void find_cases(tally__trial *c, cases *list, const tally__sort *own)
{
    if (own->sample)
        add_sort(c, list, own);
    for (int i = 0; i < TALLY__SORTS && !own->sample; i++)
        if (c->o->operands == TALLY_NONE || c->o->operands == tally__sort_row[i].operands)
            add_sort(c, list, &tally__sort_row[i]);
    if (list->n)
        return;
    c->sort = NULL;
    tally__stopped(c, TALLY_INVALID_ARGUMENT, "expected operands that it takes and keeps, found %s",
                   list->unmoved ? "that its states stay as they are" : list->why.text);
}

/* ---- laws */
/* which of their flags leave a law out */
static int left_out(tally__trial *c, bool once)
{
    const bool in_order = tally__has_kind(tally__fresh(c), TALLY_STATE_LAST);
    tally__trial_end(c);
    return (c->o->batch ? TALLY__LAW_SPLITS : 0) | (once ? 0 : TALLY__LAW_ONCE) | (in_order ? TALLY__LAW_ANY_ORDER : 0);
}

static void run_laws(tally__trial *c, a_case of, bool once)
{
    set_case(c, of);
    const int out = left_out(c, once);
    for (int i = 0; i < LAWS && !c->status; i++) {
        if ((c->o->law && strcmp(c->o->law, law[i].name)) || law[i].flags & out)
            continue;
        set_case(c, of);
        c->law = law[i].name;
        law[i].check(c);
        tally__trial_end(c);
    }
    c->law = NULL;
}

static void fold(tally__trial *c, const void *p, size_t n)
{
    const unsigned char *byte = p;
    for (size_t k = 0; k < n && !c->status; k++)
        c->bits = (c->bits ^ byte[k]) * UINT64_C(0x100000001b3);
}

/* all NaN are one */
static void fold_case(tally__trial *c, a_case of)
{
    set_case(c, of);
    const tally__batch  f = tally__batch_make(c, TALLY__TRIAL_ROWS);
    tally_metric       *m = tally__fed(c, &f);
    const tally__bytes  b = tally__packed(c, m);
    const tally__values v = tally__result_of(c, m);
    fold(c, b.at, b.n);
    for (int64_t k = 0; k < v.n && !c->status; k++) {
        const uint64_t nan = UINT64_C(0x7ff8000000000000);
        fold(c, v.at[k] == v.at[k] ? (const void *)&v.at[k] : &nan, sizeof nan);
    }
    tally__trial_end(c);
}

/* a percentage of them, which others seeds place elsewhere */
static void run_cases(tally__trial *c, const cases *list)
{
    const uint64_t     n = (uint64_t)list->n, most = n * (uint64_t)c->o->percent / 100;
    const tally__sort *last = NULL;
    for (uint64_t i = 0; i < n && !c->status; i++) {
        if ((i + c->o->seed) % n >= (most ? most : 1))
            continue;
        run_laws(c, list->at[i], list->at[i].sort != last);
        fold_case(c, list->at[i]);
        last = list->at[i].sort;
    }
    if (c->o->bits && !c->status)
        *c->o->bits = c->bits;
}

/* ---- begin and end */
static void begin(tally__trial *c)
{
    tally_error why = { 0, -1, "" };
    for (int i = 0; i < 2 && !c->status; i++)
        if (!(c->context[i] = tally_context_new(NULL, &why)))
            tally__stopped(c, why.status, "%s", why.text);
    tally_metric *m = c->status ? NULL : c->make(c->user, c->context[0], TALLY_NAN_PROPAGATE, &why);
    if (m)
        snprintf(c->name, sizeof c->name, "%s", tally_metric_name(m));
    else
        tally__stopped(c, why.status ? why.status : TALLY_INVALID_ARGUMENT, "expected a metric, found NULL: %s", why.text);
    tally_metric_release(m);
}

static void end(tally__trial *c)
{
    tally__trial_end(c);
    for (int d = 0; d <= TALLY_F64; d++)
        tally_function_release(c->cast[d]);
    tally_context_release(c->context[0]);
    tally_context_release(c->context[1]);
}

static tally__sort own_sort(const tally_selftest_options *o)
{
    tally__sort s = { "own operands", TALLY_NONE, o->n_operands, { { 0 } }, o->operand ? o->sample : NULL, o->user };
    for (int i = 0; o->operand && i < o->n_operands; i++)
        s.operand[i] = o->operand[i];
    return s;
}

tally_status tally_metric_selftest_made(tally_selftest_make make, void *user, const tally_selftest_options *o, tally_error *err)
{
    const tally_selftest_options standard = TALLY_SELFTEST_OPTIONS_INIT;
    cases                        list = { .n = 0 };
    o = o ? o : &standard;
    if (check_options(o, err))
        return TALLY_INVALID_ARGUMENT;
    if (!make)
        return wrong_text(err, "make", "a function", "NULL");
    const tally__sort own = own_sort(o);
    tally__trial      c = { .o = o, .make = make, .user = user, .err = err, .name = "selftest",
                            .bits = UINT64_C(0xcbf29ce484222325) };
    begin(&c);
    if (!c.status)
        find_cases(&c, &list, &own);
    run_cases(&c, &list);
    end(&c);
    return c.status;
}

/* ---- a class */
typedef struct class_maker {
    const tally_metric_class *k;
    const void               *config;
    size_t                    config_size;
} class_maker;

static tally_metric *make_of_class(void *user, tally_context *c, int32_t nan, tally_error *err)
{
    const class_maker   *m = user;
    tally_metric_options o = TALLY_METRIC_OPTIONS_INIT;
    o.context = c;
    o.nan = nan;
    return tally_metric_new(m->k, m->config, m->config_size, &o, err);
}

tally_status tally_metric_selftest(const tally_metric_class *k, const void *config, size_t config_size,
                                   const tally_selftest_options *o, tally_error *err)
{
    class_maker m = { k, config, config_size };
    return tally_metric_selftest_made(make_of_class, &m, o, err);
}
