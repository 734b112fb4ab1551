/* What ranges and peephole put in the place of others gives its bits: labels that take the short way of a crossentropy and others that do not,
 * scores on every edge, under every way of running. */
#include "program_bench.h"

enum { JOINED_ROWS = 300, JOINED_ROUNDS = 400, BYTES_ROOM = 1 << 10 };
typedef struct joined {
    int32_t      dtype[2];              /* of labels and scores */
    double       label[JOINED_ROWS], score[JOINED_ROWS];
    uint64_t     room[2][JOINED_ROWS];
    tally_tensor x[2];
} joined;

static void make_joined(joined *j, test_rng *r)
{
    static const int32_t labels[] = { TALLY_F32, TALLY_F64, TALLY_I32, TALLY_I64, TALLY_U8, TALLY_BOOL, TALLY_F16 };
    static const double  scores[] = { 0, -0.0, 1, 1e-7, 1 - 1e-7, 0x1p-24, 1 - 0x1p-24, 1e-40, -1, 2, INFINITY, -INFINITY, NAN };
    const int64_t        n = (int64_t)test_below(r, JOINED_ROWS + 1), whole = (int64_t)test_below(r, 3);
    j->dtype[0] = labels[test_below(r, TALLY__COUNT(labels))];
    j->dtype[1] = test_below(r, 2) ? TALLY_F32 : TALLY_F64;
    for (int64_t i = 0; i < n; i++) {
        const double truth = (double)test_below(r, 2);
        j->label[i] = whole || test_below(r, 4) ? (truth != 0 || test_below(r, 2) ? truth : -0.0) : test_below(r, 9) ? test_unit(r) : (double)NAN;
        j->score[i] = test_below(r, 8) ? test_unit(r) : scores[test_below(r, TALLY__COUNT(scores))];
        if (!tally__is_float(j->dtype[0]))
            j->label[i] = truth;
    }
    tally__convert(j->room[0], j->dtype[0], j->label, TALLY_F64, 1, (size_t)n);
    tally__convert(j->room[1], j->dtype[1], j->score, TALLY_F64, 1, (size_t)n);
    for (int k = 0; k < 2; k++)
        j->x[k] = tally_tensor_view(j->room[k], (tally_dtype)j->dtype[k], 1, &n, NULL);
}

static void joined_body(tally_trace *t, void *user)
{
    const joined *j = user;
    tally_node    y = tally_arg(t, 0), p = tally_arg(t, 1), one = tally_num(1);
    tally_node    q = tally_clip(p, tally_num(1e-7), tally_num(1 - 1e-7)), v = j->dtype[0] == j->dtype[1] ? y : tally_cast(y, (tally_dtype)j->dtype[1]);
    for (int k = 2; k < 4; k++)
        tally_update_state(t, tally_arg_metric(t, k), y, p);
    tally_return(t, tally_neg(tally_add(tally_mul(v, tally_log(q)), tally_mul(tally_sub(one, v), tally_log(tally_sub(one, q))))));
    tally_return(t, tally_eq(y, tally_gt(p, tally_num(0.5))));
    tally_return(t, tally_ne(tally_ge(p, tally_num(0.5)), y));
    tally_return(t, tally_maximum(tally_log(q), tally_num(-17)));
    tally_return(t, tally_log1p(tally_exp(tally_neg(tally_abs(p)))));
}

static void run_joined(joined *j, const variant *v, transcript *t)
{
    enum { OUTS = 5 };
    static uint64_t room[OUTS][JOINED_ROWS], bytes[BYTES_ROOM];
    static const int32_t dtype[OUTS] = { 0, TALLY_BOOL, TALLY_BOOL, 0, 0 };
    tally_error     err;
    tally_buffer    to[OUTS];
    tally_metric   *m[2] = { tally_binary_crossentropy_new(NULL, &err), tally_binary_accuracy_new(NULL, &err) };
    tally_function *f = tally_function_new(joined_body, j, NULL, &err);
    for (int k = 0; k < OUTS; k++)
        to[k] = (tally_buffer){ room[k], dtype[k] ? dtype[k] : j->dtype[1], 0, JOINED_ROWS, { 0 } };
    tally__function_tune(f, v->passes, v->isa, v->block);
    t->n = 0;
    assert_ok(tally_call(f, TALLY_IN(&j->x[0], &j->x[1], m[0], m[1]), TALLY_OUT(&to[0], &to[1], &to[2], &to[3], &to[4]), &err), &err);
    for (int k = 0; k < OUTS; k++)
        transcript_buffer(t, &to[k]);
    for (int k = 0; k < 2; k++) {
        const size_t n = tally_metric_pack(m[k], bytes, sizeof bytes);
        assert_true(n <= sizeof bytes);
        transcript_note(t, bytes, n);
        tally_metric_release(m[k]);
    }
    tally_function_release(f);
}

static void what_is_joined_gives_the_bits_of_its_parts(void **state)
{
    static transcript base, other;
    static joined     j;
    variant           v[BENCH_VARIANTS];
    const int         n = bench_variants(v, 0);
    test_rng          r = { 77 };
    (void)state;
    for (size_t round = 0; round < test_scaled(JOINED_ROUNDS); round++) {
        make_joined(&j, &r);
        run_joined(&j, &v[0], &base);
        for (int i = 1; i < n; i++) {
            run_joined(&j, &v[i], &other);
            if (base.n != other.n || memcmp(base.byte, other.byte, base.n))
                fail_msg("round %zu, %lld rows, labels %s, scores %s: %s differs from its recording", round, (long long)j.x[0].shape[0],
                         tally_dtype_name((tally_dtype)j.dtype[0]), tally_dtype_name((tally_dtype)j.dtype[1]), v[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_joined_gives_the_bits_of_its_parts) };
    return cmocka_run_group_tests_name("laws/joined", tests, NULL, NULL);
}
