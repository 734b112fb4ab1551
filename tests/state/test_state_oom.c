/* memory: each verb with its k-th allocation failing, for all k until it succeeds: a status, nothing leaked, nothing
 * changed, and the same call works afterwards. */
#include "kit.h"

static test_memory memory;
static tally_error err;

/* what a verb works on, made afresh for each k with memory that suffices */
typedef struct scene {
    tally_context  *x;
    tally__store   *a, *b, *plain, *made;
    tally_variable *v;
    tally__delta    d[2];
    kit_bytes       bytes;
} scene;

typedef tally_status (*verb)(scene *s);

static void scene_open(scene *s)
{
    const double  row[] = { 1, 2, 0.5 }, whole[] = { 1, 2 };
    const float   start[] = { 1, 2 };
    tally_tensor  t = tally_vector(start, 2);
    memset(s, 0, sizeof *s);
    memset(&memory, 0, sizeof memory);
    s->x = test_context(&memory, &err);
    s->a = kit_store(s->x, "Kit", "a", &err);
    s->b = kit_store(s->x, "Kit", "b", &err);
    s->plain = kit_store(s->x, "Kit", "plain", &err);
    s->v = tally_variable_new(s->x, &t, &err);
    assert_ok(kit_update(s->a, whole, 2, 0, &err), &err);
    assert_ok(kit_update(s->b, row, 3, 2, &err), &err);
    s->bytes = kit_pack(s->b);
}

static void scene_close(scene *s)
{
    tally__deltas_end(s->d, 2);
    tally__delta_drop(&s->d[0]);
    tally__delta_drop(&s->d[1]);
    tally__store_release(s->made);
    tally__store_release(s->a);
    tally__store_release(s->b);
    tally__store_release(s->plain);
    tally_variable_release(s->v);
    tally_context_release(s->x);
    free(s->bytes.p);
    assert_int_equal(memory.blocks, 0);
}

/* ---- the verbs */

static tally_status verb_new(scene *s)
{
    s->made = kit_store(s->x, "Kit", "made", &err);
    return s->made ? TALLY_OK : err.status;
}

static tally_status verb_variable(scene *s)
{
    const double v[] = { 1, 2, 3 };
    tally_tensor t = tally_vector(v, 3);
    s->made = tally__store_of_variable(tally_variable_new(s->x, &t, &err));
    return s->made ? TALLY_OK : err.status;
}

static tally_status verb_call(scene *s)
{
    const double row[] = { 0.25, 4 };
    tally_status status = tally__delta_prepare(&s->d[0], s->x, s->a, &err);
    if (!status)
        status = tally__delta_prepare(&s->d[1], s->x, s->plain, &err);
    s->d[0].reads = true;
    if (!status)
        status = tally__deltas_begin(s->d, 2, &err);
    if (!status)
        status = kit_accumulate(&s->d[0], row, 2, 2, &err);
    if (!status)
        status = kit_accumulate(&s->d[1], row, 2, 2, &err);
    if (!status)
        status = tally__commit(s->x, s->d, 2, &err);
    tally__deltas_end(s->d, 2);
    return status;
}

/* one number a store: alone in its delta, then read, then joined by a second */
static tally_status verb_alone(scene *s)
{
    const double v = 0.3;
    tally__sum   sum;
    tally_status status = tally__delta_prepare(&s->d[0], s->x, s->a, &err);
    if (!status)
        status = tally__delta_prepare(&s->d[1], s->x, s->plain, &err);
    s->d[1].reads = true;
    if (!status)
        status = tally__deltas_begin(s->d, 2, &err);
    for (int i = 0; i < 3 && !status; i++)
        if (!(status = kit_accumulate(&s->d[i > 0], &v, 1, 0, &err)) && i) {
            tally__delta_read(&s->d[1], KIT_TOTAL, 0, &sum);
            assert_bits_f64(tally__sum_round(&sum), i * v);
        }
    if (!status)
        status = tally__commit(s->x, s->d, 2, &err);
    tally__deltas_end(s->d, 2);
    return status;
}

static tally_status verb_read(scene *s)
{
    tally_status status = tally__delta_prepare(&s->d[0], s->x, s->b, &err);
    s->d[0].reads = true;
    if (!status)
        status = tally__deltas_begin(s->d, 1, &err);
    tally__deltas_end(s->d, 1);
    return status;
}

static tally_status verb_merge(scene *s)
{
    return tally__store_merge(s->a, (tally__store *[]){ s->b, s->plain, s->a }, 3, &err);
}

static tally_status verb_clone(scene *s)
{
    s->made = tally__store_clone(s->b, &err);
    return s->made ? TALLY_OK : err.status;
}

