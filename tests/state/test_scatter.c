/* scatter: values that go to the elements that indices name, against a loop over single entries; and that a large state, whose
 * few entries are listed, is the same state. */
#include "entries.h"

static tally_context *x;
static test_memory    memory;

static int scatter_setup(void **state)
{
    (void)state;
    memset(&memory, 0, sizeof memory);
    x = test_context(&memory, NULL);
    return x ? 0 : -1;
}

static int scatter_teardown(void **state)
{
    (void)state;
    tally_context_release(x);
    return memory.blocks ? -1 : 0;
}

static tally__cell new_cell(int kind, int rank, const int64_t *shape)
{
    tally__cell_spec spec = { "state", kind, 0, rank, { 0 } };
    tally__cell      c;
    memcpy(spec.shape, shape, (size_t)rank * sizeof *shape);
    tally__cell_init(&c, &spec);
    assert_int_equal(tally__cell_build(&c, x, shape, NULL), TALLY_OK);
    return c;
}

/* ---- against single entries */

/* the element that an index names; -1: none */
static int64_t named(const tally__cell *c, int axis, const tally_tensor *index, const int64_t *at)
{
    int64_t     base = 0, size = 1;
    const char *p = element(index, at, index);
    const double id = tally__load_f64(p, index->dtype);
    for (int a = 0; a < axis; a++)
        base = base * c->shape[a] + at[index->rank - axis + a];
    for (int a = axis; a < c->rank; a++)
        size *= c->shape[a];
    return id >= 0 && id < (double)size ? base * size + (int64_t)id : -1;
}

/* most inside, some before and behind, in any integer dtype */
static void random_index(entry *e, test_rng *r, int rank, const int64_t *shape, int64_t size)
{
    static const int32_t dtypes[] = { TALLY_I32, TALLY_I64, TALLY_U8, TALLY_I8, TALLY_U16, TALLY_I16, TALLY_U32, TALLY_U64 };
    const int32_t        dtype = dtypes[test_below(r, TALLY__COUNT(dtypes))];
    const size_t         bytes = tally__element_size(dtype);
    entry_make(e, r, dtype, rank, shape);
    for (size_t i = 0; i < e->n; i++) {
        int64_t id = (int64_t)test_below(r, (size_t)size + 1) - (test_below(r, 20) == 0);
        if (test_below(r, 300) == 0)
            id = (int64_t)test_next(r);
        tally__convert((char *)e->bytes + i * bytes, dtype, &id, TALLY_I64, 1, 1);
    }
}

/* values that have a unit in common: fractions of float32, or of sixteenths */
static void make_fractions(entry *e, test_rng *r)
{
    const int32_t dtype = e->t.dtype;
    const size_t  bytes = tally__element_size(dtype);
    const double  scale = test_below(r, 3) ? 1 : 0x1p-40;
    const bool    grid = test_below(r, 2);
    for (size_t i = 0; i < e->n; i++) {
        const double v = grid ? (double)test_below(r, 64) / 16 - 2 : (double)(float)test_unit(r);
        tally__store_f64((char *)e->bytes + i * bytes, dtype, v * scale);
    }
}

static void random_factor(entry *e, test_rng *r, const tally_tensor *index, int32_t dtype)
{
    int64_t   shape[TALLY_MAX_RANK];
    const int rank = (int)test_below(r, (size_t)index->rank + 1);
    for (int a = 0; a < rank; a++)
        shape[a] = test_below(r, 4) ? index->shape[a] : 1;
    entry_make(e, r, dtype, rank, shape);
    if (tally__is_float(dtype) && test_below(r, 2))
        make_fractions(e, r);
}

