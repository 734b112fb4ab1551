/* The laws of the library over every class of the table in classes.c: those of <tally/selftest.h>, by that call; and what a class
 * alone does not show: every float dtype is taken, work shared out, many classes in one pass. Equal bytes throughout. */
#include "classes.h"
#include "program.h"

#include <pthread.h>

static const int float_dtypes[] = { TALLY_F32, TALLY_F64, TALLY_F16, TALLY_BF16 };
enum { DTYPES = 4 };

static uint64_t result_bits = UINT64_C(0xcbf29ce484222325);

static void fold_bits(const void *p, size_t n)
{
    for (size_t k = 0; k < n; k++)
        result_bits = (result_bits ^ ((const unsigned char *)p)[k]) * UINT64_C(0x100000001b3);
}

/* ---- the laws of one class ---- */

static void every_class_keeps_every_law(void **state)
{
    (void)state;
    for (int k = 0; k < class_count; k++) {
        const class_row       *row = &class_table[k];
        const tally__sort     *sort = &tally__sort_row[row->eats];
        tally_selftest_options o = TALLY_SELFTEST_OPTIONS_INIT;
        tally_error            err = { 0, 0, "" };
        uint64_t               bits = 0;
        o.seed = (uint64_t)k;
        o.batch = row->batch;
        o.percent = (int32_t)test_scaled(100);
        o.operand = sort->operand;
        o.n_operands = sort->n;
        o.sample = sort->sample;
        o.bits = &bits;
        if (tally_metric_selftest_made(class_make, (void *)(uintptr_t)row, &o, &err))
            fail_msg("%s, %s: %s", row->name, sort->name, err.text);
        fold_bits(&bits, sizeof bits);
    }
}

/* ---- one case: a class, a dtype, a weighting, memory and a seed ---- */

typedef struct law_case {
    const class_row *row;
    int              dtype;
    weighting        weight;
    test_rng         r;
    pool            *pool;
    const char      *law;
} law_case;

static void law_check(const law_case *c, bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    print_error("%s: %s, %s, weighting %d: %s\n", c->law, c->row->name, tally_dtype_name((tally_dtype)c->dtype), (int)c->weight, what);
    _fail(file, line);
}

#define LAW(c, holds) law_check((c), (holds), #holds, __FILE__, __LINE__)

static tally_metric *new_metric(law_case *c, tally_context *x)
{
    tally_error   err = { 0, 0, "" };
    tally_metric *m = c->row->make(c->row, x, TALLY_NAN_PROPAGATE, &err);
    if (!m)
        print_error("%s: %s\n", c->row->name, err.text);
    LAW(c, m != NULL);
    return m;
}

static void eat(law_case *c, tally_metric *m, const meal *f)
{
    tally_error  err = { 0, 0, "" };
    tally_status s = meal_update(m, f, &err);
    if (s)
        print_error("%s: %s\n", c->row->name, err.text);
    LAW(c, s == TALLY_OK);
}

static meal food(law_case *c, int64_t n)
{
    return meal_make(c->row, &c->r, c->pool, n, c->dtype, c->weight);
}

static bytes eaten_whole(law_case *c, const meal *f)
{
    tally_metric *m = new_metric(c, NULL);
    eat(c, m, f);
    bytes b = class_pack(c->pool, m);
    tally_metric_release(m);
    return b;
}

/* the laws pass over what a class does not take */
static void every_class_takes_every_float_dtype(void **state)
{
    (void)state;
    for (int k = 0; k < class_count; k++)
        for (int d = 0; d < DTYPES; d++)
            for (int w = WEIGHT_NONE; w <= WEIGHT_ANY; w++) {
                law_case c = { &class_table[k], float_dtypes[d], (weighting)w, { (uint64_t)k + 1 }, pool_new(), "dtypes" };
                meal     f = food(&c, 3);
                eaten_whole(&c, &f);
                pool_free(c.pool);
            }
}

/* ---- the hook that shares work out ---- */

typedef struct share {
    void (*task)(void *arg, size_t i);
    void  *arg;
    size_t i;
} share;

static void *share_run(void *user)
{
    share *s = user;
    s->task(s->arg, s->i);
    return NULL;
}

static size_t shared_out;

static void last_first(void *user, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    (void)user;
    shared_out += n;
    for (size_t i = n; i-- > 0;)
        task(arg, i);
}

static void all_at_once(void *user, size_t n, void (*task)(void *arg, size_t i), void *arg)
{
    enum { MOST = 64 };
    pthread_t id[MOST];
    share     s[MOST];
    size_t    started = 0;
    (void)user;
    shared_out += n;
    for (size_t i = 0; i < n && i < MOST; i++, started++) {
        s[i] = (share){ task, arg, i };
        if (pthread_create(&id[i], NULL, share_run, &s[i]))
            break;
    }
    for (size_t i = started; i < n; i++)
        task(arg, i);
    for (size_t i = 0; i < started; i++)
        pthread_join(id[i], NULL);
}

