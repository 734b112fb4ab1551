/* The laws, over every class of the table in classes.c and every float dtype, in equal bytes: how a metric is reached,
 * how its samples are cut into calls, in which order and through which merges they come makes no difference. */
#include "classes.h"
#include "layout.h"
#include "program.h"

#include <pthread.h>

static const int float_dtypes[] = { TALLY_F32, TALLY_F64, TALLY_F16, TALLY_BF16 };
enum { DTYPES = 4, ROWS = 23 };

static uint64_t result_bits = UINT64_C(0xcbf29ce484222325);

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

static tally_metric *new_metric(law_case *c)
{
    tally_error   err = { 0, 0, "" };
    tally_metric *m = c->row->make(c->row, NULL, &err);
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

/* a hundredth of the random cases: a fifth of these, another one for each class */
static bool is_left_out(int k, int d, int w)
{
    return test_scaled(100) == 1 && (k + 3 * d + w) % 5;
}

static void each_case(const char *law, void (*check)(law_case *c))
{
    for (int k = 0; k < class_count; k++)
        for (int d = 0; d < DTYPES; d++)
            for (int w = WEIGHT_NONE; w <= WEIGHT_ANY; w++) {
                law_case c = { &class_table[k], float_dtypes[d], (weighting)w, { (uint64_t)(k * 64 + d * 8 + w) + 1 }, NULL, law };
                if (is_left_out(k, d, w))
                    continue;
                c.pool = pool_new();
                check(&c);
                pool_free(c.pool);
            }
}

static meal food(law_case *c, int64_t n)
{
    return meal_make(c->row, &c->r, c->pool, n, c->dtype, c->weight);
}

static bytes eaten_whole(law_case *c, const meal *f)
{
    tally_metric *m = new_metric(c);
    eat(c, m, f);
    bytes b = class_pack(c->pool, m);
    tally_metric_release(m);
    return b;
}

static void fold_bits(const void *p, size_t n)
{
    for (size_t k = 0; k < n; k++)
        result_bits = (result_bits ^ ((const unsigned char *)p)[k]) * UINT64_C(0x100000001b3);
}

static void fold_result(law_case *c, const tally_metric *m)
{
    int64_t shape[TALLY_MAX_RANK], n = 1;
    int     rank = tally_metric_result_shape(m, shape);
    double  v[16];
    for (int k = 0; k < rank; k++)
        n *= shape[k];
    LAW(c, rank >= 0 && n <= 16);
    LAW(c, tally_metric_values(m, v, (int)n, NULL) == TALLY_OK);
    if (rank == 0)
        LAW(c, test_bits_f64(v[0]) == test_bits_f64(tally_metric_result(m)) || (v[0] != v[0]));
    for (int64_t k = 0; k < n; k++) {
        uint64_t bits = v[k] != v[k] ? UINT64_C(0x7ff8000000000000) : test_bits_f64(v[k]);
        fold_bits(&bits, sizeof bits);
    }
}

/* ---- split, order, merge ---- */

static void shuffled(test_rng *r, int64_t *at, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        at[k] = k;
    for (int64_t k = n - 1; k > 0; k--) {
        int64_t j = (int64_t)test_below(r, (size_t)k + 1), t = at[k];
        at[k] = at[j];
        at[j] = t;
    }
}

static void check_split(law_case *c)
{
    enum { PARTS = 5 };
    if (c->row->batch)
        return;
    meal  f = food(c, ROWS);
    bytes whole = eaten_whole(c, &f);
    for (int turn = 0; turn < 6; turn++) {
        int64_t       at[ROWS], from = 0;
        tally_metric *part[PARTS];
        int           n = PARTS;
        for (int k = 0; k < PARTS; k++)
            part[k] = new_metric(c);
        shuffled(&c->r, at, ROWS);
        while (from < ROWS) {
            int64_t take = (int64_t)test_below(&c->r, 6);
            take = take > ROWS - from ? ROWS - from : take;
            meal    some = meal_rows(&f, c->pool, at + from, take);
            eat(c, part[test_below(&c->r, PARTS)], &some);
            from += take;
        }
        while (n > 1) {                                     /* any tree of merges */
            int a = (int)test_below(&c->r, (size_t)n), b = (int)test_below(&c->r, (size_t)n - 1);
            b += b >= a;
            LAW(c, tally_metric_merge_state(part[a], &part[b], 1, NULL) == TALLY_OK);
            tally_metric_release(part[b]);
            part[b] = part[--n];
        }
        LAW(c, bytes_equal(class_pack(c->pool, part[0]), whole));
        if (turn == 0)
            fold_result(c, part[0]);
        tally_metric_release(part[0]);
    }
    fold_bits(whole.at, whole.n);
}

static void any_split_order_and_merge_tree_gives_the_same_bytes(void **state)
{
    (void)state;
    each_case("split", check_split);
}

/* ---- every way to reach an update ---- */

typedef enum way { WAY_PLAIN, WAY_LOOP, WAY_LOOP_CALLBACK, WAY_INLINE, WAY_BRANCH, WAY_CAPTURED, WAY_INLINE_IN_LOOP, WAYS } way;
typedef struct way_user {
    way           by;
    int           n;
    tally_metric *captured;
    tally_node    x[3];
} way_user;

static void update_of(tally_trace *t, tally_metric_ref m, const tally_node *x, int n)
{
    tally_update_state_loc(t, m, x, n, __FILE__, __LINE__);
}

static void one_row(const way_user *u, tally_node i, tally_node *row)
{
    for (int k = 0; k < u->n; k++)
        row[k] = tally_slice_loc(u->x[k], 0, i, tally_add(i, tally_num(1)), __FILE__, __LINE__);
}

static tally_node rows_left(tally_trace *t, const tally_symbol *v, void *user)
{
    const way_user *u = user;
    (void)t;
    return tally_lt(v[1].node, tally_dim(u->x[0], 0));
}

static void eat_row(tally_trace *t, tally_symbol *v, void *user)
{
    tally_node row[3];
    one_row(user, v[1].node, row);
    update_of(t, v[0].metric, row, ((way_user *)user)->n);
    v[1].node = tally_add(v[1].node, tally_num(1));
}

static void plain_body(tally_trace *t, void *user)
{
    const way_user *u = user;
    tally_node      x[3];
    for (int k = 0; k < u->n; k++)
        x[k] = tally_arg(t, k);
    update_of(t, tally_arg_metric(t, u->n), x, u->n);
}

static void inlined(tally_trace *t, way_user *u, tally_metric_ref m, const tally_node *x)
{
    tally_symbol in[4];
    memset(in, 0, sizeof in);
    for (int k = 0; k < u->n; k++)
        in[k].node = x[k];
    in[u->n].metric = m;
    tally_inline(t, plain_body, u, in, u->n + 1, NULL, 0);
}

static void way_body(tally_trace *t, void *user)
{
    way_user        *u = user;
    tally_metric_ref m = u->by == WAY_CAPTURED ? tally_capture_metric(t, u->captured) : tally_arg_metric(t, u->n);
    tally_node       i = tally_i64(t, 0), row[3];
    for (int k = 0; k < u->n; k++)
        u->x[k] = tally_arg(t, k);
    switch (u->by) {
    case WAY_PLAIN: case WAY_CAPTURED: case WAYS: update_of(t, m, u->x, u->n); break;
    case WAY_LOOP:
        TALLY_WHILE(t, tally_lt(i, tally_dim(u->x[0], 0)), &i) {
            one_row(u, i, row);
            update_of(t, m, row, u->n);
            i = tally_add(i, tally_num(1));
        }
        break;
    case WAY_INLINE_IN_LOOP:
        TALLY_WHILE(t, tally_lt(i, tally_dim(u->x[0], 0)), &i) {
            one_row(u, i, row);
            inlined(t, u, m, row);
            i = tally_add(i, tally_num(1));
        }
        break;
    case WAY_LOOP_CALLBACK: {
        tally_symbol v[2];
        memset(v, 0, sizeof v);
        v[0].metric = m;
        v[1].node = i;
        tally_while_loop(t, rows_left, eat_row, u, v, 2, NULL);
        m = v[0].metric;
        break;
    }
    case WAY_INLINE: inlined(t, u, m, u->x); break;
    case WAY_BRANCH:
        TALLY_IF(t, tally_ge(tally_dim(u->x[0], 0), tally_num(0))) {
            update_of(t, m, u->x, u->n);
        } else {
            tally_reset_state(t, m);
        }
        break;
    }
    tally_return_metric(t, m);
}

static int values_of(const meal *f, tally_tensor *x, tally_value *v)
{
    for (int k = 0; k < f->n; k++) {
        x[k] = array_view(f->operand[k]);
        v[k] = tally__in_tensor(&x[k]);
    }
    return f->n;
}

static void call_with(law_case *c, tally_function *f, const meal *food_of, tally_metric *m, bool passed)
{
    tally_tensor  x[3];
    tally_value   v[4];
    tally_metric *back = NULL;
    tally_error   err = { 0, 0, "" };
    tally_slot    out = tally__out_metric(&back);
    int           n = values_of(food_of, x, v);
    if (passed)
        v[n++] = tally__in_metric(m);
    tally_status s = tally_call(f, v, n, &out, 1, &err);
    if (s)
        print_error("%s\n", err.text);
    LAW(c, s == TALLY_OK);
    LAW(c, back == m);
}

static void check_ways(law_case *c)
{
    meal  f = food(c, 6);
    bytes eager = eaten_whole(c, &f);
    for (int by = 0; by < WAYS; by++) {
        tally_metric   *m = new_metric(c);
        way_user        u = { (way)by, f.n, m, { { NULL, 0, 0 } } };
        tally_function *fn = tally_function_new(way_body, &u, NULL, NULL);
        call_with(c, fn, &f, m, by != WAY_CAPTURED);
        LAW(c, bytes_equal(class_pack(c->pool, m), eager));
        meal none = food(c, 0);
        call_with(c, fn, &none, m, by != WAY_CAPTURED);     /* zero rows, zero iterations */
        LAW(c, bytes_equal(class_pack(c->pool, m), eager));
        fold_result(c, m);
        tally_function_release(fn);
        tally_metric_release(m);
    }
}

static void eager_traced_looped_inlined_branched_and_captured_are_one(void **state)
{
    (void)state;
    each_case("ways", check_ways);
}

/* ---- aliases ---- */

static void twice_body(tally_trace *t, void *user)
{
    const way_user  *u = user;
    tally_node       x[3];
    for (int k = 0; k < u->n; k++)
        x[k] = tally_arg(t, k);
    tally_metric_ref a = tally_arg_metric(t, u->n), b = u->captured ? tally_capture_metric(t, u->captured) : tally_arg_metric(t, u->n + 1);
    update_of(t, a, x, u->n);
    update_of(t, b, x, u->n);
    tally_reset_state(t, a);
    update_of(t, a, x, u->n);
    update_of(t, b, x, u->n);
    update_of(t, a, x, u->n);
}

static void check_alias(law_case *c)
{
    meal f = food(c, 5);
    for (int alias = 0; alias < 3; alias++) {               /* two, one twice, one as argument and capture */
        tally_metric   *a = new_metric(c), *b = alias ? tally_metric_retain(a) : new_metric(c), *ea = new_metric(c), *eb = alias ? tally_metric_retain(ea) : new_metric(c);
        way_user        u = { WAY_PLAIN, f.n, alias == 2 ? a : NULL, { { NULL, 0, 0 } } };
        tally_function *fn = tally_function_new(twice_body, &u, NULL, NULL);
        tally_tensor    x[3];
        tally_value     v[5];
        int             n = values_of(&f, x, v);
        v[n++] = tally__in_metric(a);
        if (alias != 2)
            v[n++] = tally__in_metric(b);
        LAW(c, tally_call(fn, v, n, NULL, 0, NULL) == TALLY_OK);
        eat(c, ea, &f);
        eat(c, eb, &f);
        tally_metric_reset_state(ea);
        eat(c, ea, &f);
        eat(c, eb, &f);
        eat(c, ea, &f);
        LAW(c, bytes_equal(class_pack(c->pool, a), class_pack(c->pool, ea)));
        LAW(c, bytes_equal(class_pack(c->pool, b), class_pack(c->pool, eb)));
        if (alias != 2) {                                   /* one function sees both patterns: two traces, both right */
            tally_metric *other = new_metric(c);
            tally_metric_reset_state(a);
            v[n - 1] = tally__in_metric(alias ? other : a);
            LAW(c, tally_call(fn, v, n, NULL, 0, NULL) == TALLY_OK);
            LAW(c, tally_function_traces(fn) == 2);
            tally_metric_release(other);
        }
        tally_function_release(fn);
        tally_metric_release(a);
        tally_metric_release(b);
        tally_metric_release(ea);
        tally_metric_release(eb);
    }
}

static void one_metric_twice_or_passed_and_captured_is_as_eager(void **state)
{
    (void)state;
    each_case("alias", check_alias);
}

/* ---- reads and resets in the middle ---- */

static void read_reset_body(tally_trace *t, void *user)
{
    const way_user  *u = user;
    tally_node       x[3], i = tally_i64(t, 0);
    for (int k = 0; k < u->n; k++)
        x[k] = tally_arg(t, k);
    tally_metric_ref m = tally_arg_metric(t, u->n);
    update_of(t, m, x, u->n);
    tally_node first = tally_result(t, m);
    tally_reset_state(t, m);
    update_of(t, m, x, u->n);
    update_of(t, m, x, u->n);
    tally_node second = tally_result(t, m);
    TALLY_WHILE(t, tally_lt(i, tally_num(4)), &i, &second) {
        update_of(t, m, x, u->n);
        second = tally_result(t, m);
        TALLY_IF(t, tally_eq(i, tally_num(1))) {
            tally_reset_state(t, m);
        }
        update_of(t, m, x, u->n);
        i = tally_add(i, tally_num(1));
    }
    tally_return(t, first);
    tally_return(t, second);
}

static int values_now(law_case *c, const tally_metric *m, double *v)
{
    int64_t shape[TALLY_MAX_RANK], n = 1;
    int     rank = tally_metric_result_shape(m, shape);
    for (int k = 0; k < rank; k++)
        n *= shape[k];
    LAW(c, n <= 16 && tally_metric_values(m, v, (int)n, NULL) == TALLY_OK);
    return (int)n;
}

static bool same_values(const double *a, const double *b, int n)
{
    for (int k = 0; k < n; k++)
        if (test_bits_f64(a[k]) != test_bits_f64(b[k]) && !(a[k] != a[k] && b[k] != b[k]))
            return false;
    return true;
}

static void check_read_reset(law_case *c)
{
    meal            f = food(c, 5);
    tally_metric   *m = new_metric(c), *e = new_metric(c);
    way_user        u = { WAY_PLAIN, f.n, NULL, { { NULL, 0, 0 } } };
    tally_function *fn = tally_function_new(read_reset_body, &u, NULL, NULL);
    tally_tensor    x[3];
    tally_value     v[4];
    double          first[16], second[16], got_first[16], got_second[16];
    tally_buffer    b1 = tally_buffer_of(got_first, 16), b2 = tally_buffer_of(got_second, 16);
    tally_slot      out[2] = { tally__out_buffer(&b1), tally__out_buffer(&b2) };
    int             n = values_of(&f, x, v), k;
    eat(c, m, &f);                                          /* something before the call, too */
    eat(c, e, &f);
    v[n++] = tally__in_metric(m);
    tally_error err = { 0, 0, "" };
    if (tally_call(fn, v, n, out, 2, &err))
        print_error("%s\n", err.text);
    eat(c, e, &f);
    k = values_now(c, e, first);
    tally_metric_reset_state(e);
    eat(c, e, &f);
    eat(c, e, &f);
    for (int i = 0; i < 4; i++) {
        eat(c, e, &f);
        k = values_now(c, e, second);
        if (i == 1)
            tally_metric_reset_state(e);
        eat(c, e, &f);
    }
    LAW(c, same_values(first, got_first, k));
    LAW(c, same_values(second, got_second, k));
    LAW(c, bytes_equal(class_pack(c->pool, m), class_pack(c->pool, e)));
    tally_function_release(fn);
    tally_metric_release(m);
    tally_metric_release(e);
}

/* tensorflow #31458: a reset was not ordered against updates; #36511: Mean was wrong with a reset in a loop */
static void update_read_reset_update_in_a_body_and_in_a_loop_is_as_eager(void **state)
{
    (void)state;
    each_case("read and reset", check_read_reset);
}

static void sized_body(tally_trace *t, void *user)
{
    const way_user  *u = user;
    tally_node       x[3];
    for (int k = 0; k < u->n; k++)
        x[k] = tally_arg(t, k);
    tally_metric_ref m = tally_arg_metric(t, u->n);
    update_of(t, m, x, u->n);
    tally_reset_state(t, m);
    tally_reset_state(t, m);
}

static void check_sized(law_case *c)
{
    for (int rows = 0; rows < 4; rows += 3) {
        meal            f = food(c, rows);
        tally_metric   *m = new_metric(c), *e = new_metric(c);
        way_user        u = { WAY_PLAIN, f.n, NULL, { { NULL, 0, 0 } } };
        tally_function *fn = tally_function_new(sized_body, &u, NULL, NULL);
        tally_tensor    x[3];
        tally_value     v[4];
        int             n = values_of(&f, x, v);
        v[n++] = tally__in_metric(m);
        LAW(c, tally_call(fn, v, n, NULL, 0, NULL) == TALLY_OK);
        eat(c, e, &f);
        tally_metric_reset_state(e);
        LAW(c, bytes_equal(class_pack(c->pool, m), class_pack(c->pool, e)));
        tally_function_release(fn);
        tally_metric_release(m);
        tally_metric_release(e);
    }
}

static void the_sizes_of_a_first_batch_outlive_a_reset_in_the_same_call(void **state)
{
    (void)state;
    each_case("sizes and reset", check_sized);
}

/* ---- failure ---- */

static void failing_body(tally_trace *t, void *user)
{
    const way_user  *u = user;
    tally_node       x[3];
    for (int k = 0; k < u->n; k++)
        x[k] = tally_arg(t, k);
    tally_metric_ref m = tally_arg_metric(t, u->n);
    update_of(t, m, x, u->n);
    tally_reset_state(t, m);
    update_of(t, m, x, u->n);
    tally_assert(t, tally_lt(tally_dim(x[0], 0), tally_num(0)), "never");
}

static void check_failure(law_case *c)
{
    meal            f = food(c, 5);
    tally_metric   *m = new_metric(c);
    way_user        u = { WAY_PLAIN, f.n, NULL, { { NULL, 0, 0 } } };
    tally_function *fn = tally_function_new(failing_body, &u, NULL, NULL);
    tally_tensor    x[3];
    tally_value     v[4];
    int             n = values_of(&f, x, v);
    tally_error     err = { 0, 0, "" };
    v[n++] = tally__in_metric(m);
    for (int k = 0; k < 2; k++) {                           /* on an empty metric and on a full one */
        bytes before = class_pack(c->pool, m);
        LAW(c, tally_call(fn, v, n, NULL, 0, &err) == TALLY_FAILED_PRECONDITION);
        LAW(c, strstr(err.text, "never") && strstr(err.text, "test_laws.c:"));
        LAW(c, bytes_equal(class_pack(c->pool, m), before));
        eat(c, m, &f);
    }
    tally_function_release(fn);
    tally_metric_release(m);
}

static void a_failing_assert_after_updates_leaves_every_byte(void **state)
{
    (void)state;
    each_case("failure", check_failure);
}

/* ---- merge, clone, reset, pack ---- */

static void check_copies(law_case *c)
{
    meal          f = food(c, 7), g = food(c, 4), none = food(c, 0);
    tally_metric *m = new_metric(c), *fresh = new_metric(c), *copy, *snap = NULL, *both = new_metric(c);
    bytes         empty = class_pack(c->pool, fresh);
    eat(c, m, &none);
    LAW(c, bytes_equal(class_pack(c->pool, m), empty));
    eat(c, m, &f);
    bytes after_f = class_pack(c->pool, m);
    copy = tally_metric_clone(m, NULL);
    LAW(c, copy != NULL && bytes_equal(class_pack(c->pool, copy), after_f));
    eat(c, copy, &g);
    LAW(c, bytes_equal(class_pack(c->pool, m), after_f));
    LAW(c, tally_metrics_snapshot(&m, 1, &snap, NULL) == TALLY_OK);
    eat(c, m, &g);
    LAW(c, bytes_equal(class_pack(c->pool, m), class_pack(c->pool, copy)));
    LAW(c, bytes_equal(class_pack(c->pool, snap), after_f));
    LAW(c, tally_metric_merge_state(snap, &fresh, 1, NULL) == TALLY_OK);
    LAW(c, bytes_equal(class_pack(c->pool, snap), after_f));
    tally_metric *from[2] = { snap, snap };                 /* the same one twice counts twice */
    LAW(c, tally_metric_merge_state(both, from, 2, NULL) == TALLY_OK);
    LAW(c, tally_metric_merge_state(snap, &snap, 1, NULL) == TALLY_OK);
    LAW(c, bytes_equal(class_pack(c->pool, both), class_pack(c->pool, snap)));
    tally_metric_reset_state(m);
    if (!class_sized_late(c->row))
        LAW(c, bytes_equal(class_pack(c->pool, m), empty));
    eat(c, m, &f);
    LAW(c, bytes_equal(class_pack(c->pool, m), after_f));
    tally_metric_release(m);
    tally_metric_release(fresh);
    tally_metric_release(copy);
    tally_metric_release(snap);
    tally_metric_release(both);
}

static void clones_snapshots_merges_and_resets_keep_to_themselves(void **state)
{
    (void)state;
    each_case("copies", check_copies);
}

static void check_pack(law_case *c)
{
    meal          f = food(c, 9), g = food(c, 3);
    tally_metric *m = new_metric(c), *to = new_metric(c);
    bytes         empty = class_pack(c->pool, m);
    unsigned char small[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, kept[8];
    eat(c, m, &f);
    bytes full = class_pack(c->pool, m);
    memcpy(kept, small, sizeof kept);
    LAW(c, tally_metric_pack(m, small, sizeof small) == full.n && !memcmp(small, kept, sizeof kept));
    eat(c, to, &g);
    LAW(c, tally_metric_unpack(to, full.at, full.n, NULL) == TALLY_OK);
    LAW(c, bytes_equal(class_pack(c->pool, to), full));
    double a[16], b[16];
    int    n = values_now(c, m, a);
    (void)values_now(c, to, b);
    LAW(c, same_values(a, b, n));
    eat(c, m, &g);
    eat(c, to, &g);
    LAW(c, bytes_equal(class_pack(c->pool, to), class_pack(c->pool, m)));
    LAW(c, tally_metric_unpack(to, empty.at, empty.n, NULL) == TALLY_OK);
    LAW(c, bytes_equal(class_pack(c->pool, to), empty));
    eat(c, to, &f);
    LAW(c, bytes_equal(class_pack(c->pool, to), full));
    tally_metric_release(m);
    tally_metric_release(to);
}

static void packed_bytes_come_back_as_the_same_metric(void **state)
{
    (void)state;
    each_case("pack", check_pack);
}

/* ---- weights ---- */

static void check_weights(law_case *c)
{
    meal ones = meal_make(c->row, &c->r, c->pool, 11, c->dtype, WEIGHT_ONE), plain = ones;
    plain.n--;
    LAW(c, bytes_equal(eaten_whole(c, &ones), eaten_whole(c, &plain)));
    meal fours = plain, one = plain;
    fours.operand[fours.n] = array_new(c->pool, c->dtype, 1, (int64_t[]){ 11 });
    for (int64_t k = 0; k < 11; k++)
        array_put(fours.operand[fours.n], k, number_int(4));
    fours.n++;
    one.operand[one.n] = array_new(c->pool, c->dtype, 0, NULL);
    array_put(one.operand[one.n++], 0, number_int(4));      /* one weight for all */
    bytes         four = eaten_whole(c, &fours);
    tally_metric *m = new_metric(c);
    for (int k = 0; k < 4; k++)
        eat(c, m, &plain);
    if (!class_counts(c->row))
        LAW(c, bytes_equal(class_pack(c->pool, m), four));
    LAW(c, bytes_equal(eaten_whole(c, &one), four));
    tally_metric_release(m);
    meal zero = ones;
    for (int64_t k = 0; k < 11; k++)
        array_put(zero.operand[zero.n - 1], k, number_int(0));
    m = new_metric(c);
    eat(c, m, &plain);
    bytes before = class_pack(c->pool, m);
    eat(c, m, &zero);
    LAW(c, bytes_equal(class_pack(c->pool, m), before));
    tally_metric_release(m);
}

static void a_weight_of_one_is_none_and_a_weight_of_four_is_four_copies(void **state)
{
    (void)state;
    each_case("weights", check_weights);
}

/* ---- NaN policies ---- */

/* every third sample's scores become NaN */
static meal with_nan(law_case *c, const meal *f, int64_t *good, int64_t *n_good)
{
    meal   bad = *f;
    int    k = f->n - 1 - (c->weight != WEIGHT_NONE);
    array *a = bad.operand[k] = array_new(c->pool, f->operand[k]->dtype, f->operand[k]->rank, f->operand[k]->shape);
    memcpy(a->data, f->operand[k]->data, (size_t)a->n * dtype_bytes(a->dtype));
    int64_t width = a->rank == 2 ? a->shape[1] : 1, rows = a->rank ? a->shape[0] : 1;
    *n_good = 0;
    for (int64_t row = 0; row < rows; row++)
        if (row % 3 == 1)
            for (int64_t j = 0; j < width; j++)
                array_put(a, row * width + j, number_float(NAN));
        else
            good[(*n_good)++] = row;
    return bad;
}

static void check_policies(law_case *c)
{
    meal          f = food(c, ROWS);
    int64_t       good[ROWS], n_good;
    meal          bad = with_nan(c, &f, good, &n_good), rest = meal_rows(&f, c->pool, good, n_good);
    tally_error   err;
    tally_metric *skip = class_with_policy(c->row, "skip", &err), *other = class_with_policy(c->row, "skip", &err);
    tally_metric *strict = class_with_policy(c->row, "error", &err);
    if (!skip)
        return;
    eat(c, skip, &bad);
    eat(c, other, &rest);
    LAW(c, class_same_states(skip, other));
    LAW(c, tally_metric_skipped(skip) >= ROWS - n_good && tally_metric_skipped(other) == 0);
    bytes before = class_pack(c->pool, strict);
    LAW(c, meal_update(strict, &bad, &err) == TALLY_FAILED_PRECONDITION);
    LAW(c, bytes_equal(class_pack(c->pool, strict), before));
    eat(c, strict, &rest);
    LAW(c, class_same_states(strict, other));
    tally_metric_release(skip);
    tally_metric_release(other);
    tally_metric_release(strict);
}

static void samples_with_a_nan_are_left_out_or_refused_as_the_policy_says(void **state)
{
    (void)state;
    each_case("policies", check_policies);
}

/* ---- traces ---- */

static void check_traces(law_case *c)
{
    static const int64_t sizes[] = { 7, 0, 1, 257, 7 };
    way_user             u = { WAY_PLAIN, 0, NULL, { { NULL, 0, 0 } } };
    u.n = food(c, 1).n;
    test_rng        seed = c->r;
    tally_function *fn = tally_function_new(way_body, &u, NULL, NULL);
    for (int k = 0; k < 5; k++) {
        c->r = seed;                                        /* equal label dtypes */
        meal          f = food(c, sizes[k]);
        tally_metric *m = new_metric(c);                    /* an instance of its own each time */
        call_with(c, fn, &f, m, true);
        LAW(c, bytes_equal(class_pack(c->pool, m), eaten_whole(c, &f)));
        LAW(c, tally_function_traces(fn) == 1);
        tally_metric_release(m);
    }
    tally_function_release(fn);
}

static void batch_sizes_and_instances_share_one_trace(void **state)
{
    (void)state;
    each_case("traces", check_traces);
}

/* ---- memory ---- */

static void eat_read_reset(law_case *c, tally_metric *m, const meal *f)
{
    double  v[16];
    int64_t shape[TALLY_MAX_RANK];
    eat(c, m, f);
    LAW(c, tally_metric_result_shape(m, shape) >= 0);
    LAW(c, tally_metric_values(m, v, 16, NULL) == TALLY_OK);
    (void)tally_metric_is_defined(m);
    tally_metric_reset_state(m);
}

static void check_steady(law_case *c)
{
    test_memory    memory = { 0 };
    tally_context *x = test_context(&memory, NULL);
    tally_metric  *m = c->row->make(c->row, x, NULL);
    test_rng       seed = c->r;
    for (int turn = 0; turn < 6; turn++) {
        c->r = seed;                                        /* equal label dtypes */
        meal         f = food(c, turn ? ROWS - turn : ROWS);
        const size_t before = memory.calls;
        eat_read_reset(c, m, &f);
        if (turn > 2)
            LAW(c, memory.calls == before);
    }
    tally_metric_release(m);
    tally_context_release(x);
    LAW(c, memory.blocks == 0);
}

static void updates_results_and_resets_come_to_need_no_memory(void **state)
{
    (void)state;
    each_case("steady", check_steady);
}

/* ---- layouts ---- */

static void check_layouts(law_case *c)
{
    for (int turn = 0; turn < 12; turn++) {
        meal                f = food(c, 6);
        tally_tensor        x[3];
        const tally_tensor *pointer[3];
        tally_error         err = { 0, 0, "" };
        for (int k = 0; k < f.n; k++) {
            x[k] = array_scatter(&c->r, c->pool, f.operand[k]);
            pointer[k] = &x[k];
        }
        tally_metric *m = new_metric(c);
        tally_status  s = tally_metric_update_state_n(m, pointer, f.n, &err);
        if (s)
            print_error("%s\n", err.text);
        LAW(c, s == TALLY_OK);
        LAW(c, bytes_equal(class_pack(c->pool, m), eaten_whole(c, &f)));
        tally_metric_release(m);
    }
}

static void strided_turned_and_repeated_inputs_equal_dense_ones(void **state)
{
    (void)state;
    each_case("layouts", check_layouts);
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
            tally_metric  *m = c.row->make(c.row, x, NULL);
            LAW(&c, x && m);
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

static void metrics_fed_together_equal_metrics_fed_alone(void **state)
{
    enum { MOST = 200 };
    (void)state;
    for (int d = 0; d < DTYPES; d++)
        for (int eats = DIET_VALUES; eats <= DIET_SPARSE; eats++) {
            law_case      c = { NULL, float_dtypes[d], WEIGHT_ANY, { (uint64_t)(d * 16 + eats) + 99 }, pool_new(), "together" };
            tally_metric *m[MOST], *alone[MOST];
            int           n = 0;
            for (int k = 0; k < class_count; k++)
                if ((int)class_table[k].eats == eats && n < MOST) {
                    c.row = &class_table[k];
                    m[n] = new_metric(&c);
                    alone[n++] = new_metric(&c);
                }
            for (int turn = 0; turn < 3; turn++) {
                meal                f = food(&c, 5 * turn);
                tally_tensor        x[3];
                const tally_tensor *pointer[3];
                tally_error         err = { 0, 0, "" };
                for (int k = 0; k < f.n; k++) {
                    x[k] = array_view(f.operand[k]);
                    pointer[k] = &x[k];
                }
                if (tally_metrics_update_state_n(m, n, pointer, f.n, &err))
                    fail_msg("%s", err.text);
                for (int k = 0; k < n; k++)
                    eat(&c, alone[k], &f);
            }
            for (int k = 0; k < n; k++) {
                LAW(&c, bytes_equal(class_pack(c.pool, m[k]), class_pack(c.pool, alone[k])));
                tally_metric_release(m[k]);
                tally_metric_release(alone[k]);
            }
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
        cmocka_unit_test(any_split_order_and_merge_tree_gives_the_same_bytes),
        cmocka_unit_test(eager_traced_looped_inlined_branched_and_captured_are_one),
        cmocka_unit_test(one_metric_twice_or_passed_and_captured_is_as_eager),
        cmocka_unit_test(update_read_reset_update_in_a_body_and_in_a_loop_is_as_eager),
        cmocka_unit_test(the_sizes_of_a_first_batch_outlive_a_reset_in_the_same_call),
        cmocka_unit_test(a_failing_assert_after_updates_leaves_every_byte),
        cmocka_unit_test(clones_snapshots_merges_and_resets_keep_to_themselves),
        cmocka_unit_test(packed_bytes_come_back_as_the_same_metric),
        cmocka_unit_test(a_weight_of_one_is_none_and_a_weight_of_four_is_four_copies),
        cmocka_unit_test(samples_with_a_nan_are_left_out_or_refused_as_the_policy_says),
        cmocka_unit_test(batch_sizes_and_instances_share_one_trace),
        cmocka_unit_test(updates_results_and_resets_come_to_need_no_memory),
        cmocka_unit_test(strided_turned_and_repeated_inputs_equal_dense_ones),
        cmocka_unit_test(work_shared_out_in_any_way_gives_the_same_bytes),
        cmocka_unit_test(metrics_fed_together_equal_metrics_fed_alone),
        cmocka_unit_test(the_bits_of_all_results_are_printed),
    };
    return cmocka_run_group_tests_name("laws", tests, NULL, NULL);
}