static void random_update(tally__cell *c, oracle *o, int axis, entry *e, test_rng *r)
{
    static const int32_t weights[] = { TALLY_F32, TALLY_F64, TALLY_BOOL, TALLY_I64, TALLY_F16, TALLY_U8 };
    const bool           weight = test_below(r, 2), mask = test_below(r, 3) == 0;
    const int            rank = axis + (int)test_below(r, 3);
    int64_t              shape[TALLY_MAX_RANK], size = 1;
    for (int a = axis; a < c->rank; a++)
        size *= c->shape[a];
    for (int a = 0; a < rank; a++)
        shape[a] = a < rank - axis ? (int64_t)test_below(r, 40) : c->shape[a - (rank - axis)];
    if (rank == 1 && !axis)
        shape[0] = (int64_t)test_below(r, 1500);
    random_index(&e[0], r, rank, shape, size);
    entry_make(&e[1], r, TALLY_BOOL + (int32_t)test_below(r, TALLY_F64), test_below(r, 3) ? 0 : rank, shape);
    if (!e[1].t.rank && test_below(r, 2))
        tally__store_f64((char *)(uintptr_t)e[1].t.data, e[1].t.dtype, 1);
    else if (tally__is_float(e[1].t.dtype) && test_below(r, 2))
        make_fractions(&e[1], r);
    random_factor(&e[2], r, &e[0].t, weights[test_below(r, TALLY__COUNT(weights))]);
    entry_make(&e[3], r, TALLY_BOOL, rank, shape);
    assert_int_equal(tally__cell_scatter(c, x, axis, &e[0].t, &e[1].t, weight ? &e[2].t : NULL, mask ? &e[3].t : NULL, NULL), TALLY_OK);
    oracle_run(o, c, axis, named, &e[0].t, &e[1].t, weight ? &e[2].t : NULL, mask ? &e[3].t : NULL);
}

/* as a commit does: what the call added goes into the store's cell, and the call's is used again */
static void commit(tally__cell *store, tally__cell *c)
{
    if (!c->touched)
        return;
    assert_int_equal(tally__cell_take_in(store, x, c, NULL), TALLY_OK);
    tally__cell_empty(c);
}

static void one_random_case(uint64_t seed, entry *e)
{
    test_rng      r = { seed };
    const bool    large = seed % 16 == 0;
    const int     rank = 1 + (int)test_below(&r, 2), axis = (int)test_below(&r, (size_t)rank);
    const int     kind = test_below(&r, 2) ? TALLY_STATE_SUM : TALLY_STATE_SUM + (int)test_below(&r, 5);
    const int64_t wide = large ? 5000 : 1 + (int64_t)test_below(&r, 40), shape[2] = { rank == 1 ? wide : 1 + (int64_t)test_below(&r, 5), wide };
    tally__cell   c = new_cell(kind, rank, shape), store = new_cell(kind, rank, shape);
    oracle        o = oracle_new(c.n);
    for (size_t updates = 1 + test_below(&r, 5); updates; updates--) {
        random_update(&c, &o, axis, e, &r);
        if (test_below(&r, 2))
            commit(&store, &c);
    }
    commit(&store, &c);
    oracle_check(&o, &store, seed, e[1].t.dtype);
    tally__cell_drop(&c, x);
    tally__cell_drop(&store, x);
    oracle_free(&o);
}

static void any_entries_go_where_their_indices_say(void **state)
{
    entry *e = calloc(4, sizeof *e);
    (void)state;
    for (uint64_t seed = 1; seed <= test_scaled(10000); seed++)
        one_random_case(seed, e);
    free(e);
}

/* ---- single facts */

static void scatter(tally__cell *c, const int32_t *index, const double *v, int64_t n)
{
    const tally_tensor at = tally_vector(index, n), value = tally_vector(v, n);
    assert_int_equal(tally__cell_scatter(c, x, 0, &at, &value, NULL, NULL, NULL), TALLY_OK);
}

static void assert_element(tally__cell *c, int64_t k, double want)
{
    tally__cell_unlist(c);
    assert_bits_f64(tally__cell_round(c, k), want);
}

static void fractions_need_no_words_until_no_unit_suits(void **state)
{
    const int64_t shape = 3;
    const int32_t at[] = { 0, 1, 0, 2 };
    const double  grid[] = { 0.5, 0.25, -3, 1 }, finer[] = { 0x1p-30, 0, 0x1p-31, 0 }, huge[] = { 0x1p60, 0, 0, 0 };
    tally__cell   c = new_cell(TALLY_STATE_SUM, 1, &shape);
    (void)state;
    scatter(&c, at, grid, 4);
    assert_false(c.wide);
    assert_null(c.sum);
    assert_true(c.unit < 0);
    assert_element(&c, 0, -2.5);
    scatter(&c, at, finer, 4);
    assert_false(c.wide);
    assert_element(&c, 0, -2.5 + 0x1.8p-30);
    scatter(&c, at, huge, 4);
    assert_true(c.wide);
    assert_int_equal(c.unit, 0);
    assert_element(&c, 0, 0x1p60);
    assert_element(&c, 1, 0.25);
    tally__cell_reset(&c);
    assert_int_equal(c.unit, 0);
    scatter(&c, at, grid, 4);
    assert_element(&c, 2, 1);
    tally__cell_drop(&c, x);
}