static void work_shared_out_in_any_way_gives_the_same_bytes(void **state)
{
    int64_t rows = (int64_t)test_scaled(150000) + 17;
    (void)state;
    shared_out = 0;
    for (int k = 0; k < class_count; k++) {
        law_case              c = { &class_table[k], k % 2 ? TALLY_F32 : TALLY_F64, k % 4 < 2 ? WEIGHT_NONE : WEIGHT_ANY, { (uint64_t)k + 5 }, pool_new(), "shared out" };
        meal                  f = food(&c, rows);
        bytes                 alone = eaten_whole(&c, &f);
        tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
        for (int turn = 0; turn < 2; turn++) {
            o.parallel_for = turn ? all_at_once : last_first;
            tally_context *x = tally_context_new(&o, NULL);
            tally_metric  *m = new_metric(&c, x);
            LAW(&c, x != NULL);
            eat(&c, m, &f);
            LAW(&c, bytes_equal(class_pack(c.pool, m), alone));
            tally_metric_release(m);
            tally_context_release(x);
        }
        pool_free(c.pool);
    }
    print_message("%zu parts were shared out\n", shared_out);
    if (rows > 100000)
        assert_true(shared_out > 0);
}

/* ---- many metrics in one pass ---- */

enum { TOGETHER_MOST = 200 };

static int metrics_that_eat(law_case *c, tally__sort_id eats, tally_metric **m, tally_metric **alone)
{
    int n = 0;
    for (int k = 0; k < class_count && n < TOGETHER_MOST; k++)
        if (class_table[k].eats == eats) {
            c->row = &class_table[k];
            m[n] = new_metric(c, NULL);
            alone[n++] = new_metric(c, NULL);
        }
    return n;
}

static void feed_together(const meal *f, tally_metric **m, int n)
{
    tally_tensor        x[3];
    const tally_tensor *pointer[3];
    tally_error         err = { 0, 0, "" };
    for (int k = 0; k < f->n; k++) {
        x[k] = array_view(f->operand[k]);
        pointer[k] = &x[k];
    }
    if (tally_metrics_update_state_n(m, n, pointer, f->n, &err))
        fail_msg("%s", err.text);
}

static void check_together(law_case *c, tally__sort_id eats)
{
    tally_metric *m[TOGETHER_MOST], *alone[TOGETHER_MOST];
    const int     n = metrics_that_eat(c, eats, m, alone);
    for (int turn = 0; turn < 3 && n; turn++) {
        meal f = food(c, 5 * turn);
        feed_together(&f, m, n);
        for (int k = 0; k < n; k++)
            eat(c, alone[k], &f);
    }
    for (int k = 0; k < n; k++) {
        LAW(c, bytes_equal(class_pack(c->pool, m[k]), class_pack(c->pool, alone[k])));
        tally_metric_release(m[k]);
        tally_metric_release(alone[k]);
    }
}

static void metrics_fed_together_equal_metrics_fed_alone(void **state)
{
    (void)state;
    for (int d = 0; d < DTYPES; d++)
        for (int eats = 0; eats < TALLY__SORTS; eats++) {
            law_case c = { NULL, float_dtypes[d], WEIGHT_ANY, { (uint64_t)(d * 16 + eats) + 99 }, pool_new(), "together" };
            check_together(&c, (tally__sort_id)eats);
            pool_free(c.pool);
        }
}

/* ---- the line that two builds must share ---- */

static void the_bits_of_all_results_are_printed(void **state)
{
    enum { FIXED = 150 };                                   /* of any run, however scaled */
    program_counts counts = { 0, 0, 0, 0, UINT64_C(0xcbf29ce484222325) };
    char           text[600];
    (void)state;
    for (uint64_t k = 0; k < FIXED; k++)
        if (program_judge(UINT64_C(0xb175) + k, &counts, text, sizeof text))
            fail_msg("%s", text);
    fold_bits(&counts.bits, sizeof counts.bits);
    printf("result bits: %016llx\n", (unsigned long long)result_bits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_keeps_every_law),
        cmocka_unit_test(every_class_takes_every_float_dtype),
        cmocka_unit_test(work_shared_out_in_any_way_gives_the_same_bytes),
        cmocka_unit_test(metrics_fed_together_equal_metrics_fed_alone),
        cmocka_unit_test(the_bits_of_all_results_are_printed),
    };
    return cmocka_run_group_tests_name("laws", tests, NULL, NULL);
}