static tally_status verb_snapshot(scene *s)
{
    tally__store *out[2];
    tally_status  status = tally__store_snapshot((tally__store *[]){ s->b, tally__store_of_variable(s->v) }, 2, out,
                                                 &err);
    if (status) {
        assert_null(out[0]);
        assert_null(out[1]);
        return status;
    }
    tally__store_release(out[0]);
    s->made = out[1];
    return status;
}

static tally_status verb_pack(scene *s)
{
    uint8_t bytes[4096];
    assert_true(tally__store_pack(s->b, bytes, sizeof bytes) == s->bytes.n);
    return TALLY_OK;
}

static tally_status verb_unpack(scene *s)
{
    return tally__store_unpack(s->a, s->bytes.p, s->bytes.n, &err);
}

static tally_status verb_unpack_variable(scene *s)
{
    kit_bytes          b = kit_pack(tally__store_of_variable(s->v));
    const tally_status status = tally__store_unpack(tally__store_of_variable(s->v), b.p, b.n, &err);
    free(b.p);
    return status;
}

static tally_status verb_assign(scene *s)
{
    const float  v[] = { 7, 8 };
    tally_tensor t = tally_vector(v, 2);
    return tally_variable_assign(s->v, &t, &err);
}

static tally_status verb_step(scene *s)
{
    const float  v[] = { 7, 8 };
    tally_tensor t = tally_vector(v, 2), seen;
    tally_status status = tally__delta_prepare(&s->d[0], s->x, tally__store_of_variable(s->v), &err);
    s->d[0].reads = true;
    if (!status)
        status = tally__deltas_begin(s->d, 1, &err);
    for (int i = 0; i < 3 && !status; i++) {
        status = tally__delta_assign(&s->d[0], 0, &t, &err);
        if (!status)
            seen = tally__delta_tensor(&s->d[0], 0), t = seen;
    }
    if (!status)
        status = tally__commit(s->x, s->d, 1, &err);
    tally__deltas_end(s->d, 1);
    return status;
}

/* ---- the sweep */

static void sweep(const char *name, verb run, size_t least)
{
    for (size_t k = 1;; k++) {
        scene s;
        scene_open(&s);
        kit_bytes before[4], after[4];
        tally__store *all[4] = { s.a, s.b, s.plain, tally__store_of_variable(s.v) };
        for (int i = 0; i < 4; i++)
            before[i] = kit_pack(all[i]);
        memory.calls = 0;
        memory.fail_at = k;
        const tally_status status = run(&s);
        const bool         met = memory.calls >= k;
        memory.fail_at = 0;
        for (int i = 0; i < 4; i++) {
            after[i] = kit_pack(all[i]);
            if (status && !kit_bytes_same(before[i], after[i])) {
                print_error("%s, allocation %zu: store %d changed\n", name, k, i);
                fail();
            }
            free(before[i].p);
            free(after[i].p);
        }
        if (met != (status == TALLY_RESOURCE_EXHAUSTED) || (status && s.made)) {
            print_error("%s, allocation %zu: status %s\n", name, k, tally_status_name(status));
            fail();
        }
        if (status)
            assert_ok(run(&s), &err);
        scene_close(&s);
        if (!met) {
            assert_true(k > least);
            return;
        }
    }
}

static void every_verb_survives_every_allocation_that_fails(void **state)
{
    (void)state;
    sweep("new", verb_new, 3);
    sweep("variable", verb_variable, 2);
    sweep("call", verb_call, 8);
    sweep("call with numbers alone", verb_alone, 6);
    sweep("read", verb_read, 4);
    sweep("merge", verb_merge, 8);
    sweep("clone", verb_clone, 3);
    sweep("snapshot", verb_snapshot, 4);
    sweep("pack", verb_pack, 0);
    sweep("unpack", verb_unpack, 3);
    sweep("unpack variable", verb_unpack_variable, 1);
    sweep("assign", verb_assign, 1);
    sweep("step", verb_step, 2);
}

static void a_byte_limit_is_a_refusal_like_any_other(void **state)
{
    tally_context_options o = TALLY_CONTEXT_OPTIONS_INIT;
    const double          row[] = { 0.5, 2 };
    (void)state;
    memset(&memory, 0, sizeof memory);
    o.allocator = test_allocator(&memory);
    o.max_bytes = 4500;
    tally_context *x = tally_context_new(&o, &err);
    tally__store  *s = kit_store(x, "Kit", "a", &err);
    assert_non_null(s);
    const uint64_t commits = s->commits;
    assert_status(kit_update(s, row, 2, 2, &err), TALLY_RESOURCE_EXHAUSTED, &err);
    assert_int_equal(s->commits, commits);
    tally__store_release(s);
    tally_context_release(x);
    assert_int_equal(memory.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_survives_every_allocation_that_fails),
        cmocka_unit_test(a_byte_limit_is_a_refusal_like_any_other),
    };
    return cmocka_run_group_tests_name("state memory", tests, NULL, NULL);
}