static void numbers_at_the_edge_of_int64_are_exact(void **state)
{
    const int64_t shape = 2;
    const int32_t at[] = { 0, 0, 0, 1 };
    const double  edge[] = { 0x1p51 - 1, 0x1p50, -0x1p51 + 1, 1 }, once[] = { 0, 0, 0, 0x1p-1074 };
    tally__cell   c = new_cell(TALLY_STATE_SUM, 1, &shape);
    tally__sum    want = { { 0 }, 0, 0, 0 }, got;
    (void)state;
    for (int k = 0; k < 9000; k++) {
        scatter(&c, at, edge, 2);
        tally__sum_add_one(&want, edge[0]);
        tally__sum_add_one(&want, edge[1]);
    }
    assert_true(c.wide);                        /* 9000 times 1.5 * 2^51 */
    tally__cell_get(&c, 0, &got);
    assert_memory_equal(&got, &want, sizeof got);
    scatter(&c, at, once, 4);
    tally__cell_get(&c, 1, &got);
    assert_bits_f64(tally__sum_round(&got), 0x1p-1074);
    tally__cell_drop(&c, x);
}

static void few_entries_of_a_large_state_are_listed_and_many_are_not(void **state)
{
    const int64_t shape[2] = { 100, 100 };
    int32_t       at[2000];
    double        ones[2000];
    tally__cell   c = new_cell(TALLY_STATE_SUM, 2, shape), store = new_cell(TALLY_STATE_SUM, 2, shape);
    (void)state;
    for (int i = 0; i < 2000; i++) {
        at[i] = i * 7 % 1000 * 10;
        ones[i] = 1;
    }
    scatter(&c, at, ones, 500);
#if !defined TALLY_TINY_LIMITS
    assert_true(c.listed);
    assert_int_equal(c.n_entry, 500);
#endif
    commit(&store, &c);
    assert_false(store.listed);
    scatter(&c, at, ones, 2000);
    scatter(&c, at, ones, 2000);
#if !defined TALLY_TINY_LIMITS
    assert_false(c.listed);
#endif
    commit(&store, &c);
    for (int i = 0; i < 1000; i++)
        assert_bits_f64(tally__cell_round(&store, at[i]), i < 500 ? 5.0 : 4.0);
    const size_t blocks = memory.calls;
    scatter(&c, at, ones, 500);
    commit(&store, &c);
    assert_int_equal(memory.calls, blocks);      /* the steady state allocates nothing */
    tally__cell_drop(&c, x);
    tally__cell_drop(&store, x);
}

static void entries_are_negated_and_added_to_like_any_state(void **state)
{
    const int64_t shape = 6000;
    const int32_t at[] = { 5, 5999, 5 };
    const double  v[] = { 1.5, 2, 0.25 };
    double        row[6000] = { 0 };
    tally__cell   c = new_cell(TALLY_STATE_SUM, 1, &shape), d = new_cell(TALLY_STATE_SUM, 1, &shape);
    tally_tensor  rows = tally_vector(row, 6000);
    (void)state;
    row[5] = 10;
    scatter(&c, at, v, 3);
    scatter(&d, at, v, 3);
    assert_int_equal(tally__cell_negate(&d, x, NULL), TALLY_OK);
    assert_element(&d, 5, -1.75);
    assert_int_equal(tally__cell_accumulate(&c, x, &rows, NULL, NULL, NULL), TALLY_OK);
    scatter(&c, at, v, 3);
    assert_element(&c, 5, 13.5);
    assert_int_equal(tally__cell_take_in(&c, x, &d, NULL), TALLY_OK);
    assert_element(&c, 5, 11.75);
    assert_element(&c, 5999, 2);
    tally__cell_drop(&c, x);
    tally__cell_drop(&d, x);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scatter_setup, scatter_teardown)
    const struct CMUnitTest tests[] = {
        CASE(any_entries_go_where_their_indices_say),
        CASE(fractions_need_no_words_until_no_unit_suits),
        CASE(numbers_at_the_edge_of_int64_are_exact),
        CASE(few_entries_of_a_large_state_are_listed_and_many_are_not),
        CASE(entries_are_negated_and_added_to_like_any_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
