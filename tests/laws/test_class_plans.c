/* class_plans: every class of the table under every way of running its bodies: node by node as recorded, each pass left out, each
 * instruction set, short blocks. Bytes of the state and bits of the values are those of the recording. */
#include "program_bench.h"
#include "classes.h"

enum { CALLS = 2, VALUES_MOST = 64 };
static const int     float_dtypes[] = { TALLY_F32, TALLY_F64, TALLY_F16, TALLY_BF16 };
static const int64_t rows[CALLS] = { 37, 5 };

typedef struct case_of {
    const class_row *row;
    meal             food[CALLS];
    pool            *pool;
} case_of;

static void body(tally_trace *t, void *user)
{
    const int        n = *(const int *)user;
    tally_metric_ref m = tally_arg_metric(t, n);
    tally_node       x[4];
    for (int i = 0; i < n; i++)
        x[i] = tally_arg(t, i);
    tally_update_state_loc(t, m, x, n, __FILE__, __LINE__);
    tally_return(t, tally_cast(tally_result(t, m), TALLY_F64));
}

static void note_bytes(const case_of *c, const tally_metric *m, transcript *t)
{
    const bytes b = class_pack(c->pool, m);
    transcript_note(t, b.at, b.n);
}

static void run(const case_of *c, const variant *v, transcript *t)
{
    int             n = c->food[0].n;
    double          room[VALUES_MOST];
    tally_error     err;
    tally_metric   *m = c->row->make(c->row, NULL, TALLY_NAN_PROPAGATE, &err);
    tally_function *f = tally_function_new(body, &n, NULL, &err);
    tally__function_tune(f, v->passes, v->isa, v->block);
    t->n = 0;
    for (int call = 0; call < CALLS; call++) {
        tally_tensor x[4];
        tally_value  in[5];
        tally_buffer b = tally_buffer_of(room, VALUES_MOST);
        tally_slot   out = tally__out_buffer(&b);
        for (int i = 0; i < n; i++) {
            x[i] = array_view(c->food[call].operand[i]);
            in[i] = tally__in_tensor(&x[i]);
        }
        in[n] = tally__in_metric(m);
        assert_ok(tally_call(f, in, n + 1, &out, 1, &err), &err);
        transcript_buffer(t, &b);
        note_bytes(c, m, t);
    }
    tally_function_release(f);
    tally_metric_release(m);
}

static void check_case(const case_of *c, int dtype, transcript *first, transcript *other)
{
    variant   v[BENCH_VARIANTS];
    const int n = bench_variants(v, 0);
    run(c, &v[0], first);
    for (int k = 1; k < n; k++) {
        if (v[k].by != UNDISTURBED || v[k].workers)
            continue;                   /* random programs go there; parts on threads: laws/laws */
        run(c, &v[k], other);
        if (other->n == first->n && memcmp(first->byte, other->byte, first->n) == 0)
            continue;
        print_error("%s, %s, %d operands: \"%s\" differs from the recording\n", c->row->name, tally_dtype_name((tally_dtype)dtype),
                    c->food[0].n, v[k].name);
        fail();
    }
}

static void every_class_has_the_bits_of_its_recording_under_every_plan(void **state)
{
    transcript first = { 0 }, other = { 0 };
    (void)state;
    for (int k = 0; k < class_count; k++)
        for (int d = 0; d < (int)TALLY__COUNT(float_dtypes); d++)
            for (int w = WEIGHT_NONE; w <= WEIGHT_ANY; w++) {
                case_of  c = { &class_table[k], { { 0 } }, NULL };
                test_rng r = { (uint64_t)(k * 64 + d * 8 + w) + 1 };
                if (test_scaled(100) < 100 && (k + d + w) % (test_scaled(100) == 1 ? 20 : 4))
                    continue;
                c.pool = pool_new();
                for (int call = 0; call < CALLS; call++)
                    c.food[call] = meal_make(c.row, &r, c.pool, rows[call], float_dtypes[d], (weighting)w);
                check_case(&c, float_dtypes[d], &first, &other);
                pool_free(c.pool);
            }
    free(first.byte);
    free(other.byte);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_class_has_the_bits_of_its_recording_under_every_plan) };
    return cmocka_run_group_tests_name("laws/class_plans", tests, NULL, NULL);
}
